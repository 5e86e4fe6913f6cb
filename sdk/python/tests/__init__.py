"""The SDK's tests: the core against the golden vectors, the adapters against an issuer in process."""
