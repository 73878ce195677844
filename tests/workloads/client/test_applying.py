"""Server-side apply on the store: what is made, changed and refused, and who is listed for it."""

from __future__ import annotations

from copy import deepcopy

import pytest
import time_machine

from tests import manifests
from workloads.client import WriteOptions
from workloads.meta.errors import BadRequest, Conflict, Invalid, NotFound, Refused

APPLY = "application/apply-patch+yaml"


def config(**spec):
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


@pytest.fixture
def apply(client, shop):
    def call(manifest, manager="one", *, name="web", kind="Deployment", subresource="", **options):
        given = WriteOptions(manager=manager, **options)
        return client.patch(kind, name, manifest, APPLY, "shop", subresource=subresource, options=given)

    return call


def managers(obj):
    return [(entry["manager"], entry["operation"]) for entry in obj["metadata"]["managedFields"]]


def test_what_is_not_there_is_made(apply, client):
    made = apply(manifests.deployment("web"))

    assert made.created and managers(made.obj) == [("one", "Apply")]
    assert made.obj["spec"]["progressDeadlineSeconds"] == 600
    assert client.get("Deployment", "web", "shop") == made.obj


def test_applying_the_same_again_writes_nothing(apply):
    with time_machine.travel("2026-05-04T10:00:00Z", tick=False):
        first = apply(manifests.deployment("web"))
    with time_machine.travel("2026-05-04T11:00:00Z", tick=False):
        again = apply(manifests.deployment("web"))

    assert not again.created and again.obj == first.obj


def test_a_second_owner_is_written_down_though_nothing_else_changes(apply):
    first = apply(manifests.deployment("web")).obj

    both = apply(config(replicas=2), "two").obj

    assert managers(both) == [("one", "Apply"), ("two", "Apply")]
    assert both["metadata"]["resourceVersion"] != first["metadata"]["resourceVersion"]
    assert both["metadata"]["generation"] == 1


def test_what_is_left_out_gets_its_default_again(apply):
    apply(manifests.deployment("web", replicas=5))
    less = manifests.deployment("web")
    del less["spec"]["replicas"]

    assert apply(less).obj["spec"]["replicas"] == 1


def test_whoever_leaves_out_all_of_their_metadata_loses_no_more_than_that(apply):
    bag = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "bag"}, "data": {"a": "b"}}
    first = apply({**bag, "metadata": {"name": "bag", "labels": {"a": "b"}}}, name="bag", kind="ConfigMap").obj

    again = apply(bag, name="bag", kind="ConfigMap").obj

    changing = ("labels", "managedFields", "resourceVersion")
    kept = {name: value for name, value in first["metadata"].items() if name not in changing}
    assert {name: value for name, value in again["metadata"].items() if name not in changing} == kept
    assert "labels" not in again["metadata"] and again["data"] == {"a": "b"}


def test_others_fields_are_refused_and_forced(apply, web):
    wanted = config(replicas=7)

    with pytest.raises(Conflict, match=r'conflict with "unknown" using apps/v1: \.spec\.replicas'):
        apply(wanted)

    assert apply(wanted, force=True).obj["spec"]["replicas"] == 7


def test_a_resource_version_in_the_config_pins_it(apply, web):
    wanted = manifests.deployment("web")
    wanted["metadata"]["resourceVersion"] = "1"

    with pytest.raises(Conflict, match="the object has been modified"):
        apply(wanted)


@pytest.mark.parametrize(
    ("metadata", "error", "message"),
    [
        ({"uid": "7"}, Conflict, "uid mismatch: the provided object specified uid 7, and no existing object was found"),
        ({"resourceVersion": "7"}, Conflict, "no existing object was found"),
        ({"name": "other"}, BadRequest, r"the name of the object \(other\) does not match the name on the URL \(web\)"),
        ({"name": ""}, BadRequest, "name must be provided"),
        ({"namespace": "other"}, BadRequest, "does not match the namespace sent on the request"),
    ],
)
def test_a_config_that_means_another_object_makes_none(apply, metadata, error, message):
    wanted = manifests.deployment("web")
    wanted["metadata"] |= metadata

    with pytest.raises(error, match=message):
        apply(wanted)


