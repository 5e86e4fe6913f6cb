"""`python -m services.token`"""

from services.token.app import create_app
from services.token.settings import Settings
from shared.service import run

if __name__ == "__main__":
    run("token", Settings, create_app)
