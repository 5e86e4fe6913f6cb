"""The whole behaviour, without I/O: no framework, no HTTP client, no clock or randomness of its own.

What needs the outside world is a generator that yields an effect (`effects.py`) and is given its result;
`mtas.aio` and `mtas.sync` carry effects out. So both are the same behaviour, and a test is the clock.
"""
