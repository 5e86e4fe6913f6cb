"""The gateway: Envoy, in front of every service.

What lives here: the public route table (`routes`), Envoy's configuration (`envoy.yaml`, rendered
by `render`), and graceful shutdown (`drain`). What may not: anything that knows what a request
means. The gateway decides whether a request may come in and what is true about its sender; the
services decide the rest.
"""
