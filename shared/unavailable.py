"""What is not there yet, in any layer: the edge answers it with 503 and Retry-After."""


class Unavailable(Exception):
    """Something we need is not there yet; the same request may succeed soon."""
