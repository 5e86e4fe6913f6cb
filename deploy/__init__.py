"""Everything that puts MTAS on a machine, and nothing that MTAS does once it runs there.

- `local/`      `make run`: real servers from wheels, the services and the gateway, in one folder
- `provision/`  the one-shot step before the services start: database, roles, streams, consumers
- `postgres/`   migrations, roles and grants, as plain SQL
- `nats/`, `valkey/`  the servers' configuration, with the permissions of each service
- `lock/`       hashed lock files

Imports neither `services` nor, with one exception (`deploy.local.gateway`), anything of `gateway`.
"""
