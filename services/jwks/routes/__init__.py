"""HTTP ⇄ flows: `public` through the gateway, `internal` for the admin service. No rules, no SQL."""
