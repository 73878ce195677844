"""A promise to every client: whatever fails, on whatever route, the answer is a Status with its code and reason."""

from __future__ import annotations

import pytest

from iam import identities, people
from tests import manifests
from tests.workloads.kubeapi.callers import JSON_PATCH, MERGE, is_status
from workloads.kinds import refusals, registry
from workloads.kubeapi.exchange import Query
from workloads.meta.errors import BadRequest
from workloads.store import changes


def _kinds():
    return sorted(kind.name for kind in registry.kinds().values() if not kind.is_fixed)


def _place(name, object_name="nothing"):
    kind = registry.kind(name)
    root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    return f"{root}/namespaces/shop/{kind.plural}" if kind.namespaced else f"{root}/{kind.plural}"


@pytest.mark.parametrize("name", _kinds())
def test_an_object_that_is_not_there_is_not_found_by_any_verb(api, shop, name):
    place = f"{_place(name)}/nothing"
    is_status(api.get(place), 404)
    is_status(api.delete(place), 404)
    is_status(api.change(place, {"metadata": {"labels": {"a": "b"}}}), 404)
    if not registry.kind(name).made_by_update:
        told = is_status(api.put(place, json={"metadata": {"name": "nothing"}}), 404)
        assert told["details"] == {"name": "nothing", **_named(name)}


def _named(name):
    kind = registry.kind(name)
    return {"kind": kind.plural, **({"group": kind.group} if kind.group else {})}


@pytest.mark.parametrize("name", _kinds())
def test_who_may_not_is_told_of_what_and_which_right(call_as, alice_user, shop, name):
    admin = identities.identity_of(alice_user)
    nobody = call_as(people.create_user(admin, "nora", password="long enough", policies=[]))
    for answer in (nobody.get(f"{_place(name)}/one"), nobody.delete(f"{_place(name)}/one")):
        told = is_status(answer, 403)
        assert told["details"] == {"name": "one", **_named(name)}
        assert told["errorCode"] == "CCI.01.403105" and "require cci:" in told["message"]


def test_a_page_that_the_log_no_longer_knows_has_expired(api, shop, monkeypatch):
    api.make("/api/v1/namespaces", manifests.namespace("more"))
    first = api.read("/api/v1/namespaces", limit="1")["metadata"]
    api.make("/api/v1/namespaces", manifests.namespace("newer"))
    monkeypatch.setattr(changes, "floor", lambda: int(first["resourceVersion"]) + 1)
    told = is_status(api.get("/api/v1/namespaces", params={"continue": first["continue"]}), 410)
    assert told["message"].startswith("The provided continue parameter is too old") and told["metadata"]["continue"]


@pytest.mark.parametrize("name", _kinds())
def test_a_manifest_that_is_no_manifest_is_refused(api, shop, name):
    place = _place(name)
    broken = api.post(place, content=b"{", headers={"Content-Type": "application/json"})
    assert "line 1" in is_status(broken, 400)["message"]
    is_status(api.post(place, content=b""), 400)
    is_status(api.post(place, json=[]), 400)
    is_status(api.post(place, json={"kind": "Wrong", "apiVersion": "v1"}), 400)
    is_status(api.post(place, content=b"x", headers={"Content-Type": "text/plain"}), 415)


@pytest.mark.parametrize("name", _kinds())
def test_a_patch_that_is_no_patch_is_refused(api, shop, name):
    place = f"{_place(name)}/nothing"
    is_status(api.change(place, [], type=MERGE), 400)
    is_status(api.change(place, {}, type=JSON_PATCH), 400)
    is_status(api.change(place, {}, type="application/json"), 415)
    is_status(api.change(place, {}, type="application/apply-patch+yaml"), 422)
    is_status(api.change(place, {}, force="true"), 422)


@pytest.mark.parametrize("name", _kinds())
def test_unknown_parameters_are_refused_by_name(api, shop, name):
    place = _place(name)
    is_status(api.get(place, params={"limit": "many"}), 400)
    is_status(api.get(place, params={"watch": "perhaps"}), 400)
    is_status(api.post(place, json={}, params={"dryRun": "Some"}), 422)
    is_status(api.post(place, json={}, params={"fieldValidation": "Lax"}), 422)
    is_status(api.request("DELETE", f"{place}/nothing", json={"propagationPolicy": "Never"}), 422)
    is_status(api.request("DELETE", f"{place}/nothing", json={"gracePeriodSeconds": "soon"}), 400)
    is_status(api.request("DELETE", f"{place}/nothing", json={"gracePeriodSeconds": 2**40}), 400)
    is_status(api.request("DELETE", f"{place}/nothing", json={"dryRun": True}), 400)
    is_status(api.request("DELETE", f"{place}/nothing", json={"kind": "Pod"}), 400)


