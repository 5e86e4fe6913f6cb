/** Signing in by hand, step by step, and what the page of a failed sign-in must be. */
import assert from "node:assert/strict";

import type { Stage } from "./app.js";
import { type Browser, LOADS_PAGE, type Page } from "./browser.js";

/** Begins a login; returns the callback's URL with the server's answer, not called yet. */
export async function answered({ app, browser }: Stage, query = ""): Promise<URL> {
  const page = await browser.load(`${app.origin}/auth/login${query}`, "/auth/callback");
  return new URL(page.url);
}

export function call({ browser }: Pick<Stage, "browser">, url: URL | string): Promise<Page> {
  return browser.ask(String(url), { headers: LOADS_PAGE });
}

export function assertPage(page: Page, status: number, code: string): void {
  assert.equal(page.status, status, page.text);
  assert.match(page.headers.get("content-type") ?? "", /^text\/html/);
  assert.equal(page.headers.get("cache-control"), "no-store");
  assert.match(page.headers.get("content-security-policy") ?? "", /^default-src 'none'/);
  assert.match(page.text, new RegExp(`<small>${code}</small>`));
  assert.match(page.text, /<a href="\/auth\/login[^"]*">Try again<\/a>/);
  assert.doesNotMatch(page.text, /<script/);
}

export async function signedIn(own: Stage): Promise<void> {
  const page = await own.browser.load(`${own.app.origin}/hello`);
  assert.equal(page.status, 200, page.text);
}

export function generation({ cookies }: Browser): number {
  const found = [...cookies.keys()].map((name) => /\.(\d+)$/.exec(name)?.[1]).filter((gen) => gen !== undefined);
  assert.equal(found.length, 1, [...cookies.keys()].join());
  return Number(found[0]);
}

export const hello = (own: Stage): Promise<Page> => own.browser.get(`${own.app.origin}/hello`);
