"""The one home of the version: the build reads it here, and the server sees it in X-MTAS-Client."""

__version__ = "0.1.0"
