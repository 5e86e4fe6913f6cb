"""The jwks service's use cases: make keys, publish them, turn them over, and say where everything is."""
