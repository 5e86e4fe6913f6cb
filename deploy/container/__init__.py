"""The image: its entry point, the files that stores and gateway are started with, its health check.

Imports the services only by name, each when it is what the container is.
"""
