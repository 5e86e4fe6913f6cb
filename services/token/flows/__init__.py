"""The token service's use cases, one file each, named by the RFC's word for it.

routes.py → pipeline.py → authorization_code.py | refresh_token.py | client_credentials.py → store.py
                 └──────→ minting.py
"""
