"""HTTP ⇄ flows, in two tongues: `api` speaks JSON, `dashboard` pages. No rules here, no SQL."""
