"""Why a tenant did not move."""


class MoveError(Exception):
    """Said to the operator in one line; nothing was written."""
