"""The compose project from nothing, and the end-to-end tests against it: `make test-compose`.

Needs a container engine, so it is no part of `make test`.
"""
