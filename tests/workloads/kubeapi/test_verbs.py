"""get, list, create, update, patch and delete answer as a Kubernetes API server does."""

from __future__ import annotations

import orjson
import pytest
import yaml

from tests import manifests
from tests.workloads.kubeapi.callers import JSON_PATCH, MERGE, STRATEGIC, is_status

PODS = "/api/v1/namespaces/shop/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/shop/deployments"
WEB = f"{DEPLOYMENTS}/web"


@pytest.fixture
def web(api, shop):
    return api.make(DEPLOYMENTS, manifests.deployment("web"))


def test_what_was_created_is_got_listed_and_gone_after_delete(api, web):
    assert api.read(WEB) == web
    listed = api.read(DEPLOYMENTS)
    assert (listed["kind"], listed["apiVersion"]) == ("DeploymentList", "apps/v1")
    assert listed["items"] == [web]
    gone = api.delete(WEB).json()
    assert gone["status"] == "Success" and gone["details"]["uid"] == web["metadata"]["uid"]
    assert api.get(WEB).status_code == 404


def test_a_pod_that_is_deleted_is_answered_as_it_now_is(api, shop):
    api.make(PODS, manifests.pod("one"))
    going = api.request("DELETE", f"{PODS}/one", json={"gracePeriodSeconds": 7}).json()
    assert going["kind"] == "Pod"
    assert going["metadata"]["deletionGracePeriodSeconds"] == 7 and going["metadata"]["deletionTimestamp"]


@pytest.mark.parametrize(
    ("type", "patch"),
    [
        (MERGE, {"spec": {"replicas": 5}}),
        (STRATEGIC, {"spec": {"replicas": 5}}),
        (JSON_PATCH, [{"op": "replace", "path": "/spec/replicas", "value": 5}]),
    ],
)
def test_every_type_of_patch_changes_the_object(api, web, type, patch):
    answer = api.change(WEB, patch, type=type)
    assert answer.status_code == 200
    assert answer.json()["spec"]["replicas"] == 5 and answer.json()["metadata"]["generation"] == 2


def test_a_strategic_merge_finds_containers_by_name(api, web):
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "other:1"}]}}}}
    (container,) = api.change(WEB, patch, type=STRATEGIC).json()["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "other:1" and container["command"] == ["sleep", "3600"]


def test_a_stale_update_is_a_conflict(api, web):
    api.change(WEB, {"spec": {"replicas": 3}})
    answer = api.put(WEB, json=web)
    assert answer.status_code == 409
    assert answer.json()["reason"] == "Conflict"
    assert "the object has been modified" in answer.json()["message"]


def test_a_patch_that_pins_a_stale_revision_is_a_conflict(api, web):
    api.change(WEB, {"spec": {"replicas": 3}})
    pinned = {"metadata": {"resourceVersion": web["metadata"]["resourceVersion"]}, "spec": {"replicas": 4}}
    assert api.change(WEB, pinned).status_code == 409


def test_an_update_that_changes_nothing_writes_nothing(api, web):
    assert api.put(WEB, json=web).json()["metadata"]["resourceVersion"] == web["metadata"]["resourceVersion"]


def test_scale_is_read_and_written_as_a_scale(api, web):
    scale = api.read(f"{WEB}/scale")
    assert (scale["kind"], scale["apiVersion"], scale["spec"]["replicas"]) == ("Scale", "autoscaling/v1", 2)
    assert api.change(f"{WEB}/scale", {"spec": {"replicas": 9}}).json()["spec"]["replicas"] == 9
    scale["spec"]["replicas"] = 1
    del scale["metadata"]["resourceVersion"]
    assert api.put(f"{WEB}/scale", json=scale).json()["kind"] == "Scale"
    assert api.read(WEB)["spec"]["replicas"] == 1


def test_status_is_read_by_all_and_written_by_none(api, web):
    assert api.read(f"{WEB}/status") == web
    answer = api.put(f"{WEB}/status", json=web)
    assert answer.status_code == 403 and answer.json()["reason"] == "Forbidden"


def test_a_dry_run_answers_and_keeps_nothing(api, shop):
    answer = api.post(DEPLOYMENTS, json=manifests.deployment("web"), params={"dryRun": "All"})
    assert answer.status_code == 201
    assert api.get(WEB).status_code == 404


def test_the_price_of_what_was_made_is_a_warning(api, shop):
    answer = api.post(DEPLOYMENTS, json=manifests.deployment("web"))
    assert answer.headers["warning"].startswith('299 - "price in CNY: 0/h -> ')


@pytest.mark.parametrize(
    ("validation", "status", "said"),
    [
        ("Strict", 400, 'strict decoding error: unknown field "spec.replicaz", duplicate field "spec.paused"'),
        ("Warn", 201, 'unknown field "spec.replicaz"'),
        ("", 201, 'duplicate field "spec.paused"'),
        ("Ignore", 201, ""),
    ],
)
def test_unknown_and_duplicate_fields_are_refused_warned_of_or_ignored(api, shop, validation, status, said):
    text = orjson.dumps(manifests.deployment("web")).replace(
        b'"spec":{"replicas"', b'"spec":{"paused":true,"paused":false,"replicaz":1,"replicas"', 1
    )
    query = {"fieldValidation": validation} if validation else {}
    answer = api.post(DEPLOYMENTS, content=text, params=query, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    heard = answer.json().get("message", "") + ",".join(answer.headers.get_list("warning")).replace("\\", "")
    assert all(words in heard for words in said.split(", "))
    assert ("replicaz" in heard) is (validation != "Ignore")


def test_a_list_is_cut_into_pages_that_continue(api, shop):
    for name in ("a", "b", "c"):
        api.make(DEPLOYMENTS, manifests.deployment(name))
    first = api.read(DEPLOYMENTS, limit="2")
    assert [item["metadata"]["name"] for item in first["items"]] == ["a", "b"]
    assert first["metadata"]["remainingItemCount"] == 1
    rest = api.read(DEPLOYMENTS, limit="2", **{"continue": first["metadata"]["continue"]})
    assert [item["metadata"]["name"] for item in rest["items"]] == ["c"]
    assert "continue" not in rest["metadata"]


def test_a_list_is_chosen_by_labels_and_fields(api, shop):
    for name in ("a", "b"):
        api.make(DEPLOYMENTS, manifests.deployment(name))
    assert len(api.read("/apis/apps/v1/deployments", labelSelector="app in (b,c)")["items"]) == 1
    assert len(api.read(DEPLOYMENTS, fieldSelector="metadata.name=a")["items"]) == 1


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"resourceVersion": "0"}, 200),
        ({"resourceVersion": "1", "resourceVersionMatch": "NotOlderThan"}, 200),
        ({"resourceVersion": "1", "resourceVersionMatch": "Exact"}, 200),
        ({"resourceVersion": "0", "resourceVersionMatch": "Exact"}, 422),
        ({"resourceVersionMatch": "Exact"}, 422),
        ({"resourceVersion": "1", "resourceVersionMatch": "Latest"}, 422),
        ({"resourceVersion": "99999999", "resourceVersionMatch": "Exact"}, 504),
        ({"sendInitialEvents": "true"}, 422),
        ({"resourceVersion": "99999999"}, 504),
        ({"resourceVersion": "latest"}, 400),
        ({"limit": "-1"}, 400),
        ({"continue": "nonsense"}, 400),
        ({"labelSelector": "a in (b"}, 400),
        ({"fieldSelector": "spec.foo=bar"}, 400),
    ],
    ids=str,
)
def test_a_list_is_of_the_revision_asked_for_or_says_why_not(api, web, query, status):
    assert api.get(DEPLOYMENTS, params=query).status_code == status


