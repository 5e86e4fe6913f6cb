"""The bill of materials: valid, all of the lock, what wheels bring along, the same whenever it is made."""

import json
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from deploy import sbom

NOTHING = Path("/nonexistent")


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    return sbom.document(dpkg=NOTHING)


def named(bill: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in bill["components"] if each["name"] == name)


def test_it_is_what_the_standard_says(bill: dict[str, Any]) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is None


def test_it_has_every_package_of_the_lock_in_its_version_and_no_other(bill: dict[str, Any]) -> None:
    lines = [line for line in sbom.LOCK.read_text().splitlines() if "==" in line]
    purls = {f"pkg:pypi/{line.split()[0].replace('==', '@')}": " ; " in line for line in lines}
    there = {each["purl"] for each in bill["components"] if each["purl"].startswith("pkg:pypi/")}
    assert there <= purls.keys()
    assert {purl for purl, is_for_some_platforms in purls.items() if not is_for_some_platforms} <= there
    assert len(there) > 30


def test_it_says_what_native_code_a_wheel_brings_along(bill: dict[str, Any]) -> None:
    inside = {each["name"].lower() for each in named(bill, "cryptography")["components"]}
    assert "openssl" in inside
    assert {"freetype", "harfbuzz"} <= {each["name"].lower() for each in named(bill, "pillow")["components"]}


def test_every_package_has_a_licence_and_what_needs_what_can_be_followed(bill: dict[str, Any]) -> None:
    packages = [each for each in bill["components"] if each["purl"].startswith("pkg:pypi/")]
    assert [each["name"] for each in packages if not each.get("licenses")] == []
    needs = {each["ref"]: each["dependsOn"] for each in bill["dependencies"]}
    assert named(bill, "cryptography")["bom-ref"] in needs[named(bill, "joserfc")["bom-ref"]]


def test_it_is_the_same_whenever_it_is_made(bill: dict[str, Any]) -> None:
    assert sbom.document(dpkg=NOTHING) == bill
    assert not {"serialNumber", "timestamp"} & {*bill, *bill["metadata"]}


def test_the_base_images_packages_are_in_it(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text(
        "Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:1.2.13.dfsg-1\n"
        "Description: compression\n Package: of no account\n\n"
        "Package: base-files\nArchitecture: amd64\nVersion: 12.4\n"
    )
    assert [each["purl"] for each in sbom.base_packages(status)] == [
        "pkg:deb/debian/base-files@12.4?arch=amd64",
        "pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1?arch=amd64",
    ]


@pytest.mark.parametrize(
    "line", ["cryptography==1.0 \\", "no-such-package==1.0 \\"], ids=["other", "missing"]
)
def test_what_is_not_as_in_the_lock_is_an_error(tmp_path: Path, line: str) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text(line + "\n    --hash=sha256:00\n")
    with pytest.raises(sbom.SbomError):
        sbom.document(lock, NOTHING)


def test_what_is_for_another_platform_alone_may_be_missing(tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("no-such-package==1.0 ; sys_platform == 'win32' \\\n    --hash=sha256:00\n")
    found: list[Distribution] = list(sbom.installed(lock))
    assert found == []


def test_python_itself_is_in_it(bill: dict[str, Any]) -> None:
    assert named(bill, "python")["purl"].startswith("pkg:generic/python@3.")
