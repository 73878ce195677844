"""No error quotes a secret, however wrong the request around it is."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from iam.identities import Identity
from tests import manifests
from workloads.client import Client, WriteOptions
from workloads.meta.errors import StatusError

SECRET = "hunter2.5"


@pytest.fixture
def door(db: None, alice: Identity) -> Client:
    made = Client(alice, WriteOptions(field_validation="Strict"))
    made.create("Namespace", manifests.namespace())
    return made


def refusal(door: Client, **rest: Any) -> str:
    manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, **rest}
    with pytest.raises(StatusError) as caught:
        door.create("Secret", manifest, "shop")
    return orjson.dumps(caught.value.body()).decode()


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"data": {"password": SECRET}}, "data[password]: must be base64"),
        ({"stringData": {"password": 2.5}}, "stringData[password]: must be a string"),
        ({"stringData": {"password": [SECRET]}}, "must be a string"),
        ({"data": SECRET}, "data: must be an object"),
        ({"stringData": {"password": SECRET}, "strinData": SECRET}, 'unknown field \\"strinData\\"'),
        ({"stringData": {"pass word": SECRET}}, "a valid config key"),
        ({"stringData": {".dockerconfigjson": SECRET}, "type": "kubernetes.io/dockerconfigjson"}, "must be a JSON"),
    ],
)
def test_a_bad_secret_is_refused_without_being_quoted(door: Client, fields: dict[str, Any], rule: str) -> None:
    said = refusal(door, **fields)
    assert rule in said
    assert "2.5" not in said


def test_a_patch_that_tests_a_secret_does_not_tell_it(door: Client) -> None:
    manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": SECRET}}
    made = door.create("Secret", manifest, "shop").obj
    patch = [{"op": "test", "path": "/data/a", "value": "guess"}]
    with pytest.raises(StatusError) as caught:
        door.patch("Secret", "s", patch, "application/json-patch+json", "shop")
    assert made["data"]["a"] not in str(caught.value.body())


def test_string_data_may_be_merged_into_a_secret(door: Client) -> None:
    manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "1", "b": "2"}}
    door.create("Secret", manifest, "shop")
    patched = door.patch("Secret", "s", {"stringData": {"a": "3"}}, "application/merge-patch+json", "shop").obj
    assert patched["data"] == {"a": "Mw==", "b": "Mg=="}
    assert "stringData" not in patched
