"""The admin API does what its OpenAPI document says: no answer that is not in it, and no 5xx.

Schemathesis makes requests from the document, some that fit it and some that do not; three of four name
what is there. The same ones in every run.
"""

import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from services.admin.routes.api.branding import IMAGES
from services.admin.routes.api.router import openapi_document
from tests.support.product import Product

EXAMPLES = 4
"""Of each operation, of requests that fit and of those that do not."""

for image in IMAGES:
    schemathesis.serializer.alias(image, "application/octet-stream")

SCHEMA: Any = schemathesis.openapi.from_dict(json.loads(openapi_document()))
OPERATIONS: dict[str, Any] = {
    result.ok().definition.raw["operationId"]: result.ok() for result in SCHEMA.get_all_operations()
}
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
]


@pytest.fixture(scope="module")
def known(product: Product) -> dict[str, str]:
    """Ids of what is there, and stays there unless it is asked away."""
    app = product.register_app(signing_alg="ES256")
    client = product.add_client(app, "web")
    _, user_id = product.create_user(app)
    return {"app_id": app.app_id, "client_id": client.client_id, "user_id": user_id}


@pytest.mark.parametrize("mode", GenerationMode, ids=str)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_answer_is_in_the_document(
    product: Product, known: dict[str, str], operation: str, mode: GenerationMode
) -> None:
    headers = {"Authorization": f"Bearer {product.stack.secrets['operator-token']}"}

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(OPERATIONS[operation].as_strategy(mode), st.sampled_from((True, True, True, False)))
    def send(case: Any, is_known: bool) -> None:
        for name in case.path_parameters if is_known else ():
            # An id that does not fit stays: it is what is to be refused.
            if name in known and not (name == "user_id" and mode is GenerationMode.NEGATIVE):
                case.path_parameters[name] = known[name]
        if is_known and mode is GenerationMode.POSITIVE and "app" in (case.query or {}):
            case.query["app"] = known["app_id"]
        case.call_and_validate(base_url=product.origin, headers=headers, checks=CHECKS)

    send()
