/** What a request says of itself: is it a navigation, is it forged, is it only a guess of the browser's. */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";

const SAFE = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/** A person looks at the answer: they can be shown a page. */
export function isNavigation(headers: IncomingHttpHeaders): boolean {
  if (headers["sec-fetch-mode"] !== undefined) return headers["sec-fetch-mode"] === "navigate";
  if (Object.keys(headers).some((name) => name.startsWith("sec-fetch-"))) return false;
  return /(^|[,\s])text\/html([;,\s]|$)/i.test(headers.accept ?? "");
}

/** They can be sent to sign in, and will come back to what they asked for. */
export function canGoToLogin(method: string | undefined, headers: IncomingHttpHeaders): boolean {
  return method === "GET" && isNavigation(headers);
}

/** May this request act with the session's rights? */
export function isCsrfSafe(method: string | undefined, headers: IncomingHttpHeaders, appUrl: string): boolean {
  return SAFE.has(method ?? "") || isFromApp(headers, appUrl);
}

/** Sent by a page of this app: other origins can send neither the header nor these values. */
export function isFromApp(headers: IncomingHttpHeaders, appUrl: string): boolean {
  if (headers["x-mtas-csrf"] !== undefined) return true;
  const site = headers["sec-fetch-site"];
  return site === undefined ? headers.origin === appUrl : site === "same-origin";
}

export function isPrefetch(headers: IncomingHttpHeaders): boolean {
  const purpose = `${String(headers["sec-purpose"] ?? "")};${String(headers["purpose"] ?? "")}`;
  return /(^|[;,\s])prefetch([;,\s]|$)/i.test(purpose);
}

/** The path and query as the client sent them, wherever in the app we are mounted. */
export function sentUrl(request: IncomingMessage): string {
  const { originalUrl } = request as IncomingMessage & { originalUrl?: string };
  return originalUrl ?? request.url ?? "/";
}
