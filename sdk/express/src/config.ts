/**
 * What an app says of itself and of its issuer: options, or the environment variables of the same names
 * (`appUrl` is MTAS_APP_URL). Whatever is wrong is said at once, in one error.
 */
import { ConfigurationError } from "./errors.js";
import { localPath } from "./return_to.js";

export interface MtasOptions {
  /** The tenant's issuer, such as `https://auth.example.com/t/acme`. MTAS_ISSUER; required. */
  issuer?: string | undefined;
  /** The client_id. MTAS_APP_ID; required. */
  appId?: string | undefined;
  /** The client secret. MTAS_APP_SECRET; required. */
  appSecret?: string | undefined;
  /** The origin at which browsers reach this app. MTAS_APP_URL; required. */
  appUrl?: string | undefined;
  /** Each at least 32 characters; the first seals, all open. MTAS_COOKIE_SECRETS, comma-separated; required. */
  cookieSecrets?: string | readonly string[] | undefined;
  /** Where the routes are. MTAS_PREFIX; `/auth`. */
  prefix?: string | undefined;
  /** MTAS_SCOPE; `openid profile email`. */
  scope?: string | undefined;
  /** The audience of the access tokens (RFC 8707). MTAS_RESOURCE; none: the app itself. */
  resource?: string | undefined;
  /** MTAS_DEFAULT_RETURN_TO; `/`. */
  defaultReturnTo?: string | undefined;
  /** MTAS_POST_LOGOUT_RETURN_TO; `/`. */
  postLogoutReturnTo?: string | undefined;
  /** Refresh that many seconds before the access token ends. MTAS_REFRESH_BEFORE_S; 60. */
  refreshBeforeS?: number | undefined;
  /** The longest that a session lasts. MTAS_SESSION_MAX_AGE_S; 2592000, thirty days. */
  sessionMaxAgeS?: number | undefined;
  /** How far the server's clock may be from ours. MTAS_CLOCK_LEEWAY_S; 30. */
  clockLeewayS?: number | undefined;
  /** For one request to the server. MTAS_TIMEOUT_S; 5. */
  timeoutS?: number | undefined;
  /** How long known keys serve while the server is away. MTAS_JWKS_STALE_S; 86400. */
  jwksStaleS?: number | undefined;
  /** For one refresh across processes. MTAS_REDIS_URL; none. */
  redisUrl?: string | undefined;
}

export interface Config {
  readonly issuer: string;
  readonly appId: string;
  readonly appSecret: string;
  readonly appUrl: string;
  readonly cookieSecrets: readonly string[];
  readonly prefix: string;
  readonly scope: string;
  readonly resource: string | undefined;
  readonly defaultReturnTo: string;
  readonly postLogoutReturnTo: string;
  readonly refreshBeforeS: number;
  readonly sessionMaxAgeS: number;
  readonly clockLeewayS: number;
  readonly timeoutS: number;
  readonly jwksStaleS: number;
  readonly redisUrl: string | undefined;
}

const VARIABLES = {
  issuer: "MTAS_ISSUER",
  appId: "MTAS_APP_ID",
  appSecret: "MTAS_APP_SECRET",
  appUrl: "MTAS_APP_URL",
  cookieSecrets: "MTAS_COOKIE_SECRETS",
  prefix: "MTAS_PREFIX",
  scope: "MTAS_SCOPE",
  resource: "MTAS_RESOURCE",
  defaultReturnTo: "MTAS_DEFAULT_RETURN_TO",
  postLogoutReturnTo: "MTAS_POST_LOGOUT_RETURN_TO",
  refreshBeforeS: "MTAS_REFRESH_BEFORE_S",
  sessionMaxAgeS: "MTAS_SESSION_MAX_AGE_S",
  clockLeewayS: "MTAS_CLOCK_LEEWAY_S",
  timeoutS: "MTAS_TIMEOUT_S",
  jwksStaleS: "MTAS_JWKS_STALE_S",
  redisUrl: "MTAS_REDIS_URL",
} as const satisfies Record<keyof MtasOptions, string>;

type Name = keyof typeof VARIABLES;

const MIN_SECRET = 32;