@pytest.mark.parametrize("name", _kinds())
def test_what_cannot_be_accepted_is_not_acceptable(api, shop, name):
    is_status(api.get(_place(name), headers={"Accept": "text/html"}), 406)
    is_status(api.get(_place(name), headers={"Accept": "application/vnd.kubernetes.protobuf"}), 406)
    is_status(api.get(_place(name), headers={"Accept": "application/yaml"}, params={"watch": "1"}), 406)


@pytest.mark.parametrize("name", _kinds())
def test_methods_that_nothing_has_are_not_allowed(api, shop, name):
    is_status(api.put(_place(name), json={}), 405)
    is_status(api.post(f"{_place(name)}/nothing", json={}), 405)
    is_status(api.options(_place(name)), 405)


def test_invalid_fields_are_named_with_rule_and_remedy(api, shop):
    deployment = manifests.deployment("Not a name", replicas=-1)
    body = is_status(api.post("/apis/apps/v1/namespaces/shop/deployments", json=deployment), 422)
    assert {cause["field"] for cause in body["details"]["causes"]} >= {"metadata.name", "spec.replicas"}


def test_what_exists_already_is_said_by_name(api, shop):
    body = is_status(api.post("/api/v1/namespaces", json=manifests.namespace("shop")), 409)
    assert (body["reason"], body["errorCode"]) == ("AlreadyExists", "CCI.02.409101")


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/api/v2",
        "/api/v1/widgets",
        "/api/v1/namespaces/shop/widgets/one",
        "/api/v1/namespaces/shop/namespaces",
        "/api/v1/pods/one",
        "/api/v1/namespaces/shop/pods/one/widgets",
        "/api/v1/namespaces/shop/pods/one/log/more",
        "/apis/example.com",
        "/apis/example.com/v1",
        "/apis/example.com/v1/widgets",
        "/apis/apps/v1beta1/deployments",
        "/apis/apps/v1/watch/deployments",
        "/openapi/v2",
        "/openapi/v3/apis/example.com/v1",
        "/iam/users",
    ],
)
def test_paths_that_lead_nowhere_are_not_found(api, shop, path):
    is_status(api.get(path), 404)


@pytest.mark.parametrize("path", ["/api", "/apis", "/api/v1", "/openapi/v3", "/version", "/healthz", "/"])
def test_documents_can_only_be_read(api, path):
    is_status(api.post(path, json={}), 405)


@pytest.mark.parametrize("refused", refusals.KINDS, ids=lambda refused: refused.name)
def test_kinds_that_are_refused_say_what_to_use_instead(api, shop, refused):
    root = f"/apis/{refused.group}/{refused.versions[0]}" if refused.group else f"/api/{refused.versions[0]}"
    place = f"{root}/namespaces/shop/{refused.plural}"
    assert is_status(api.post(place, json={"metadata": {"name": "x"}}), 501)["message"] == refused.sentence
    assert is_status(api.get(place, params={"watch": "1"}), 404)["message"] == refused.sentence
    assert is_status(api.delete(place), 404)["message"] == refused.sentence
    assert is_status(api.get(f"{place}/x"), 404)["message"] == refused.sentence


@pytest.mark.parametrize("refused", refusals.KINDS, ids=lambda refused: refused.name)
def test_a_list_of_a_kind_that_is_refused_is_empty_and_says_why(api, shop, refused):
    root = f"/apis/{refused.group}/{refused.versions[0]}" if refused.group else f"/api/{refused.versions[0]}"
    answer = api.get(f"{root}/namespaces/shop/{refused.plural}", params={"labelSelector": "a=b"})
    assert (answer.status_code, answer.json()["items"]) == (200, [])
    assert answer.json()["kind"] == f"{refused.name}List"
    assert refused.sentence in answer.headers["warning"].replace("\\", "")


@pytest.mark.parametrize("part", ["proxy", "ephemeralcontainers", "binding"])
def test_parts_of_a_pod_that_are_not_built_say_so(api, shop, part):
    is_status(api.post(f"/api/v1/namespaces/shop/pods/one/{part}"), 501)
    is_status(api.get(f"/api/v1/namespaces/shop/pods/one/{part}"), 501)


def test_nothing_of_another_account_can_be_seen_or_touched(api, other_api, shop):
    api.make("/api/v1/namespaces/shop/pods", manifests.pod("one"))
    for method in ("GET", "DELETE"):
        is_status(other_api.request(method, "/api/v1/namespaces/shop/pods/one"), 404)
        is_status(other_api.request(method, "/api/v1/namespaces/shop"), 404)
    is_status(other_api.change("/api/v1/namespaces/shop/pods/one", {"metadata": {"labels": {"a": "b"}}}), 404)
    is_status(other_api.post("/api/v1/namespaces/shop/pods", json=manifests.pod("two")), 404)
    assert other_api.read("/api/v1/pods")["items"] == []


