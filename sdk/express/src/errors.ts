/** Errors with stable codes, the same in every MTAS SDK; a detail never holds a secret or a token. */

/** Status and title. */
const KINDS = {
  login_required: [401, "Sign in to go on"],
  csrf: [403, "The request did not come from this app's own pages"],
  state_missing: [400, "This sign-in was begun elsewhere, or too long ago"],
  state_invalid: [400, "This sign-in's state does not fit"],
  issuer_mismatch: [400, "The answer came from another issuer"],
  authorization_refused: [403, "The sign-in was refused"],
  code_rejected: [400, "The sign-in could not be completed"],
  client_rejected: [500, "The auth server does not accept this app's credentials"],
  id_token_invalid: [400, "The auth server's answer could not be verified"],
  clock_skew: [500, "This machine's clock is wrong"],
  server_unavailable: [503, "The auth server cannot be reached"],
  discovery_mismatch: [500, "The auth server is another than the configured one"],
  token_missing: [401, "An access token is needed"],
  token_invalid: [401, "The access token is not valid"],
  insufficient_scope: [403, "The access token's scope does not cover this"],
  session_too_large: [500, "The session does not fit in cookies"],
} as const satisfies Record<string, readonly [number, string]>;

export type ErrorCode = keyof typeof KINDS;

/** What went wrong, under a code that stays; `detail` says what to do about it. */
export class MtasError extends Error {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly retryAfterS: number | undefined;

  constructor(code: ErrorCode, detail: string, options: { retryAfterS?: number; cause?: unknown } = {}) {
    super(`${code}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "MtasError";
    this.code = code;
    this.detail = detail;
    this.retryAfterS = options.retryAfterS ?? (code === "server_unavailable" ? 2 : undefined);
  }

  get status(): number {
    return KINDS[this.code][0];
  }

  get title(): string {
    return KINDS[this.code][1];
  }
}

/** All that is wrong with a configuration, in one error. */
export class ConfigurationError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    const list = problems.map((problem) => `\n  - ${problem}`).join("");
    super(`MTAS is not configured: ${problems.length} problem${problems.length === 1 ? "" : "s"}${list}`);
    this.name = "ConfigurationError";
    this.problems = problems;
  }
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  code: ErrorCode;
  detail: string;
  /** Where to sign in, with login_required. */
  login_url?: string;
}

/** RFC 9457. */
export function problem(error: MtasError, loginUrl?: string): Problem {
  return {
    type: `urn:mtas:error:${error.code}`,
    title: error.title,
    status: error.status,
    code: error.code,
    detail: error.detail,
    ...(loginUrl !== undefined && error.code === "login_required" && { login_url: loginUrl }),
  };
}
