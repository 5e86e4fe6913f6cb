"""The dashboard, `/dashboard`: server-rendered pages and plain forms; nothing needs a script.

- `accounts`, `passwords`, `join`, `apps`, `settings`, `clients`, `secrets`, `users`, `keys`, `members`,
  `audit_log`, `api_tokens`: what developers meet
- `assets`: the stylesheet, the icon and the script of the copy buttons
- `web`, `visits`, `forms`, `pages`, `confirmation`, `errors`: how the above read requests and render answers

A form is read only when it was sent to this browser by us: `visits` sees to that for all of them.
"""