def test_an_error_that_nobody_expected_is_a_status_too(api, shop, monkeypatch, caplog):
    from workloads.client import Client

    monkeypatch.setattr(Client, "list_rows", lambda *args, **rest: 1 / 0)
    assert "ZeroDivision" not in is_status(api.get("/api/v1/pods"), 500)["message"]
    assert "division by zero" in caplog.text


def test_too_many_parameters_are_refused(api):
    is_status(api.get("/api/v1/pods?" + "&".join(f"a{number}=1" for number in range(2000))), 400)
    with pytest.raises(BadRequest):
        Query(b"&".join(b"a=1" for _ in range(2000)))


def _text_of(field, message):
    return f'DeleteOptions.meta.k8s.io "" is invalid: {field}: {message}'


NEVER = 'Unsupported value: "Never": supported values: "Foreground", "Background", "Orphan", "nil"'
BOTH = 'Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set'
SOME = 'Unsupported value: ["Some"]: supported values: "All"'


@pytest.mark.parametrize("place", ["pods/one", "pods", "pods/one/eviction"])
@pytest.mark.parametrize(
    ("options", "field", "message"),
    [
        ({"propagationPolicy": "Never"}, "propagationPolicy", NEVER),
        ({"propagationPolicy": "Orphan", "orphanDependents": True}, "propagationPolicy", BOTH),
        ({"dryRun": ["Some"]}, "dryRun", SOME),
    ],
)
def test_delete_options_that_are_no_choice_are_invalid_in_upstreams_words(api, shop, place, options, field, message):
    url = f"/api/v1/namespaces/shop/{place}"
    if place.endswith("eviction"):
        answer = api.post(url, json={"metadata": {"name": "one"}, "deleteOptions": options})
    else:
        answer = api.request("DELETE", url, json=options)
    assert is_status(answer, 422)["message"] == _text_of(field, message)


@pytest.mark.parametrize("query", [{"propagationPolicy": "Never"}, {"dryRun": "Some"}])
def test_delete_options_in_the_query_are_judged_as_those_in_the_body(api, shop, query):
    is_status(api.delete("/api/v1/namespaces/shop/pods/one", params=query), 422)


@pytest.mark.parametrize("options", [{"json": {"gracePeriodSeconds": -5}}, {"params": {"gracePeriodSeconds": "-5"}}])
def test_a_grace_of_less_than_nothing_is_one_second(api, shop, options):
    api.make("/api/v1/namespaces/shop/pods", manifests.pod("one"))
    gone = api.request("DELETE", "/api/v1/namespaces/shop/pods/one", **options)
    assert gone.status_code == 200, gone.text
    assert gone.json()["metadata"].get("deletionGracePeriodSeconds", 1) == 1


@pytest.mark.parametrize("options", [{"json": {"dryRun": ["All"]}}, {"params": {"dryRun": "All"}}])
@pytest.mark.parametrize("place", ["pods/one", "pods"])
def test_a_delete_that_is_tried_out_leaves_everything(api, shop, place, options):
    made = api.make("/api/v1/namespaces/shop/pods", manifests.pod("one"))
    assert api.request("DELETE", f"/api/v1/namespaces/shop/{place}", **options).status_code == 200
    assert api.read("/api/v1/namespaces/shop/pods/one")["metadata"]["uid"] == made["metadata"]["uid"]
    assert "deletionTimestamp" not in api.read("/api/v1/namespaces/shop/pods/one")["metadata"]


@pytest.mark.parametrize("query", [{}, {"dryRun": "All"}])
def test_an_eviction_that_is_tried_out_leaves_the_pod(api, shop, query):
    api.make("/api/v1/namespaces/shop/pods", manifests.pod("one"))
    body = {"metadata": {"name": "one"}, "deleteOptions": {} if query else {"dryRun": ["All"]}}
    assert api.post("/api/v1/namespaces/shop/pods/one/eviction", json=body, params=query).status_code == 201
    assert "deletionTimestamp" not in api.read("/api/v1/namespaces/shop/pods/one")["metadata"]


def test_a_scale_that_is_tried_out_is_answered_and_not_kept(api, shop):
    api.make("/apis/apps/v1/namespaces/shop/deployments", manifests.deployment("web", replicas=1))
    scale = "/apis/apps/v1/namespaces/shop/deployments/web/scale"
    assert api.change(scale, {"spec": {"replicas": 3}}, dryRun="All").json()["spec"]["replicas"] == 3
    assert api.read(scale)["spec"]["replicas"] == 1