/** Throws: ConfigurationError, which lists every problem. */
export function readConfig(
  options: MtasOptions = {},
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  const problems: string[] = [];
  for (const name of Object.keys(options)) {
    if (!(name in VARIABLES)) problems.push(`${name}: there is no such option; ${nearest(name)}`);
  }
  const given = (name: Name): unknown => {
    const value = options[name];
    if (value !== undefined) return value;
    const variable = environment[VARIABLES[name]]?.trim();
    return variable === "" ? undefined : variable;
  };
  const complain = (name: Name, what: string): undefined => {
    problems.push(`${name} (${VARIABLES[name]}): ${what}`);
    return undefined;
  };
  const text = (name: Name, wanted?: string): string | undefined => {
    const value = given(name);
    if (value === undefined || value === "") return wanted && complain(name, wanted);
    return typeof value === "string" ? value : complain(name, "must be a string");
  };
  const seconds = (name: Name, usual: number, least: number, most: number, whole = true): number => {
    const value = given(name);
    if (value === undefined) return usual;
    const number = typeof value === "string" && /^\d{1,10}(\.\d{1,6})?$/.test(value) ? Number(value) : value;
    const fits = typeof number === "number" && number >= least && number <= most;
    if (fits && (!whole || Number.isInteger(number))) return number;
    complain(name, `must be a ${whole ? "whole " : ""}number of seconds from ${least} to ${most}`);
    return usual;
  };

  const issuer = text("issuer", "is missing; set it to the issuer that the dashboard shows for this app");
  if (issuer !== undefined) {
    const wrong = wrongUrl(issuer) ?? (/[?#]|\/$/.test(issuer) ? "has no query, fragment or / at its end" : null);
    if (wrong !== null) complain("issuer", wrong);
  }
  const appId = text("appId", "is missing; set it to the app's ID (client_id)");
  if (appId !== undefined && !/^[A-Za-z0-9-]{1,64}$/.test(appId)) {
    complain("appId", "may hold letters, digits and - only; copy it from the dashboard");
  }
  const appSecret = text("appSecret", "is missing; set it to the app's secret, shown once when it was made");
  const appUrl = text("appUrl", "is missing; set it to the origin where browsers reach this app");
  if (appUrl !== undefined) {
    const wrong = wrongUrl(appUrl);
    if (wrong !== null) complain("appUrl", wrong);
    else if (new URL(appUrl).origin !== appUrl) {
      complain("appUrl", `must be an origin alone; use ${new URL(appUrl).origin}`);
    }
  }
  const cookieSecrets = secrets(given("cookieSecrets"), (what) => complain("cookieSecrets", what));

  const prefix = text("prefix") ?? "/auth";
  if (!/^(\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$/.test(prefix)) {
    complain("prefix", "must begin with /, not end with one, and hold letters, digits, - . _ ~ only");
  }
  const path = (name: Name): string => {
    const value = text(name) ?? "/";
    const local = localPath(value, prefix);
    if (local === null) complain(name, "must be a path on this app that begins with one /, and none of our routes");
    return local ?? "/";
  };
  const scope = text("scope") ?? "openid profile email";
  if (!scope.split(" ").every((word) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(word))) {
    complain("scope", "must be words with one space between them");
  } else if (!scope.split(" ").includes("openid")) complain("scope", "must hold openid");
  const resource = text("resource");
  if (resource !== undefined && (!URL.canParse(resource) || resource.includes("#"))) {
    complain("resource", "must be an absolute URI without a fragment, as registered for this app");
  }
  const redisUrl = text("redisUrl");
  if (redisUrl !== undefined && !/^(rediss?|unix):\/\/./.test(redisUrl)) {
    complain("redisUrl", "must begin with redis://, rediss:// or unix://");
  }
  const config = {
    prefix,
    scope,
    resource,
    redisUrl,
    defaultReturnTo: path("defaultReturnTo"),
    postLogoutReturnTo: path("postLogoutReturnTo"),
    refreshBeforeS: seconds("refreshBeforeS", 60, 0, 3600),
    sessionMaxAgeS: seconds("sessionMaxAgeS", 2_592_000, 300, 34_560_000),
    clockLeewayS: seconds("clockLeewayS", 30, 0, 300),
    timeoutS: seconds("timeoutS", 5, 0.001, 60, false),
    jwksStaleS: seconds("jwksStaleS", 86_400, 0, 604_800),
  };
  if (problems.length > 0 || !issuer || !appId || !appSecret || !appUrl) throw new ConfigurationError(problems);
  return Object.freeze({ ...config, issuer, appId, appSecret, appUrl, cookieSecrets });
}

function secrets(value: unknown, complain: (what: string) => void): readonly string[] {
  const list: unknown = typeof value === "string" ? value.split(",") : value;
  const found = Array.isArray(list) ? (list as unknown[]).map((one) => (typeof one === "string" ? one.trim() : "")) : [];
  if (found.length === 0) {
    complain("is missing; make one with `openssl rand -base64 48`");
  } else if (found.some((one) => [...one].length < MIN_SECRET)) {
    complain(`each must have at least ${MIN_SECRET} characters; make one with \`openssl rand -base64 48\``);
  } else if (new Set(found).size !== found.length) {
    complain("holds the same secret twice");
  }
  return found;
}

function wrongUrl(value: string): string | null {
  if (!URL.canParse(value)) return "must be an absolute URL";
  const url = new URL(value);
  if (url.username !== "" || url.password !== "") return "must not hold a user name or password";
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.hostname))) {
    return "must begin with https:// (http:// is for this machine only: localhost, 127.0.0.1, [::1])";
  }
  return value.startsWith(url.origin) ? null : `must be written plainly: ${url.origin} and a path`;
}

export function isLoopback(hostname: string): boolean {
  // No other name: what resolves it may ask the network.
  return ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
}

function nearest(name: string): string {
  const plain = (word: string): string => word.toLowerCase().replace(/^mtas_/, "").replaceAll("_", "");
  const meant = Object.keys(VARIABLES).find((option) => plain(option) === plain(name));
  return meant ? `it is called ${meant}` : `there are ${Object.keys(VARIABLES).join(", ")}`;
}
