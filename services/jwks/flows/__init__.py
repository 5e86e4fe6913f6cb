"""The jwks service's use cases: make keys, publish them, and say where everything is."""
