"""`mtas`: the command line, a client of the admin API and of nothing else.

- `main`: the command and its exit codes: 0 done, 1 refused, 2 wrong usage, 3 the server is away
- `apps`, `users`, `keys`, `members`, `tokens`, `developers`: what it can do
- `api`: speaks to `/api/v1` · `whereabouts`: finds it · `output`: tables, and JSON for machines
"""
