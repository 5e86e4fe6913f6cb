"""HTTP ⇄ flows: one module a topic. No rules, no SQL.

- `authorize`, `sign_in`, `mail_links`, `questions`, `logout`: what browsers meet on the way to an app
- `account`, `account_security`: what a signed-in user sees and changes of their account
- `branding`: the app's own logo and accent
- `assets`: styles and the one script, below every tenant
- `internal`: what admin calls, on the service's own port
- `here`: what a handler works with; `web`, `visitors`, `forms`, `pages`, `views`, `errors`, `words`,
  `devices`: how the above read requests and render answers
"""
