"""Create gives a manifest its identity, or says why not."""

from __future__ import annotations

import pytest
import time_machine

from tests import manifests
from workloads.meta import names
from workloads.meta.errors import AlreadyExists, BadRequest, Invalid, NotFound, Refused


def test_a_new_object_has_uid_birth_generation_and_the_revision_of_the_log(client, shop):
    with time_machine.travel("2026-05-04T10:00:00Z", tick=False):
        answer = client.create("Deployment", manifests.deployment("web"), "shop")

    metadata = answer.obj["metadata"]
    assert answer.created
    assert metadata["namespace"] == "shop"
    assert len(metadata["uid"]) == 36
    assert metadata["creationTimestamp"] == "2026-05-04T10:00:00Z"
    assert metadata["generation"] == 1
    assert metadata["resourceVersion"] == str(client.revision())
    assert client.get("Deployment", "web", "shop") == answer.obj


def test_the_manifest_of_the_caller_is_left_as_it_was(client, shop):
    manifest = manifests.deployment("web")

    client.create("Deployment", manifest, "shop")

    assert manifest == manifests.deployment("web")


def test_generate_name_makes_two_objects_of_one_manifest(client, shop):
    manifest = manifests.pod()
    manifest["metadata"] = {"generateName": "web-"}

    names = {client.create("Pod", manifest, "shop").obj["metadata"]["name"] for _ in range(2)}

    assert len(names) == 2
    assert all(name.startswith("web-") and len(name) == 9 for name in names)


def test_an_object_needs_a_name(client, shop):
    manifest = manifests.pod()
    del manifest["metadata"]["name"]

    with pytest.raises(Invalid, match=r'Pod "" is invalid: metadata.name: Required value'):
        client.create("Pod", manifest, "shop")


def test_a_taken_name_is_already_there(client, web):
    with pytest.raises(AlreadyExists, match=r'deployments.apps "web" already exists'):
        client.create("Deployment", manifests.deployment("web"), "shop")


def test_a_taken_namespace_says_so_with_the_products_code(client, shop):
    with pytest.raises(AlreadyExists) as refused:
        client.create("Namespace", manifests.namespace("shop"))

    assert refused.value.body()["errorCode"] == "CCI.02.409101"


def test_a_resource_version_does_not_belong_into_a_new_object(client, shop):
    manifest = manifests.pod()
    manifest["metadata"]["resourceVersion"] = "7"

    with pytest.raises(BadRequest, match="resourceVersion should not be set on objects to be created"):
        client.create("Pod", manifest, "shop")


def test_what_belongs_to_the_service_is_not_taken_from_the_manifest(client, shop):
    manifest = manifests.pod()
    manifest["metadata"] |= {
        "uid": "mine",
        "creationTimestamp": None,
        "deletionTimestamp": "2020-01-01T00:00:00Z",
        "managedFields": [{"manager": "kubectl"}],
    }
    manifest["status"] = {"phase": "Succeeded", "podIP": "6.6.6.6"}

    made = client.create("Pod", manifest, "shop").obj

    assert made["metadata"]["uid"] != "mine"
    assert "deletionTimestamp" not in made["metadata"]
    assert [entry["manager"] for entry in made["metadata"]["managedFields"]] == ["unknown"]
    assert made["status"]["phase"] == "Pending"
    assert "podIP" not in made["status"]


def test_the_namespace_of_the_manifest_must_be_the_one_of_the_address(client, shop):
    manifest = manifests.pod()
    manifest["metadata"]["namespace"] = "other"

    with pytest.raises(BadRequest, match="does not match the namespace sent on the request"):
        client.create("Pod", manifest, "shop")


def test_a_manifest_of_another_kind_is_not_taken(client, shop):
    with pytest.raises(BadRequest, match="does not match the expected API version"):
        client.create("Pod", manifests.deployment(), "shop")


def test_a_manifest_that_names_another_kind_is_not_taken(client, shop):
    with pytest.raises(BadRequest, match="does not match the kind of the address"):
        client.create("Pod", {**manifests.pod(), "kind": "Service"}, "shop")


def test_the_namespace_may_stand_in_the_manifest_alone(client, shop):
    manifest = manifests.pod()
    manifest["metadata"]["namespace"] = "shop"
    assert client.create("Pod", manifest).obj["metadata"]["namespace"] == "shop"

    with pytest.raises(BadRequest, match="an empty namespace may not be set during creation"):
        client.create("Pod", manifests.pod())


def test_generated_names_that_are_taken_are_drawn_again(client, shop, monkeypatch):
    drawn = iter(["web-a", "web-a", "web-b"])
    monkeypatch.setattr(names, "generate", lambda base: next(drawn) if base == "web-" else f"{base}x")
    manifest = manifests.pod()
    manifest["metadata"] = {"generateName": "web-"}

    made = [client.create("Pod", manifest, "shop").obj["metadata"]["name"] for _ in range(2)]

    assert made == ["web-a", "web-b"]


def test_what_json_cannot_say_is_a_bad_request(client, shop):
    with pytest.raises(BadRequest, match="the object is not JSON"):
        client.create("Pod", {**manifests.pod(), "spec": {1, 2}}, "shop")


def test_a_bottomless_object_is_a_bad_request(client, shop):
    deep: dict[str, object] = {}
    for _ in range(1000):
        deep = {"spec": deep}

    with pytest.raises(BadRequest, match="the object is not JSON"):
        client.create("Pod", deep, "shop")


def test_a_namespace_that_is_not_there_takes_nothing(client):
    with pytest.raises(NotFound, match='namespaces "shop" not found'):
        client.create("Pod", manifests.pod(), "shop")


def test_a_namespace_that_is_being_deleted_takes_nothing_new(client, shop):
    client.delete("Namespace", "shop")

    with pytest.raises(Refused) as refused:
        client.create("Pod", manifests.pod("one"), "shop")

    body = refused.value.body()
    assert body["code"] == 403
    assert "unable to create new content in namespace shop because it is being terminated" in body["message"]
    assert body["details"]["causes"][0]["reason"] == "NamespaceTerminating"


def test_everything_that_is_wrong_is_said_at_once(client, shop):
    manifest = manifests.deployment("web", replicas=-1)
    manifest["spec"]["template"]["spec"]["containers"][0]["name"] = "No Name"

    with pytest.raises(Invalid) as refused:
        client.create("Deployment", manifest, "shop")

    assert {"spec.replicas", "spec.template.spec.containers[0].name"} <= {c.field for c in refused.value.causes}


def test_copies_of_one_pod_are_judged_and_managed_as_the_first_was(client, shop):
    first, second = (client.create("Pod", manifests.pod(name), "shop").obj for name in ("one", "two"))
    wrong = manifests.pod("three", restartPolicy="Sometimes")

    assert [entry["fieldsV1"]["f:spec"] for entry in first["metadata"]["managedFields"]] == [
        entry["fieldsV1"]["f:spec"] for entry in second["metadata"]["managedFields"]
    ]
    for _ in range(2):
        with pytest.raises(Invalid, match="Unsupported value"):
            client.create("Pod", wrong, "shop")


def test_a_mount_of_the_caller_s_own_where_the_token_would_be_is_left_alone(client, shop):
    pod = manifests.pod(volumes=[{"name": "mine", "emptyDir": {}}])
    place = "/var/run/secrets/kubernetes.io/serviceaccount/"
    pod["spec"]["containers"][0]["volumeMounts"] = [{"name": "mine", "mountPath": place}]

    made = client.create("Pod", pod, "shop").obj

    assert made["spec"]["containers"][0]["volumeMounts"] == [{"name": "mine", "mountPath": place}]
