"""What happens to whom when a part is away? `make chaos` breaks each part in each way, under steady load.

`python -m tests.chaos` starts the product with a TCP proxy before every part, keeps five kinds of request
going (sign-in, exchange, refresh, revoke, admin change), and for every cell of the matrix kills a part,
pauses it, cuts its connections or slows them. Each answer is held against what is promised of that cell;
afterwards nothing that was acknowledged may be lost, nothing half-issued, and no revoked family alive.

    links.py     the proxies: through, cut, slow
    broken.py    the product with its parts behind links; the four ways to break one
    work.py      the five kinds of request, each in two threads of its own, and what came of them
    promises.py  which answer each cell may give
    judge.py     what must be true afterwards
    matrix.py    one cell after the other
    rolling.py   100,000 requests while everything is restarted, and keys and secrets rotate
    report.py    the table; docs/operate/faults.md
    test_chaos.py  a few cells, for every test run
"""
