"""What the image is made of, as CycloneDX 1.6 in JSON: `make sbom`; in it, /usr/share/mtas/sbom.cdx.json.

Every package of the lock as it is installed, and inside it what its wheel says that it brings along (PEP
770): OpenSSL in cryptography, image codecs in pillow, Rust crates. Then Python, and the packages of the base
image. Nothing in it depends on when or where it was made.

Raises: SbomError when what is installed is not what the lock says.
"""

import json
import platform
import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Final

from shared.version import VERSION

ROOT: Final = Path(__file__).parents[1]
LOCK: Final = ROOT / "deploy" / "lock" / "services.txt"
DPKG: Final = Path("/var/lib/dpkg/status")
_PINNED: Final = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>\S+)(?: ; (?P<marker>[^\\]+))?", re.MULTILINE)
_FIELD: Final = re.compile(r"^(Package|Version|Architecture): (.+)$", re.MULTILINE)
_REQUIRED: Final = re.compile(r"[\w.-]+")
_KEPT: Final = ("type", "name", "version", "purl", "cpe", "hashes", "licenses")

Component = dict[str, Any]


class SbomError(Exception):
    """The lock and what is installed differ; the message says where."""


def main() -> None:
    """To the file that is named, or to standard output."""
    text = json.dumps(document(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    if len(sys.argv) > 1:
        Path(sys.argv[1]).parent.mkdir(parents=True, exist_ok=True)
        Path(sys.argv[1]).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


def document(lock: Path = LOCK, dpkg: Path = DPKG) -> dict[str, Any]:
    packages = {normal(each.name): each for each in installed(lock)}
    python = _component("application", "python", platform.python_version(), "pkg:generic")
    base = list(base_packages(dpkg)) if dpkg.exists() else []
    us = {"type": "application", "name": "mtas", "version": VERSION, "bom-ref": "mtas"}
    components = [*(package(each) for each in packages.values()), python, *base]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": us},
        "components": components,
        "dependencies": [
            {"ref": "mtas", "dependsOn": sorted(each["bom-ref"] for each in components)},
            *({"ref": _purl(each), "dependsOn": _needs(each, packages)} for each in packages.values()),
        ],
    }


def installed(lock: Path) -> Iterator[Distribution]:
    """What the lock names, by name. What it names for other platforms alone may be missing."""
    for pinned in _PINNED.finditer(lock.read_text(encoding="utf-8")):
        try:
            found = distribution(pinned["name"])
        except PackageNotFoundError:
            if pinned["marker"] is None:
                raise SbomError(f"{pinned['name']} is in the lock, and not installed") from None
            continue
        if found.version != pinned["version"]:
            raise SbomError(
                f"{found.name} {found.version} is installed, not {pinned['version']} as in the lock"
            )
        yield found


def package(it: Distribution) -> Component:
    component = _component("library", normal(it.name), it.version, "pkg:pypi")
    if licence := _licence(it):
        component["licenses"] = [licence]
    if inside := sorted(_brought_along(it), key=lambda each: str(each["bom-ref"])):
        component["components"] = inside
    return component


def base_packages(dpkg: Path) -> Iterator[Component]:
    """Debian's own list (deb-control(5)), in the order of names."""
    stanzas = dpkg.read_text(encoding="utf-8").strip().split("\n\n")
    for one in sorted((dict(_FIELD.findall(stanza)) for stanza in stanzas), key=lambda one: one["Package"]):
        deb = _component("library", one["Package"], one["Version"], "pkg:deb/debian")
        deb["purl"] = deb["bom-ref"] = f"{deb['purl']}?arch={one['Architecture']}"
        yield deb


def _brought_along(it: Distribution) -> Iterator[Component]:
    """PEP 770: what other makers' parts a wheel contains, by its own word; each once."""
    seen: set[str] = set()
    for file in it.files or ():
        if file.parent.name != "sboms" or file.suffix != ".json":
            continue
        own = json.loads(Path(str(file.locate())).read_text(encoding="utf-8"))
        for part in own.get("components", ()):
            reference = f"{_purl(it)}#{part.get('purl') or part['name']}"
            if reference not in seen:
                seen.add(reference)
                yield {key: part[key] for key in _KEPT if key in part} | {"bom-ref": reference}


def _needs(it: Distribution, packages: dict[str, Distribution]) -> list[str]:
    """Of what it may require, what is there; extras nobody asked for are not."""
    plain = [text for text in it.requires or () if "extra ==" not in text]
    names = {normal(match.group()) for text in plain if (match := _REQUIRED.match(text))}
    return sorted(_purl(packages[name]) for name in names & packages.keys())


def _licence(it: Distribution) -> Component | None:
    """An SPDX expression (PEP 639), or what was written before there were any."""
    if expression := _first(it, "License-Expression"):
        return {"expression": expression}
    classifiers = [each for each in it.metadata.get_all("Classifier") or () if each.startswith("License :: ")]
    name = _first(it, "License") or ", ".join(each.rpartition(" :: ")[2] for each in classifiers)
    return {"license": {"name": name.partition("\n")[0]}} if name else None


def _first(it: Distribution, field: str) -> str:
    return next(iter(it.metadata.get_all(field) or ()), "")


def _component(kind: str, name: str, version: str, purl: str) -> Component:
    reference = f"{purl}/{name}@{version}"
    return {"type": kind, "name": name, "version": version, "purl": reference, "bom-ref": reference}


def _purl(it: Distribution) -> str:
    return f"pkg:pypi/{normal(it.name)}@{it.version}"


def normal(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    try:
        main()
    except SbomError as error:
        sys.exit(f"sbom: {error}")
