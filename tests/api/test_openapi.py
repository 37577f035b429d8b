"""The OpenAPI document is a promise: kept as a snapshot, and held against the running service.

`XINHENG_RENEW=1 pytest tests/api/test_openapi.py` writes the snapshot anew.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi import checks as conformance

from tests.api.conftest import Served

SNAPSHOT = Path(__file__).parent / "openapi.json"
CHECKS = [
    schemathesis.checks.not_a_server_error, conformance.status_code_conformance, conformance.content_type_conformance,
    conformance.response_headers_conformance, conformance.response_schema_conformance,
]  # fmt: skip
EXAMPLES = int(os.environ.get("XINHENG_FUZZ_EXAMPLES", "12"))  # of each operation; more for a long run
# no key: they tell of nobody, take a subject's code, or are signed themselves
OPEN = {"/v1/clock", "/v1/subject-sessions"} | {
    f"/v1/log/{name}" for name in ("checkpoint", "inclusion", "consistency", "keys", "countersignatures")
}
FUZZ = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)  # fmt: skip


def test_the_document_has_not_changed_unnoticed(served: Served) -> None:
    """A change of the API shows as a change of the snapshot."""
    document = json.dumps(served.app.openapi(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    if "XINHENG_RENEW" in os.environ:
        SNAPSHOT.write_text(document, encoding="utf-8")

    assert SNAPSHOT.read_text(encoding="utf-8") == document


def test_every_operation_is_described_in_chinese(served: Served) -> None:
    """Each has a summary and a tag."""
    for path, operations in served.app.openapi()["paths"].items():
        for method, operation in operations.items():
            assert operation.get("summary"), (method, path)
            assert operation.get("tags"), (method, path)


@schemathesis.serializer("application/x-ndjson")
def ndjson(context: object, value: object) -> bytes:
    """Whatever is generated, as lines."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("authenticated", [True, False])
def test_no_request_makes_the_service_fail_or_break_its_promise(served: Served, authenticated: bool) -> None:
    """Generated requests to every operation: never a 5xx, and every answer as the document says."""
    schema = schemathesis.openapi.from_dict(served.app.openapi())
    schema.config.update(base_url=served.url)
    key = served.key("human-resources", "initiator", "implementer", "auditor") if authenticated else None
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    tested = 0
    for result in schema.get_all_operations():
        operation = result.ok()

        @FUZZ
        @given(case=operation.as_strategy())
        def check(case: schemathesis.Case) -> None:
            response = case.call_and_validate(checks=CHECKS, headers=headers)
            if not authenticated and case.path.startswith("/v1/") and case.path not in OPEN:
                assert response.status_code in {400, 401, 415, 422}

        check()
        tested += 1

    assert tested == sum(len(operations) for operations in served.app.openapi()["paths"].values())
