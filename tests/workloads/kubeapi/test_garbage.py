"""Whatever stands wherever: the answer is a Status that blames the caller, and the world stays as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import manifests
from tests.workloads.kubeapi.callers import JSON_PATCH, MERGE, STRATEGIC, Api, is_status
from workloads.kubeapi.exchange import warning_headers

JSON = dict[str, Any]
Path = tuple[str | int, ...]

METADATA = {
    "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": "y"}],
    "annotations": {"a": "b", "resource.cci.io/pod-size-specs": "0.25_1"},
    "labels": {"a": "b"},
}
NETWORK = {"networkType": "underlay_neutron", "networkID": "b", "cidr": "192.168.0.0/24"}
EVENT = {
    "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "one", "uid": "u"},
    "source": {"component": "c"},
    "lastTimestamp": "2026-01-01T00:00:00Z",
    "count": 1,
}
PLACES: dict[str, JSON] = {
    "/api/v1/namespaces": manifests.namespace("more"),
    "/api/v1/namespaces/shop/pods": manifests.pod(env=[{"name": "A", "value": "1"}], tolerations=[{"key": "a"}]),
    "/apis/apps/v1/namespaces/shop/deployments": manifests.deployment("web", strategy={"type": "Recreate"}),
    "/apis/apps/v1/namespaces/shop/replicasets": {**manifests.deployment("rs"), "kind": "ReplicaSet"},
    "/apis/networking.cci.io/v1beta1/namespaces/shop/networks": {
        "apiVersion": "networking.cci.io/v1beta1",
        "kind": "Network",
        "metadata": {"name": "net"},
        "spec": NETWORK,
    },
    "/api/v1/namespaces/shop/events": {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "told"}, **EVENT},
}

NUMBERS = (0, -1, 1, 2**31, 2**63, -(2**63), 2**64, 10**40, 1.5, 1e308, True, False)
TEXTS = ("", " ", "\0", "a\nb", "\x1b[31m", "ü", "\u2028", "../../etc/passwd", "x" * 70_000, "٣", "$(X)", "%s%n", "a/b")
VALUES = ("1Gi", "-1", "1e9", "1e400", "NaN", "10.0.0.0/8", "::/0", "9999-12-31T23:59:59Z", "v1", "Always")
SHAPES = (None, [], {}, [None], [[]], [{}], {"": ""}, {"a": None}, [1, "a", None], {"limits": {"cpu": "1e400"}})
DIRECTIVES = ({"$patch": "delete"}, [{"$patch": "replace"}], {"$retainKeys": 1}, {"$setElementOrder/containers": 5})
GARBAGE = st.sampled_from((*NUMBERS, *TEXTS, *VALUES, *SHAPES, *DIRECTIVES)) | st.text(max_size=8)
WHERE = st.integers(0, 10_000)
patiently = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def paths(value: Any, at: Path = ()) -> Iterator[Path]:
    yield at
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inside:
        yield from paths(part, (*at, key))


def spoilt(value: Any, where: int, what: Any) -> Any:
    """`value` with garbage at one of its paths."""
    at = sorted(paths(value), key=str)[where % sum(1 for _ in paths(value))]
    if not at:
        return what
    value = deepcopy(value)
    place = value
    for key in at[:-1]:
        place = place[key]
    place[at[-1]] = what
    return value


def manifest(place: str) -> JSON:
    made = deepcopy(PLACES[place])
    made["metadata"] = {**METADATA, **made["metadata"]}
    return made


def head(api: Api) -> str:
    return str(api.read("/api/v1/namespaces")["metadata"]["resourceVersion"])


def blames_the_caller(answer: Any) -> None:
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        is_status(answer, answer.status_code)


@pytest.mark.parametrize("place", PLACES)
def test_garbage_in_a_new_object_is_refused(api: Api, shop: str, place: str) -> None:
    before = head(api)

    @patiently
    @given(where=WHERE, what=GARBAGE, type=st.sampled_from(("application/json", "application/yaml")))
    def refused(where: int, what: Any, type: str) -> None:
        text = json.dumps(spoilt(manifest(place), where, what))
        query = {"dryRun": "All", "fieldValidation": ("Strict", "Warn", "Ignore")[where % 3]}
        blames_the_caller(api.post(place, content=text, params=query, headers={"Content-Type": type}))

    refused()
    assert head(api) == before


@pytest.mark.parametrize("place", PLACES)
def test_garbage_in_a_change_is_refused(api: Api, shop: str, place: str) -> None:
    made = api.make(place, manifest(place))
    address, before = f"{place}/{made['metadata']['name']}", head(api)

    @patiently
    @given(where=WHERE, what=GARBAGE, type=st.sampled_from((MERGE, STRATEGIC, JSON_PATCH, "")))
    def refused(where: int, what: Any, type: str) -> None:
        changed = spoilt(made, where, what)
        if not type:
            answer = api.put(address, content=json.dumps(changed), params={"dryRun": "All"})
        else:
            at = "/".join(str(key).replace("/", "~1") for key in list(paths(made))[where % 20])
            operation = {
                "op": ("add", "test", "remove", "move")[where % 4],
                "path": f"/{at}",
                "from": "/",
                "value": what,
            }
            patch = json.dumps([operation] if type == JSON_PATCH else changed)
            answer = api.patch(address, content=patch, params={"dryRun": "All"}, headers={"Content-Type": type})
        blames_the_caller(answer)

    refused()
    assert head(api) == before


OPTIONS = ("gracePeriodSeconds", "preconditions", "propagationPolicy", "orphanDependents", "dryRun", "kind")


@patiently
@given(option=st.sampled_from(OPTIONS), what=GARBAGE)
def test_garbage_in_the_options_of_a_delete_is_refused(api: Api, shop: str, option: str, what: Any) -> None:
    answer = api.request(
        "DELETE", f"/api/v1/namespaces/{shop}", content=json.dumps({option: what}), params={"dryRun": "All"}
    )
    blames_the_caller(answer)


@patiently
@given(
    name=st.sampled_from(
        ("limit", "continue", "labelSelector", "fieldSelector", "gracePeriodSeconds", "timeoutSeconds")
    ),
    what=GARBAGE,
    path=st.sampled_from(("/api/v1/pods", "/api/v1/namespaces/shop/pods/one")),
)
def test_garbage_in_a_query_is_refused(api: Api, shop: str, name: str, what: Any, path: str) -> None:
    query = {name: str(what)[:500]}
    blames_the_caller(api.get(path, params=query))
    blames_the_caller(api.request("DELETE", path, params={**query, "dryRun": "All"}))


@patiently
@given(what=st.sampled_from(TEXTS) | st.text(max_size=8), path=st.sampled_from(("", "/pods", "/pods/one/log")))
def test_garbage_in_a_path_leads_nowhere(api: Api, shop: str, what: str, path: str) -> None:
    text = "".join(f"%{byte:02x}" for byte in what.encode("utf-8", "surrogatepass")[:300])
    blames_the_caller(api.get(f"/api/v1/namespaces/{text}{path}"))
    blames_the_caller(api.get("/api/v1/namespaces/shop/pods", params={"fieldSelector": f"metadata.name={what[:300]}"}))


def test_a_warning_holds_one_printable_line(api: Api, shop: str) -> None:
    pod = manifests.pod()
    pod["spec"]["\x07\r\nX-Injected: 1"] = 1
    answer = api.post("/api/v1/namespaces/shop/pods", json=pod, params={"dryRun": "All", "fieldValidation": "Warn"})
    assert 'unknown field \\"spec.\ufffd X-Injected: 1\\"'.encode() in b"".join(
        value for _, value in answer.headers.raw
    )
    assert "x-injected" not in answer.headers


def test_no_number_of_warnings_is_too_much_for_a_header(api: Api, shop: str) -> None:
    pod = manifests.pod()
    pod["spec"] |= {f"{number}{'x' * 500}": 1 for number in range(2000)}
    answer = api.post("/api/v1/namespaces/shop/pods", json=pod, params={"dryRun": "All", "fieldValidation": "Warn"})
    assert answer.status_code == 201
    assert 10 < len(answer.headers.get_list("warning")) < 20
    assert warning_headers(["same", "same"]) == (("warning", '299 - "same"'),)
