"""The local run: PostgreSQL, Valkey, NATS, Envoy and the four services on one machine.

`python -m deploy.local` is what `make run` starts; tests use `deploy.local.stack.Stack`.
One room a server, each giving a `Process` to start; `stack.py` knows the order.

Everything is kept in one data folder (`.mtas/`, or `MTAS_DATA`), listens on the loopback
interface only, and needs neither Docker nor root. As root, PostgreSQL alone runs as
another user, because it refuses to run as root.
"""
