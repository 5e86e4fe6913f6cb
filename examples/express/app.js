import express from "express";
import { createMtasAuth } from "@mtas/express";

const app = express();
const auth = createMtasAuth();
const notes = new Map(); // by user; a real app has a database

app.use(auth.router());

app.get("/", auth.middleware, (req, res) => {
  const { user } = req.auth;
  res.send(user ? page(`<p>Hello, ${escape(name(user))}.</p><a href="/profile">Profile</a> ${signOut}`)
    : page(`<p>You are not signed in.</p><a href="/auth/login?returnTo=/profile">Sign in</a>`));
});

app.get("/profile", auth.requireUser(), (req, res) => {
  const { user } = req.auth;
  const rows = Object.entries(user).map(([key, value]) => `<dt>${escape(key)}</dt><dd>${escape(value)}</dd>`);
  res.send(page(`<dl>${rows.join("")}</dl>
    <form method="post" action="/note"><label>Note <input name="note" value="${escape(notes.get(user.sub) ?? "")}">
    </label> <button>Keep</button></form> ${signOut}`));
});

// A form of this app: the guard refuses it from anywhere else.
app.post("/note", auth.requireUser(), express.urlencoded({ extended: false }), (req, res) => {
  notes.set(req.auth.user.sub, String(req.body.note ?? ""));
  res.redirect(303, "/profile");
});

// For other programs, with an access token instead of the cookie.
app.get("/api/note", auth.requireAccessToken({ scope: "openid" }), (req, res) => {
  res.json({ note: notes.get(req.auth.claims.sub) ?? null });
});

const signOut = `<form method="post" action="/auth/logout"><button>Sign out</button></form>`;

function page(content) {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Notes</title>
    <meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
    <h1>Notes</h1>${content}</html>`;
}

function name(user) {
  return user.name ?? user.email ?? user.sub;
}

function escape(text) {
  return String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const server = app.listen(process.env.PORT ?? 3000, "localhost");
process.on("SIGTERM", () => server.close(() => auth.close()));
