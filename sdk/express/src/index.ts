export { createMtasAuth, type Handler, type MtasAuth, type Surroundings } from "./auth.js";
export type { User } from "./claims.js";
export type { MtasOptions } from "./config.js";
export type { RequestAuth } from "./context.js";
export { ConfigurationError, type ErrorCode, MtasError, type Problem } from "./errors.js";
export type { Claims } from "./jwt.js";
