"""`python -m services.admin`"""

from services.admin.app import create_app
from services.admin.settings import Settings
from shared.service import run

if __name__ == "__main__":
    run("admin", Settings, create_app)
