/** Requests to the server: bounded in time and size, never redirected, and it is told who asks. */
import { MtasError } from "./errors.js";
import { VERSION } from "./version.js";

const LARGEST = 256 * 1024;
const LONGEST_RETRY_S = 300;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
}

export class Http {
  readonly #timeoutS: number;
  readonly #fetch: typeof fetch;

  constructor(timeoutS: number, fetcher: typeof fetch = fetch) {
    this.#timeoutS = timeoutS;
    this.#fetch = fetcher;
  }

  /** Throws: MtasError server_unavailable when there is no answer, or one that says to come back later. */
  async ask(url: string, init: RequestInit = {}): Promise<Answer> {
    const headers = new Headers(init.headers);
    headers.set("X-MTAS-Client", `mtas-express/${VERSION}`);
    // The whole exchange, body and all, has the time; a caller who goes away does not shorten it.
    const signal = AbortSignal.timeout(this.#timeoutS * 1000);
    try {
      const response = await this.#fetch(url, { ...init, headers, signal, redirect: "manual" });
      const body = await read(response);
      if (response.status === 429 || response.status >= 500) {
        throw unavailable(url, `answered ${response.status}`, retryAfter(response.headers));
      }
      return { status: response.status, headers: response.headers, body };
    } catch (error) {
      if (error instanceof MtasError) throw error;
      throw unavailable(url, "did not answer, or not as it should", undefined, error);
    }
  }
}

async function read(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let size = 0;
  if (response.body !== null) {
    // Leaving the loop early cancels the rest.
    for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
      size += part.byteLength;
      if (size > LARGEST) throw new Error("too large");
      parts.push(part);
    }
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

function unavailable(url: string, what: string, retryAfterS?: number, cause?: unknown): MtasError {
  const detail = `The server at ${new URL(url).origin} ${what}. Try again in a moment.`;
  return new MtasError("server_unavailable", detail, { ...(retryAfterS && { retryAfterS }), cause });
}

function retryAfter(headers: Headers): number | undefined {
  const seconds = headers.get("retry-after") ?? "";
  return /^\d{1,6}$/.test(seconds) && Number(seconds) > 0 ? Math.min(Number(seconds), LONGEST_RETRY_S) : undefined;
}
