"""Unknown and doubled fields are refused, told or dropped, as the caller asked; they never reach the store."""

from __future__ import annotations

import pytest

from iam.identities import Identity
from tests import manifests
from workloads.client import Answer, Client, WriteOptions
from workloads.meta.errors import BadRequest


@pytest.fixture
def make(db: None, alice: Identity):
    client = Client(alice)
    client.create("Namespace", manifests.namespace())

    def make(**options) -> Answer:
        manifest = manifests.deployment("web")
        manifest["spec"]["replicaz"] = 3
        return client.create("Deployment", manifest, "shop", options=WriteOptions(**options))

    return make


def test_strict_refuses_with_upstreams_words(make):
    with pytest.raises(BadRequest) as refused:
        make(field_validation="Strict")

    assert refused.value.message == (
        'Deployment in version "v1" cannot be handled as a Deployment: '
        'strict decoding error: unknown field "spec.replicaz"'
    )


def test_warn_creates_and_says_so(make):
    answer = make(field_validation="Warn")

    assert answer.warnings[0] == 'unknown field "spec.replicaz"'
    assert "replicaz" not in answer.obj["spec"]


def test_ignore_drops_in_silence(make):
    answer = make(field_validation="Ignore")

    assert 'unknown field "spec.replicaz"' not in answer.warnings
    assert "replicaz" not in answer.obj["spec"]


def test_a_key_that_stood_twice_is_told_too(make):
    answer = make(field_validation="Warn", duplicates=("spec.replicas",))

    assert 'duplicate field "spec.replicas"' in answer.warnings


@pytest.mark.parametrize("mode", ["Strict", "Warn", "Ignore"])
def test_a_wrong_type_is_never_let_through(db, alice, mode):
    client = Client(alice)
    client.create("Namespace", manifests.namespace())
    manifest = manifests.deployment("web")
    manifest["spec"]["replicas"] = "two"

    with pytest.raises(BadRequest, match="cannot be handled as a Deployment: json: cannot unmarshal string") as refused:
        client.create("Deployment", manifest, "shop", options=WriteOptions(field_validation=mode))

    assert refused.value.causes[0].field == "spec.replicas"


@pytest.mark.parametrize("wrong", [[], "text", None, {"metadata": []}, {"metadata": {"labels": []}}])
def test_what_is_no_object_is_a_bad_request(db, alice, wrong):
    with pytest.raises(BadRequest):
        Client(alice).create("Namespace", wrong)
