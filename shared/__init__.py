"""Vocabulary, event contracts and wiring that at least two services use.

- `oauth`: the protocol's words, pure: errors, parameters, PKCE, redirect URIs, tokens' formats
- `events`: the catalogue, the CloudEvents envelope, the outbox and the bus
- `pages`: the design system: tokens, components, and how a service serves and renders them
- `http`: request context, health, errors and headers at the edge
- `db`, `valkey`, `cache`, `directory`, `keys`, `settings`, `log`, `clock`, `secret`, `service`: wiring
- `tracing`: who is told of what a request does, when somebody collects traces
- `unavailable`: what any layer raises when something is not there yet
- `observations`: what is noted of requests for the dashboard
- `fair_share`: how tenants take turns at what is scarce
- `passwords`, `breached_passwords`, `guessable`: how a password is hashed, and which are refused
- `mail`: a letter as a message, its link, and the way to the mail server
- `texts`, `text`, `languages`: what is said to people, in their language
- `limits`: how guesses are counted; how many is the service's

Never here: a use case, a write to a service's table, a policy, a module of odds and ends.
Nothing in here imports a service.
"""
