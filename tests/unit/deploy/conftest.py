"""The Kubernetes manifests, rendered once for every test that looks at them."""

import pytest

from tests.support.manifests import Manifest, Sources, renderer

FURTHER = ("tracing", "sentinel", "pgbouncer")
Rendered = dict[str, list[Manifest]]


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    """The overlays, production with the plain Ingress, and production with every further component."""
    if renderer() is None:
        pytest.skip("neither kubectl nor kustomize is installed")
    sources = Sources(tmp_path_factory.mktemp("k8s"))
    components = sources.kustomization("production")["components"]
    other = [it.replace("gateway-api", "ingress") for it in components]
    sources.vary("ingress", of="production", components=other)
    more = [*components, *(f"../../components/{name}" for name in FURTHER)]
    sources.vary("further", of="production", components=more)
    return {name: sources.render(name) for name in ("dev", "production", "ingress", "further")}
