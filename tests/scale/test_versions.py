"""The former version on the schema of this one (`make scale ARGS=versions` has both at once, under load)."""

import subprocess
from pathlib import Path

import pytest

from deploy.local.services import ROOT
from tests.conftest import UNLIMITED
from tests.scale.versions import TwoVersions, check_out, former_version
from tests.support.product import Product


def test_the_former_version_goes_on_when_the_schema_is_ahead(tmp_path: Path) -> None:
    try:
        code = check_out(former_version(), tmp_path / "code")
    except (subprocess.CalledProcessError, FileNotFoundError):
        pytest.skip("the history of this repository is not here")
    with TwoVersions(
        tmp_path / "mtas" / "data", code, spare_ports=True, durable=False, limits=UNLIMITED
    ) as stack:
        product = Product(stack)
        app = product.register_app()
        before = product.tokens(app)
        stack.code = ROOT
        stack.provision()
        after = product.tokens(app)
        for tokens in (before, after):
            rotated = product.refresh(app, tokens["refresh_token"]).json()
            assert product.is_active(app, rotated["access_token"])
            assert product.ask(app, "revoke", {"token": rotated["refresh_token"]}).status_code == 200
            assert not product.is_active(app, rotated["access_token"])
        assert stack.processes["token"].cwd == code
        product.close()
