"""Nothing goes before everybody who has to act has acted."""

from __future__ import annotations

import pytest
import time_machine

from tests import manifests
from workloads.client import DeleteOptions
from workloads.meta.errors import Conflict, Forbidden, Invalid, NotFound
from workloads.store import changes

NOON = "2026-05-04T12:00:00Z"


def test_a_deployment_goes_at_once_and_the_log_has_its_last_state(client, web):
    last = client.delete("Deployment", "web", "shop")

    with pytest.raises(NotFound):
        client.get("Deployment", "web", "shop")
    entry = changes.after(client.revision() - 1)[0]
    assert entry.type == "DELETED"
    assert last["metadata"]["resourceVersion"] == str(entry.revision)
    assert last["spec"] == web["spec"]


def test_a_finalizer_keeps_a_deleted_object(client, web):
    client.patch("Deployment", "web", {"metadata": {"finalizers": ["a/b"]}}, "application/merge-patch+json", "shop")

    marked = client.delete("Deployment", "web", "shop")

    assert marked["metadata"]["deletionTimestamp"]
    assert client.get("Deployment", "web", "shop") == marked


def test_the_last_finalizer_takes_the_object_with_it(client, web):
    web["metadata"]["finalizers"] = ["a/b", "c/d"]
    client.update("Deployment", "web", web, "shop")
    marked = client.delete("Deployment", "web", "shop")

    marked["metadata"]["finalizers"] = ["c/d"]
    left = client.update("Deployment", "web", marked, "shop").obj
    assert client.get("Deployment", "web", "shop") == left

    left["metadata"]["finalizers"] = []
    client.update("Deployment", "web", left, "shop")
    with pytest.raises(NotFound):
        client.get("Deployment", "web", "shop")


def test_a_deleting_object_takes_no_new_finalizers(client, web):
    web["metadata"]["finalizers"] = ["a/b"]
    client.update("Deployment", "web", web, "shop")
    marked = client.delete("Deployment", "web", "shop")

    marked["metadata"]["finalizers"].append("c/d")
    with pytest.raises(Invalid, match="no new finalizers can be added if the object is being deleted"):
        client.update("Deployment", "web", marked, "shop")


def test_deleting_twice_writes_once(client, one):
    client.delete("Pod", "one", "shop")
    head = client.revision()

    client.delete("Pod", "one", "shop")

    assert client.revision() == head


@time_machine.travel(NOON, tick=False)
def test_a_deleted_pod_waits_for_its_containers(client, shop):
    client.create("Pod", manifests.pod("one", terminationGracePeriodSeconds=45), "shop")

    pod = client.delete("Pod", "one", "shop")

    assert pod["metadata"]["deletionGracePeriodSeconds"] == 45
    assert pod["metadata"]["deletionTimestamp"] == "2026-05-04T12:00:45Z"
    assert client.get("Pod", "one", "shop") == pod


@time_machine.travel(NOON, tick=False)
def test_a_second_delete_may_shorten_the_grace_but_not_lengthen_it(client, shop):
    client.create("Pod", manifests.pod("one", terminationGracePeriodSeconds=45), "shop")
    client.delete("Pod", "one", "shop")

    shorter = client.delete("Pod", "one", "shop", options=DeleteOptions(grace_seconds=5))
    longer = client.delete("Pod", "one", "shop", options=DeleteOptions(grace_seconds=60))

    assert shorter["metadata"]["deletionTimestamp"] == "2026-05-04T12:00:05Z"
    assert longer == shorter


def test_a_user_in_a_hurry_still_does_not_leave_containers_behind(client, one):
    pod = client.delete("Pod", "one", "shop", options=DeleteOptions(grace_seconds=0))

    assert pod["metadata"]["deletionGracePeriodSeconds"] == 0
    assert client.get("Pod", "one", "shop") == pod


def test_the_node_tier_ends_a_pod_with_grace_zero(client, controller, one):
    client.delete("Pod", "one", "shop")

    controller.delete("Pod", "one", "shop", options=DeleteOptions(grace_seconds=0))

    with pytest.raises(NotFound):
        client.get("Pod", "one", "shop")


def test_a_pod_with_a_finalizer_outlives_its_containers(client, controller, one):
    client.patch("Pod", "one", {"metadata": {"finalizers": ["a/b"]}}, "application/merge-patch+json", "shop")
    controller.delete("Pod", "one", "shop", options=DeleteOptions(grace_seconds=0))
    patch = {"metadata": {"finalizers": None}}
    client.patch("Pod", "one", patch, "application/merge-patch+json", "shop")
    assert client.get("Pod", "one", "shop")["metadata"]["deletionTimestamp"]

    controller.delete("Pod", "one", "shop", options=DeleteOptions(grace_seconds=0))

    assert client.count("Pod", "shop") == 0


