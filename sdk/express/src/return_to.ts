/** Where a person goes after signing in: a place in this app, or the default. */

const LONGEST = 2048;
const OURS = ["login", "callback", "logout", "me"];

/**
 * `target` as a Location may carry it, when every browser and server reads it as the same path on this
 * origin and it is not one of our own routes; else null.
 */
export function localPath(target: unknown, prefix?: string): string | null {
  if (typeof target !== "string" || target.length > LONGEST || !target.isWellFormed()) return null;
  // Browsers take \ for /, and drop tabs and line ends before they look.
  if (!target.startsWith("/") || /[\\\x00-\x1f\x7f-\x9f]/.test(target)) return null;
  const encoded = target.replace(/[^\x21-\x7e]/gu, encodeURIComponent);
  const [path = ""] = encoded.split(/[?#]/, 1);
  const decoded = decode(path);
  if (encoded.length > LONGEST || decoded === null || path.includes("//")) return null;
  if (decoded.split("/").some((segment) => segment === "." || segment === "..")) return null;
  return prefix !== undefined && isOurs(decoded, prefix) ? null : encoded;
}

export function safeReturnTo(target: unknown, prefix: string, fallback: string): string {
  return localPath(target, prefix) ?? fallback;
}

function isOurs(path: string, prefix: string): boolean {
  const routes = OURS.map((route) => `${prefix}/${route}`);
  return routes.some((route) => path === route || path.startsWith(`${route}/`));
}

function decode(path: string): string | null {
  try {
    return decodeURIComponent(path);
  } catch {
    return null;
  }
}
