"""HTTP ⇄ flows: one module a topic. No rules, no SQL.

- `authorize`, `sign_in`, `questions`, `logout`: what browsers meet
- `branding`: the app's own logo and accent
- `assets`: styles and the one script, below every tenant
- `internal`: what admin calls, on the service's own port
- `web`, `visitors`, `forms`, `pages`, `errors`: how the above read requests and render answers
"""
