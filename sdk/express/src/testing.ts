/**
 * For an app's own tests: a session without signing in, and an issuer in the test's own process.
 *
 *     const issuer = await FakeIssuer.start();
 *     const auth = createMtasAuth(issuer.options({ appUrl: "http://localhost:3000" }));
 *     const cookies = sessionCookie(issuer.options(...), { sub: "ada", name: "Ada" });
 *
 * Never in production: the issuer lets anybody in.
 */
export { FakeIssuer, type FakeAnswer, type FakeIssuerOptions, type FakeRequest } from "./testing/issuer.js";
export { cookieHeader, sessionCookie, type SessionDetails } from "./testing/sessions.js";