def test_a_dry_run_shows_the_managers_and_stores_nothing(apply, client):
    shown = apply(manifests.deployment("web"), dry_run=True)

    assert shown.created and managers(shown.obj) == [("one", "Apply")]
    with pytest.raises(NotFound):
        client.get("Deployment", "web", "shop")


def test_an_object_that_would_be_invalid_is_not_applied(apply, web):
    with pytest.raises(Invalid, match=r"spec\.replicas"):
        apply(config(replicas=-1), force=True)


@pytest.mark.parametrize(("mode", "said"), [("Warn", ('key "spec.replicas" already set in map',)), ("Ignore", ())])
def test_keys_that_stand_twice_are_warned_of(apply, web, mode, said):
    answer = apply(config(replicas=2), field_validation=mode, duplicates=("spec.replicas",))

    assert answer.warnings == said


def test_keys_that_stand_twice_are_refused_when_asked_for(apply, web):
    with pytest.raises(BadRequest, match="error strict decoding YAML"):
        apply(config(replicas=2), field_validation="Strict", duplicates=("spec.replicas",))


def test_a_status_written_by_a_controller_is_the_controllers(apply, controller, client):
    apply(manifests.pod("one"), kind="Pod", name="one")
    status = {"status": {"phase": "Running", "podIP": "10.0.0.9"}}
    options = WriteOptions(manager="pods")

    controller.update("Pod", "one", status, "shop", subresource="status", options=options)

    entry = client.get("Pod", "one", "shop")["metadata"]["managedFields"][1]
    assert (entry["manager"], entry["subresource"]) == ("pods", "status")
    assert entry["fieldsV1"]["f:status"]["f:podIP"] == {}


def test_a_status_is_not_for_users_to_apply(apply, web):
    with pytest.raises(Refused, match="written by the service alone"):
        apply({**config(), "status": {"replicas": 9}}, subresource="status")


def test_a_condition_of_ones_own_can_be_applied(apply):
    apply(manifests.pod("one"), kind="Pod", name="one")
    condition = {"type": "cci.io/warm", "status": "True"}
    wanted = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"}, "status": {"conditions": [condition]}}

    made = apply(wanted, "gate", kind="Pod", name="one", subresource="status").obj

    assert condition in made["status"]["conditions"]
    assert ("gate", "Apply") in managers(made)


def scale(replicas):
    return {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {"name": "web"},
        "spec": {"replicas": replicas},
    }


def test_scaling_takes_the_replicas_over(apply, client):
    apply(manifests.deployment("web"))

    client.update("Deployment", "web", scale(5), "shop", subresource="scale", options=WriteOptions(manager="kubectl"))

    first, second = client.get("Deployment", "web", "shop")["metadata"]["managedFields"]
    assert "f:replicas" not in first["fieldsV1"]["f:spec"]
    assert second["subresource"] == "scale" and second["operation"] == "Update"
    assert second["fieldsV1"] == {"f:spec": {"f:replicas": {}}}


def test_a_scale_is_applied_like_the_object_it_is_part_of(apply, client):
    apply(manifests.deployment("web"))

    with pytest.raises(Conflict, match=r'conflict with "one": \.spec\.replicas'):
        apply(scale(5), "scaler", subresource="scale")
    answer = apply(scale(5), "scaler", subresource="scale", force=True)

    assert answer.obj["kind"] == "Scale" and answer.obj["spec"]["replicas"] == 5
    assert client.get("Deployment", "web", "shop")["metadata"]["managedFields"][1]["subresource"] == "scale"


def test_kubectl_may_hand_fields_to_another_manager(apply, client):
    made = apply(manifests.deployment("web"), "kubectl-client-side-apply").obj
    handed = deepcopy(made["metadata"]["managedFields"])
    handed[0]["manager"] = "kubectl"
    patch = [
        {"op": "replace", "path": "/metadata/managedFields", "value": handed},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": made["metadata"]["resourceVersion"]},
    ]

    after = client.patch("Deployment", "web", patch, "application/json-patch+json", "shop").obj

    assert managers(after) == [("kubectl", "Apply")]


def test_who_manages_fields_is_forgotten_before_an_object_is_too_large(client, shop):
    obj = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "many"},
        "data": {f"key-{number:06}": "x" * 10 for number in range(46_000)},
    }

    made = client.create("ConfigMap", obj, "shop").obj

    assert "managedFields" not in made["metadata"]
