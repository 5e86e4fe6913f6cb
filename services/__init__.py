"""The four services: authorize, token, jwks, admin. They share rooms, never code; see `shared`."""