def test_a_collection_is_deleted_by_label(api, shop):
    for name in ("a", "b"):
        api.make(DEPLOYMENTS, manifests.deployment(name))
    gone = api.delete(DEPLOYMENTS, params={"labelSelector": "app=a"}).json()
    assert [item["metadata"]["name"] for item in gone["items"]] == ["a"]
    assert [item["metadata"]["name"] for item in api.read(DEPLOYMENTS)["items"]] == ["b"]


def test_a_delete_of_another_life_is_a_conflict(api, web):
    answer = api.request("DELETE", WEB, json={"preconditions": {"uid": "another"}})
    assert answer.status_code == 409


@pytest.mark.parametrize("query", [{"dryRun": "All"}, {"dryRun": "All", "gracePeriodSeconds": "0"}])
def test_a_dry_run_of_a_delete_deletes_nothing(api, web, query):
    assert api.delete(WEB, params=query).status_code == 200
    assert api.read(WEB) == web


def test_manifests_are_read_as_yaml_and_answered_as_yaml(api, shop):
    text = yaml.safe_dump(manifests.deployment("web"))
    headers = {"Content-Type": "application/yaml", "Accept": "application/yaml"}
    answer = api.post(DEPLOYMENTS, content=text, headers=headers)
    assert answer.status_code == 201 and answer.headers["content-type"] == "application/yaml"
    assert yaml.safe_load(answer.text) == api.read(WEB)


def test_who_writes_without_a_name_gets_one_generated(api, shop):
    pod = manifests.pod("x")
    pod["metadata"] = {"generateName": "job-"}
    assert api.make(PODS, pod)["metadata"]["name"].startswith("job-")


def test_a_namespace_is_asked_by_its_own_name(api, shop):
    assert api.read("/api/v1/namespaces/shop")["kind"] == "Namespace"
    assert api.read("/api/v1/namespaces/shop/status")["metadata"]["name"] == "shop"


def test_a_patch_that_strict_validation_refuses_is_invalid_as_a_whole(api, web):
    told = is_status(api.change(WEB, {"spec": {"replicaz": 1}}, fieldValidation="Strict"), 422)
    assert told["message"].startswith(' "" is invalid: patch: Invalid value: "{')
    (cause,) = told["details"]["causes"]
    assert cause["field"] == "patch"
    assert cause["message"].endswith('strict decoding error: unknown field "spec.replicaz"')


def test_keys_that_stand_twice_in_a_json_patch_are_warned_of(api, web):
    text = b'[{"op": "test", "op": "add", "path": "/metadata/labels/a", "value": "b"}]'
    answer = api.patch(WEB, content=text, headers={"Content-Type": JSON_PATCH})
    assert answer.status_code == 200
    assert 'json patch duplicate field \\"[0].op\\"' in answer.headers["warning"]


def test_what_a_put_makes_is_created(api, shop):
    lease = {"metadata": {"name": "me"}, "spec": {"holderIdentity": "a"}}
    assert api.put("/apis/coordination.k8s.io/v1/namespaces/shop/leases/me", json=lease).status_code == 201
    assert is_status(api.put("/apis/coordination.k8s.io/v1/namespaces/shop/leases/me", json=lease), 422)
