"""The OpenAPI document of the REST API: valid, whole, and true of what is answered."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client as Browser
from django.urls import URLPattern

from console.rest import schema
from console.rest.resources import Resource
from console.rest.urls import urlpatterns
from console.urls import urlpatterns as addresses

URL = "/rest/schema/"
SERVED = [pattern for pattern in urlpatterns if pattern.name != "rest-nothing"]
WRITES = {"post", "put", "patch", "delete"}


def operations() -> list[Any]:
    return [one for item in schema.document()["paths"].values() for one in item.values()]


def methods_of(pattern: URLPattern) -> set[str]:
    return {one.lower() for one in pattern.callback.cls().allowed_methods} - {"options"}  # type: ignore[attr-defined]


def test_it_is_valid_and_nothing_in_it_was_guessed() -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=StringIO())


@pytest.mark.parametrize("pattern", [pytest.param(one, id=str(one.name)) for one in SERVED])
def test_every_route_is_in_it_with_every_method(pattern: URLPattern) -> None:
    path = "/api/v1/" + str(pattern.pattern).replace("<str:", "{").replace("<int:", "{").replace(">", "}")
    assert set(schema.document()["paths"][path]) == methods_of(pattern)
    assert issubclass(pattern.callback.cls, Resource)  # type: ignore[attr-defined]


def test_every_operation_says_what_it_is_who_may_come_in_and_how_it_fails() -> None:
    found = operations()
    assert len({one["operationId"] for one in found}) == len(found)
    for one in found:
        assert one["summary"] and one["security"][0] == {"bearer": []}, one["operationId"]
        failure = one["responses"]["default"]["content"]["application/json"]["schema"]
        assert failure == {"$ref": "#/components/schemas/StatusAnswer"}


def test_every_write_takes_an_idempotency_key_and_a_session_needs_its_token() -> None:
    for path in schema.document()["paths"].values():
        for method, one in path.items():
            keys = [parameter for parameter in one.get("parameters", ()) if parameter["name"] == "Idempotency-Key"]
            assert bool(keys) == (method in WRITES), one["operationId"]
            assert ("csrf" in one["security"][1]) == (method in WRITES)


def test_it_is_served_as_yaml_and_as_json_to_who_is_signed_in(browser: Browser, client: Browser) -> None:
    assert client.get(URL).status_code == 401
    as_yaml, as_json = browser.get(URL), browser.get(f"{URL}?format=json")
    assert yaml.safe_load(as_yaml.content) == as_json.json() == schema.document()
    assert browser.get(URL, headers={"accept": "application/json"}).json()["openapi"].startswith("3.")
    assert any(getattr(one, "name", "") == "rest-document" for one in addresses)
