"""Golden vectors that both SDKs run: what one seals the other opens, what one refuses the other refuses.

The code here makes them, from `cryptography` and the standard library alone: it imports neither SDK, so
that a mistake in one is not copied into what it is measured by.
"""