def test_a_deleted_namespace_is_terminating_until_its_controller_finishes_it(client, controller, shop):
    marked = client.delete("Namespace", "shop")
    assert marked["status"]["phase"] == "Terminating"
    assert client.get("Namespace", "shop") == marked

    controller.delete("Namespace", "shop", options=DeleteOptions(grace_seconds=0))

    assert client.count("Namespace") == 0


def test_a_namespace_is_finished_by_its_finalize_subresource_too(client, controller, shop):
    marked = client.delete("Namespace", "shop")
    marked["spec"] = {"finalizers": []}
    with pytest.raises(Forbidden):
        client.update("Namespace", "shop", marked, subresource="finalize")

    controller.update("Namespace", "shop", marked, subresource="finalize")

    assert client.count("Namespace") == 0


def test_who_writes_the_finalizers_of_a_namespace_manages_them(client, controller, shop):
    shop["spec"] = {"finalizers": ["example.com/tidy"]}

    after = controller.update("Namespace", "shop", shop, subresource="finalize").obj

    (own,) = (entry for entry in after["metadata"]["managedFields"] if entry["manager"] == "tests")
    assert (own["subresource"], own["fieldsV1"]) == ("finalize", {"f:spec": {"f:finalizers": {}}})
    assert client.get("Namespace", "shop") == after


def test_a_delete_of_another_life_is_a_conflict(client, web):
    with pytest.raises(Conflict, match="the UID in the precondition"):
        client.delete("Deployment", "web", "shop", options=DeleteOptions(uid="another"))

    assert client.get("Deployment", "web", "shop") == web


def test_a_delete_of_another_revision_is_a_conflict(client, web):
    with pytest.raises(Conflict, match="the ResourceVersion in the precondition"):
        client.delete("Deployment", "web", "shop", options=DeleteOptions(resource_version="1"))


def test_foreground_waits_for_the_dependents(client, web):
    marked = client.delete("Deployment", "web", "shop", options=DeleteOptions(propagation="Foreground"))

    assert marked["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert client.get("Deployment", "web", "shop") == marked


@pytest.mark.parametrize("controls", [True, False])
def test_orphans_stay_and_forget_their_owner(client, controller, web, controls):
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": web["metadata"]["uid"]}
    child = manifests.pod("child")
    child["metadata"]["ownerReferences"] = [{**reference, "controller": controls}]
    controller.create("Pod", child, "shop")

    client.delete("Deployment", "web", "shop", options=DeleteOptions(propagation="Orphan"))

    assert client.count("Deployment", "shop") == 0
    assert "ownerReferences" not in client.get("Pod", "child", "shop")["metadata"]


def test_a_dry_delete_marks_nothing(client, one):
    pod = client.delete("Pod", "one", "shop", options=DeleteOptions(dry_run=True))

    assert pod["metadata"]["deletionTimestamp"]
    assert client.get("Pod", "one", "shop") == one


def test_a_collection_is_deleted_by_selector(client, shop):
    for name in ("web", "api"):
        client.create("Deployment", manifests.deployment(name), "shop")

    gone = client.delete_collection("Deployment", "shop", label_selector="app=web")

    assert [obj["metadata"]["name"] for obj in gone.items] == ["web"]
    assert client.count("Deployment", "shop") == 1


def test_an_orphaning_delete_still_waits_for_other_finalizers(client, web):
    client.patch("Deployment", "web", {"metadata": {"finalizers": ["a/b"]}}, "application/merge-patch+json", "shop")

    marked = client.delete("Deployment", "web", "shop", options=DeleteOptions(propagation="Orphan"))

    assert marked["metadata"]["finalizers"] == ["a/b"]
    assert client.get("Deployment", "web", "shop") == marked


@pytest.mark.parametrize(("phase", "grace"), [("Succeeded", 0), ("Running", 30)])
def test_a_pod_that_is_over_needs_no_grace(client, controller, shop, phase, grace):
    manifest = manifests.pod("one")
    del manifest["spec"]["terminationGracePeriodSeconds"]
    client.create("Pod", manifest, "shop")
    controller.update("Pod", "one", {"status": {"phase": phase}}, "shop", subresource="status")

    assert client.delete("Pod", "one", "shop")["metadata"]["deletionGracePeriodSeconds"] == grace
