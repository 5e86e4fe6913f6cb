"""The protocol's vocabulary: RFC 6749, 7636, 8252, 8707, 9068, 9207, OpenID Connect Core.

Pure functions and structs. No I/O, no clock, no randomness of its own: what a function needs
it is given. Nothing here knows of HTTP, SQL or a service.
"""
