"""Spec and status have different writers; what does not change is not written; who comes late hears of it."""

from __future__ import annotations

import pytest

from workloads.client import WriteOptions
from workloads.meta.errors import BadRequest, Conflict, Invalid, NotFound, Refused

STRATEGIC = "application/strategic-merge-patch+json"


def test_a_changed_spec_moves_the_generation(client, web):
    web["spec"]["replicas"] = 3

    after = client.update("Deployment", "web", web, "shop").obj

    assert after["spec"]["replicas"] == 3
    assert after["metadata"]["generation"] == 2
    assert after["metadata"]["resourceVersion"] == str(client.revision())


def test_labels_change_without_moving_the_generation(client, web):
    web["metadata"]["labels"]["tier"] = "front"

    after = client.update("Deployment", "web", web, "shop").obj

    assert after["metadata"]["labels"]["tier"] == "front"
    assert after["metadata"]["generation"] == 1
    assert client.list("Deployment", "shop", label_selector="tier=front").items == [after]


def test_an_unchanged_object_writes_nothing(client, web):
    head = client.revision()

    answer = client.update("Deployment", "web", web, "shop")

    assert answer.obj == web
    assert client.revision() == head


def test_the_spec_writer_cannot_touch_status(client, web):
    web["status"] = {"readyReplicas": 9}
    web["spec"]["replicas"] = 3

    after = client.update("Deployment", "web", web, "shop").obj

    assert after.get("status", {}).get("readyReplicas") != 9


def test_the_status_writer_cannot_touch_spec_or_labels(client, controller, web):
    wanted = {**web, "spec": {**web["spec"], "replicas": 9}, "status": {"readyReplicas": 2}}
    wanted["metadata"] = {**web["metadata"], "labels": {"stolen": "yes"}}

    after = controller.update("Deployment", "web", wanted, "shop", subresource="status").obj

    assert after["status"] == {"readyReplicas": 2}
    assert after["spec"] == web["spec"]
    assert after["metadata"]["labels"] == web["metadata"]["labels"]
    assert after["metadata"]["generation"] == 1


def test_an_unchanged_status_writes_nothing(client, controller, web):
    controller.update("Deployment", "web", {**web, "status": {"replicas": 2}}, "shop", subresource="status")
    head = client.revision()
    now = client.get("Deployment", "web", "shop")

    controller.update("Deployment", "web", now, "shop", subresource="status")

    assert client.revision() == head


def test_a_user_does_not_write_status(client, one):
    with pytest.raises(Refused, match="pods/status is written by the service alone"):
        client.update("Pod", "one", {**one, "status": {"phase": "Failed"}}, "shop", subresource="status")


def mine(state="True", type="acme.io/in-service"):
    return {"status": {"conditions": [{"type": type, "status": state}]}}


def write_status(client, patch):
    return client.patch("Pod", "one", patch, STRATEGIC, "shop", subresource="status").obj["status"]


def test_a_user_writes_conditions_of_types_of_their_own_into_a_pods_status(client, controller, one):
    ready = {"type": "Ready", "status": "False"}
    seen = {**one, "status": {"phase": "Running", "conditions": [ready], "lifecycle": {"images": {"a": {"b": 1}}}}}
    controller.update("Pod", "one", seen, "shop", subresource="status")

    status = write_status(client, mine())

    assert status == {**seen["status"], "conditions": [ready, *mine()["status"]["conditions"]]}
    assert write_status(client, mine("False"))["conditions"][1]["status"] == "False"


@pytest.mark.parametrize("type", ["Ready", "PodScheduled", "ContainersReady", "DisruptionTarget"])
def test_a_user_does_not_write_the_services_own_conditions(client, one, type):
    with pytest.raises(Refused, match="but for conditions of your own types"):
        write_status(client, mine(type=type))


@pytest.mark.parametrize(
    ("patch", "field"),
    [(mine("Yes"), "status.conditions[0].status"), (mine(type="a b"), "status.conditions[0].type")],
)
def test_a_condition_out_of_rule_names_field_and_rule(client, one, patch, field):
    with pytest.raises(Invalid) as refused:
        write_status(client, patch)
    assert [cause.field for cause in refused.value.causes] == [field]


def test_a_condition_of_a_wrong_type_is_refused(client, one):
    with pytest.raises(Invalid, match="type: Invalid value: 1: must be a string"):
        write_status(client, {"status": {"conditions": [{"type": 1, "status": "True"}]}})


def test_a_stale_write_is_a_conflict(client, web):
    client.update("Deployment", "web", {**web, "spec": {**web["spec"], "replicas": 3}}, "shop")

    with pytest.raises(Conflict, match="the object has been modified; please apply your changes"):
        client.update("Deployment", "web", {**web, "spec": {**web["spec"], "replicas": 4}}, "shop")

    assert client.get("Deployment", "web", "shop")["spec"]["replicas"] == 3


def test_a_stale_status_is_a_conflict_too(client, controller, web):
    client.update("Deployment", "web", {**web, "spec": {**web["spec"], "replicas": 3}}, "shop")

    with pytest.raises(Conflict):
        controller.update("Deployment", "web", {**web, "status": {"replicas": 1}}, "shop", subresource="status")


def test_without_a_resource_version_the_last_one_wins(client, web):
    client.update("Deployment", "web", {**web, "spec": {**web["spec"], "replicas": 3}}, "shop")
    del web["metadata"]["resourceVersion"]
    web["spec"]["replicas"] = 4

    assert client.update("Deployment", "web", web, "shop").obj["spec"]["replicas"] == 4


def test_another_life_of_the_name_is_a_conflict(client, web):
    web["metadata"] |= {"uid": "00000000-0000-0000-0000-000000000000"}

    with pytest.raises(Conflict, match="UID in precondition"):
        client.update("Deployment", "web", web, "shop")


def test_the_name_in_the_object_must_be_the_one_of_the_address(client, web):
    with pytest.raises(BadRequest, match="does not match the name on the URL"):
        client.update("Deployment", "web", {**web, "metadata": {"name": "api"}}, "shop")


def test_what_is_not_there_cannot_be_updated(client, shop):
    with pytest.raises(NotFound, match=r'deployments.apps "web" not found'):
        client.update("Deployment", "web", {"metadata": {"name": "web"}}, "shop")


def test_a_change_out_of_rule_is_refused_and_nothing_is_written(client, web):
    head = client.revision()

    with pytest.raises(Invalid, match=r"spec.replicas"):
        client.update("Deployment", "web", {**web, "spec": {**web["spec"], "replicas": -1}}, "shop")

    assert client.revision() == head


def test_a_dry_run_answers_and_writes_nothing(client, web):
    head = client.revision()
    web["spec"]["replicas"] = 5

    answer = client.update("Deployment", "web", web, "shop", options=WriteOptions(dry_run=True))

    assert answer.obj["spec"]["replicas"] == 5
    assert answer.obj["metadata"]["generation"] == 2
    assert client.revision() == head
    assert client.get("Deployment", "web", "shop")["spec"]["replicas"] == 2
