"""A promise of the REST API's OpenAPI document: whatever it allows is answered as it says, and never with a breakdown.

schemathesis makes a few requests of each operation, the same ones every time; answers are held against the document.
`CCI_SCHEMATHESIS_EXAMPLES=20` draws as many, and as many that break the document.
"""

from __future__ import annotations

import json
import os
from typing import Any
from urllib.parse import urlencode

import pytest
import schemathesis
from django.db import transaction
from django.test import Client as Browser
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from jsonschema_rs import validator_for
from schemathesis import Case
from schemathesis.core import NotSet
from schemathesis.generation import GenerationMode

from console.rest import schema

EXAMPLES = int(os.environ.get("CCI_SCHEMATHESIS_EXAMPLES", "2"))
MODES = (GenerationMode.POSITIVE,) if EXAMPLES == 2 else tuple(GenerationMode)
NAMES = {"namespace": ["shop"], "name": ["web", "lonely", "alice"], "policy": ["CCI ReadOnlyAccess"], "member": ["web"]}
"""What there is, so that requests get further than "not found"."""
PROXY_AWAY = 503
"""Figures of an ELB, while nobody counts them. It is a Status as all failures are."""
drawn = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[check for check in HealthCheck if check.name != "all"],
)


@pytest.mark.timeout(120 * EXAMPLES)
def test_whatever_the_document_allows_is_answered_as_it_says(shop: None, browser: Browser) -> None:
    """Of each operation what it did is undone, so that the next one finds everything."""
    operations = [found.ok() for found in schemathesis.openapi.from_dict(schema.document()).get_all_operations()]
    for operation in operations:
        with transaction.atomic():
            for mode in MODES:
                call(browser, operation, mode)
            transaction.set_rollback(True)
    assert len(operations) == sum(len(item) for item in schema.document()["paths"].values()) > 0


def call(browser: Browser, operation: Any, mode: GenerationMode) -> None:
    names = st.fixed_dictionaries(
        {
            parameter["name"]: st.sampled_from(NAMES.get(parameter["name"], ["1"]))
            for parameter in operation.definition.raw.get("parameters", ())
            if parameter["in"] == "path"
        }
    )

    @drawn
    @given(case=operation.as_strategy(generation_mode=mode), names=names)
    def called(case: Case, names: dict[str, str]) -> None:
        judge(operation, case, send(browser, case, case.path.format(**names)))

    try:
        called()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # nothing of it can be broken


def send(browser: Browser, case: Case, path: str) -> Any:
    query = urlencode(case.query or {}, doseq=True)
    content = "" if isinstance(case.body, NotSet) else json.dumps(case.body, default=str)
    return browser.generic(
        case.method, f"{path}?{query}" if query else path, content, "application/json", headers=case.headers or {}
    )


def judge(operation: Any, case: Case, answer: Any) -> None:
    assert answer.status_code < 500 or answer.status_code == PROXY_AWAY, f"{case.as_curl_command()}\n{answer.content}"
    responses = operation.definition.raw["responses"]
    said = responses.get(str(answer.status_code), responses["default"] if answer.status_code >= 400 else None)
    assert said is not None, f"{case.as_curl_command()} answered {answer.status_code}, which the document does not know"
    media = (answer.headers.get("Content-Type") or "").partition(";")[0]
    shape = said.get("content", {}).get(media)
    if media == "application/json":
        validator_for({**shape["schema"], "components": schema.document()["components"]}).validate(answer.json())
    else:
        assert shape is not None if answer.content else "content" not in said
