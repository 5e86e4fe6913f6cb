/** Our answers: redirects, problems (RFC 9457), the page of a failed sign-in; and cookies on anyone's answer. */
import { createHash } from "node:crypto";
import type { OutgoingHttpHeader, ServerResponse } from "node:http";

import type { Change, CookieNames } from "./cookies.js";
import { type MtasError, problem } from "./errors.js";

const PENDING = Symbol("mtas cookies");
type Patched = ServerResponse & { [PENDING]?: Map<string, string> };

/**
 * Set-Cookie for `changes`, whatever the app does with its headers: they are added when the head is written,
 * and with them `Cache-Control: no-store`, so that no cache hands one person's session to another.
 */
export function setCookies(response: ServerResponse, names: CookieNames, changes: readonly Change[]): void {
  if (changes.length === 0 || response.headersSent) return;
  const patched = response as Patched;
  const pending = (patched[PENDING] ??= patchHead(patched));
  for (const change of changes) pending.set(change.name, names.render(change));
}

function patchHead(response: Patched): Map<string, string> {
  const pending = new Map<string, string>();
  const writeHead = response.writeHead.bind(response) as (...args: unknown[]) => ServerResponse;
  response.writeHead = ((status: number, ...rest: unknown[]) => {
    response.writeHead = writeHead as typeof response.writeHead;
    const message = typeof rest[0] === "string" ? [rest[0]] : [];
    // What is given to writeHead() would replace what is set before, so it is set before.
    for (const [name, value] of headersOf(rest.at(-1))) response.setHeader(name, value);
    const own = response.getHeader("Set-Cookie");
    const others = own === undefined ? [] : Array.isArray(own) ? own : [String(own)];
    response.setHeader("Set-Cookie", [...others, ...pending.values()]);
    response.setHeader("Cache-Control", "no-store");
    return writeHead(status, ...message);
  }) as typeof response.writeHead;
  return pending;
}

/** The headers that writeHead() was given: an object, a flat list, or a list of pairs. */
function* headersOf(given: unknown): Generator<[string, string | number | string[]]> {
  if (typeof given !== "object" || given === null) return;
  const pairs: [string, OutgoingHttpHeader | undefined][] = [];
  if (!Array.isArray(given)) pairs.push(...Object.entries(given as Record<string, OutgoingHttpHeader>));
  else if (Array.isArray(given[0])) pairs.push(...(given as [string, OutgoingHttpHeader][]));
  else for (let i = 0; i + 1 < given.length; i += 2) pairs.push([String(given[i]), given[i + 1] as OutgoingHttpHeader]);
  const merged = new Map<string, string | number | string[]>();
  for (const [name, value] of pairs) {
    if (value === undefined) continue;
    const before = merged.get(name);
    merged.set(name, before === undefined ? value : [before, value].flat().map(String));
  }
  yield* merged;
}

export function sendJson(response: ServerResponse, status: number, body: unknown, type = "application/json"): void {
  send(response, status, type, JSON.stringify(body));
}

export function sendRedirect(response: ServerResponse, location: string): void {
  response.setHeader("Location", location);
  send(response, 303);
}

export function sendNothing(response: ServerResponse): void {
  send(response, 204);
}

export function sendProblem(response: ServerResponse, error: MtasError, loginUrl?: string): void {
  setRetryAfter(response, error);
  sendJson(response, error.status, problem(error, loginUrl), "application/problem+json");
}

const STYLE = `
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
  body { display: grid; min-height: 90vh; place-content: center; margin: 0; padding: 1rem; }
  main { max-width: 26rem; }
  h1 { font-size: 1.375rem; line-height: 1.25; margin: 0 0 .5rem; }
  p { margin: 0 0 1.25rem; overflow-wrap: anywhere; }
  a { display: inline-block; padding: .5rem 1rem; border: 1px solid; border-radius: .375rem;
      color: inherit; text-decoration: none; }
  a:focus-visible { outline: 3px solid Highlight; outline-offset: 2px; }
  small { display: block; margin-top: 1.25rem; opacity: .7; }
`;
const STYLE_HASH = createHash("sha256").update(STYLE).digest("base64");

/** For a person: what happened, and a way on. No script; nothing is loaded from anywhere. */
export function sendPage(response: ServerResponse, error: MtasError, loginUrl: string): void {
  setRetryAfter(response, error);
  response.setHeader(
    "Content-Security-Policy",
    `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  );
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.setHeader("Referrer-Policy", "no-referrer");
  const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(error.title)}</title>
<style>${STYLE}</style>
<main>
<h1>${escape(error.title)}</h1>
<p>${escape(error.detail)}</p>
<a href="${escape(loginUrl)}">Try again</a>
<small>${error.code}</small>
</main>
</html>
`;
  send(response, error.status, "text/html; charset=utf-8", page);
}

function setRetryAfter(response: ServerResponse, error: MtasError): void {
  if (error.retryAfterS !== undefined) response.setHeader("Retry-After", String(error.retryAfterS));
}

function send(response: ServerResponse, status: number, type?: string, body?: string): void {
  response.statusCode = status;
  response.setHeader("Cache-Control", "no-store");
  if (type !== undefined) response.setHeader("Content-Type", type);
  response.setHeader("Content-Length", Buffer.byteLength(body ?? ""));
  if (status === 204) response.removeHeader("Content-Length");
  response.end(body);
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
