"""Several of each, and what happens when one of them goes: `make scale`.

`python -m tests.scale` starts the product on stores that have a second of themselves, keeps the five kinds of
request of tests.chaos going, and takes the one away that all work with. Nothing that was acknowledged may be
lost, no revoked family live, and all must go on by itself. Where versions and secrets change, nothing fails.

    several.py    the product on a standby of PostgreSQL, on Valkey with Sentinel, on three servers of NATS
    failover.py   what is taken away, and how
    pgbouncer.py  the services behind it
    versions.py   the former version beside the new one, forth and back
    secrets.py    keys and passwords change
    visitors.py   what goes on meanwhile, of these two
    scenarios.py   all of it, by name
    report.py     the table in docs/operate/scaling.md
    test_scale.py  a few of them, for every test run
"""
