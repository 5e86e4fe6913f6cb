"""TLS by ACME: an authority that checks as Let's Encrypt does, and Caddy in front of the gateway."""
