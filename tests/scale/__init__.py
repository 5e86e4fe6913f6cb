"""Several of each, and what happens when one of them goes: `make scale`.

`python -m tests.scale` starts the product on stores that have a second of themselves, keeps the five kinds of
request of tests.chaos going, and takes the one away that all work with. Nothing that was acknowledged may be
lost, no revoked family live, and all must go on by itself.

    several.py    the product on a standby of PostgreSQL, on Valkey with Sentinel, on three servers of NATS
    failover.py   what is taken away, and how
    report.py     the table in docs/operate/scaling.md
    test_scale.py  a few of them, for every test run
"""
