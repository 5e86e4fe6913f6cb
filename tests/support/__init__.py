"""What tests share: a clock to turn, an application on a real socket, seeds, and a small browser.

Stores are real everywhere; only time, randomness and outgoing mail are ever stood in for.
"""
