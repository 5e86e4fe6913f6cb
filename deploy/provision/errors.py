"""Why provisioning stopped."""


class ProvisionError(Exception):
    """Said to the operator in one line; nothing after it was done."""
