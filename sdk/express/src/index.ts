export { ConfigurationError, MtasError, type ErrorCode, type Problem } from "./errors.js";
export { type MtasOptions } from "./config.js";
export { type User } from "./claims.js";
