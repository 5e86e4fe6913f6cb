"""Is a refresh token rotated exactly once, whoever else is there at the same moment?

`python -m tests.race` starts two real token processes on one durable PostgreSQL and lets 16 to 64
requests at once go at one family, ten thousand times: the same token, the one before it, one long
spent, forged ones, a revocation, a sign-out, a process that is killed. Every answer, and the
database after every trial, is held against what may be.

    wire.py       requests written in one go, on connections already open
    arena.py      the two processes, their tenant, and what the database says
    judge.py      what must hold of any trial
    rotation.py   trials that a family survives
    endings.py    trials that end a family
    crashes.py    trials in which a process is killed
    contest.py    draws the trials from a seed, runs them, counts
    report.py     progress, the table, JSON
    test_race.py  a small one, for every test run
    test_crash.py PostgreSQL and a process killed under load, and rotations really lost
"""
