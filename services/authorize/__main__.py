"""`python -m services.authorize`"""

from services.authorize.app import create_app
from services.authorize.settings import Settings
from shared.service import run

if __name__ == "__main__":
    run("authorize", Settings, create_app)
