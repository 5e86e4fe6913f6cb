/** A browser as far as cookies and redirects go. On node:http: fetch() sets Sec-Fetch-Mode by itself. */
import { type IncomingMessage, request } from "node:http";

export const LOADS_PAGE = { "sec-fetch-mode": "navigate", "sec-fetch-site": "none", accept: "text/html" };
export const FETCHES = { "sec-fetch-mode": "cors", "sec-fetch-site": "same-origin" };

export interface Page {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: any;
  readonly setCookies: readonly string[];
}

export interface Asked {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

export class Browser {
  readonly cookies = new Map<string, string>();

  /** One request; Set-Cookie is kept unless `keep` is false. */
  async ask(url: string, { method = "GET", headers = {}, body = "" }: Asked = {}, keep = true): Promise<Page> {
    const cookie = this.cookies.size > 0 ? { cookie: this.header } : {};
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request(url, { method, headers: { ...cookie, ...headers }, agent: false }, resolve)
        .on("error", reject)
        .end(body);
    });
    const parts: Buffer[] = [];
    for await (const part of response) parts.push(part as Buffer);
    const text = Buffer.concat(parts).toString();
    const { "set-cookie": setCookies = [], ...others } = response.headers;
    const page = {
      url,
      status: response.statusCode ?? 0,
      headers: new Headers(others as Record<string, string>),
      text,
      json: parse(text),
      setCookies,
    };
    if (keep) this.keep(page);
    return page;
  }

  /** As fetch() of a page of the app. */
  get(url: string, headers: Record<string, string> = {}): Promise<Page> {
    return this.ask(url, { headers: { ...FETCHES, ...headers } });
  }

  /** As a page load, through redirects to the end; `until` stops before a URL that holds it. */
  async load(url: string, until?: string): Promise<Page> {
    for (let i = 0; i < 10; i += 1) {
      const page = await this.ask(url, { headers: LOADS_PAGE });
      const location = page.headers.get("location");
      if (page.status !== 303 || location === null) return page;
      url = new URL(location, url).href;
      if (until !== undefined && url.includes(until)) return { ...page, url };
    }
    throw new Error("too many redirects");
  }

  /** Only of this browser's own answers: what comes late is kept when it comes. */
  keep({ setCookies }: { setCookies: readonly string[] }): void {
    for (const line of setCookies) {
      const [pair = "", ...attributes] = line.split("; ");
      const at = pair.indexOf("=");
      const name = pair.slice(0, at);
      if (attributes.includes("Max-Age=0")) this.cookies.delete(name);
      else this.cookies.set(name, pair.slice(at + 1));
    }
  }

  get header(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
