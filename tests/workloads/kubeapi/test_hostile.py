"""Hostile requests: each is refused as upstream refuses it, none is a failure of the server."""

from __future__ import annotations

import time

import pytest

from tests import manifests
from tests.workloads.kubeapi.callers import JSON_PATCH, MERGE, STRATEGIC, Api, is_status

MAPS = "/api/v1/namespaces/shop/configmaps"
PODS = "/api/v1/namespaces/shop/pods"
BOMB = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + i, 98 + i, b",".join([b"*%c" % (97 + i)] * 9)) for i in range(9)
)
DEEP = b'{"a":' * 50_000 + b"1" + b"}" * 50_000
BODIES = {
    "nothing": (b"", "application/json", 400),
    "half an object": (b'{"metadata":', "application/json", 400),
    "a list": (b"[]", "application/json", 400),
    "not UTF-8": (b'{"metadata":{"name":"\xff\xfe"}}', "application/json", 400),
    "half a character": (b'{"metadata":{"name":"\\ud800"}}', "application/json", 400),
    "deep nesting": (DEEP, "application/json", 400),
    "deep YAML": (b"[" * 20_000, "application/yaml", 400),
    "a YAML bomb": (BOMB, "application/yaml", 400),
    "two documents": (b"a: 1\n---\nb: 2\n", "application/yaml", 400),
    "no protobuf": (b"k8s\x00\xff\xff\xff\xff", "application/vnd.kubernetes.protobuf", 400),
    "a form": (b"a=b", "application/x-www-form-urlencoded", 415),
    "a type that is no type": (b"{}", "////;;;", 415),
}


@pytest.mark.parametrize("what", BODIES)
def test_a_body_that_is_no_manifest_is_refused(api: Api, shop: str, what: str) -> None:
    body, type, code = BODIES[what]
    begun = time.monotonic()
    is_status(api.post(MAPS, content=body, headers={"Content-Type": type}), code)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("name", ["a\x00b", "\U0001f600", "../x", "A" * 300])
def test_a_name_that_is_no_name_is_invalid(api: Api, shop: str, name: str) -> None:
    is_status(api.post(MAPS, json={"metadata": {"name": name}}), 422)


PATCHES = {
    "no operation": (b"[{}]", JSON_PATCH),
    "an unknown operation": (b'[{"op":"burn","path":"/data"}]', JSON_PATCH),
    "a path without a slash": (b'[{"op":"add","path":"data","value":1}]', JSON_PATCH),
    "an object for a list": (b"{}", JSON_PATCH),
    "a list for an object": (b"[]", MERGE),
    "half a patch": (b'{"data"', STRATEGIC),
    "deep nesting": (DEEP, MERGE),
    "an unknown type": (b"{}", "application/burn-patch+json"),
    "apply that is no YAML": (b"{: [", "application/apply-patch+yaml"),
    "apply of a list": (b"- 1", "application/apply-patch+yaml"),
}


@pytest.mark.parametrize("what", PATCHES)
def test_a_patch_that_is_no_patch_is_refused(api: Api, shop: str, what: str) -> None:
    api.make(MAPS, {"metadata": {"name": "one"}, "data": {"a": "b"}})
    body, type = PATCHES[what]
    query = {"fieldManager": "me"} if "apply" in type else {}
    answer = api.patch(f"{MAPS}/one", content=body, headers={"Content-Type": type}, params=query)
    is_status(answer, answer.status_code)
    assert answer.status_code in (400, 415, 422)
    assert api.read(f"{MAPS}/one")["data"] == {"a": "b"}


@pytest.mark.parametrize(
    "query",
    [
        "labelSelector=a in (",
        "labelSelector=%00",
        "labelSelector=%ff",
        "fieldSelector=spec.burn=1",
        "continue=%00",
        "continue=bm90aGluZw",
        "continue=" + "A" * 5000,
        "limit=-1",
        "limit=1e9",
        "limit=99999999999999999999999",
        "resourceVersion=-1",
        "resourceVersion=burn",
        "resourceVersionMatch=Exact",
        "watch=1&timeoutSeconds=burn",
        "watch=1&resourceVersion=99999999999999999999999",
    ],
)
def test_a_query_that_means_nothing_is_refused(api: Api, shop: str, query: str) -> None:
    answer = api.get(f"{PODS}?{query}", timeout=3)
    is_status(answer, answer.status_code)
    assert answer.status_code in (400, 410, 422, 504)


def test_a_command_in_a_pod_that_does_not_run_is_refused(api: Api, shop: str) -> None:
    api.make(PODS, manifests.pod("one"))
    for asked in ("one/exec?command=ls", "one/exec", "none/exec?command=ls", "one/exec?command=ls&container=no"):
        answer = api.post(f"{PODS}/{asked}")
        is_status(answer, answer.status_code)
        assert 400 <= answer.status_code < 500
