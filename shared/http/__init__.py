"""The edge, alike in every service: request context and access log, health, errors, headers, CORS."""
