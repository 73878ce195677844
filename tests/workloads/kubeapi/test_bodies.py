"""Bodies are bounded, whatever is in them, and protobuf is as good as JSON."""

from __future__ import annotations

import time

import pytest

from tests import manifests
from tests.workloads.kubeapi.callers import is_status
from tests.workloads.kubeapi.protobuf import envelope, field
from workloads.meta.manifests import LONGEST

NAMESPACES = "/api/v1/namespaces"
YAML = {"Content-Type": "application/yaml"}


def test_a_body_over_three_megabytes_is_too_large_however_it_comes(api):
    is_status(api.post(NAMESPACES, content=b" " * (LONGEST + 1)), 413)
    is_status(api.post(NAMESPACES, content=(b" " * 100_000 for _ in range(40))), 413)


def test_a_body_of_three_megabytes_is_read(api):
    body = b'{"metadata": {"name": "shop"}' + b" " * (LONGEST - 30) + b"}"
    assert api.post(NAMESPACES, content=body).status_code == 201


@pytest.mark.parametrize(
    "text",
    ["[" * 1_000_000, "&a [*a]", "a: 1\n---\n" * 10_000, "a: &a [b,b]\n" + "c: [*a]\n" * 150_000],
    ids=("deep", "circle", "documents", "many"),
)
def test_yaml_that_would_cost_too_much_is_refused_in_time(api, text):
    begun = time.monotonic()
    is_status(api.post(NAMESPACES, content=text, headers=YAML), 400)
    assert time.monotonic() - begun < 10


def test_yaml_that_is_not_yaml_is_refused_with_line_and_column(api):
    said = is_status(api.post(NAMESPACES, content="a: [1\nb: c: d", headers=YAML), 400)["message"]
    assert "line 2, column" in said


def test_a_namespace_is_created_from_protobuf(api):
    meta = field(1, b"shop") + field(12, field(1, b"a") + field(2, b"b"))
    body = envelope("v1", "Namespace", field(1, meta))
    answer = api.post(NAMESPACES, content=body, headers={"Content-Type": "application/vnd.kubernetes.protobuf"})
    assert answer.status_code == 201, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["metadata"]["annotations"]["a"] == "b"


def test_damaged_protobuf_is_a_bad_request(api):
    headers = {"Content-Type": "application/vnd.kubernetes.protobuf"}
    is_status(api.post(NAMESPACES, content=b"k8s\x00\xff", headers=headers), 400)


def test_delete_options_are_read_from_the_body(api, shop):
    api.make("/api/v1/namespaces/shop/pods", manifests.pod("one"))
    body = envelope("v1", "DeleteOptions", b"\x08\x09")
    headers = {"Content-Type": "application/vnd.kubernetes.protobuf"}
    gone = api.request("DELETE", "/api/v1/namespaces/shop/pods/one", content=body, headers=headers).json()
    assert gone["metadata"]["deletionGracePeriodSeconds"] == 9
