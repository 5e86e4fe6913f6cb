"""Traces through `compose.traces.yaml`, with a collector of ours in Jaeger's place."""
