"""`python -m services.jwks`"""

from services.jwks.app import create_app
from services.jwks.settings import Settings
from shared.service import run

if __name__ == "__main__":
    run("jwks", Settings, create_app)
