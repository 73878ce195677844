"""With the real front door and store: what kubectl wishes for is what the ledger bills."""

from __future__ import annotations

from decimal import Decimal

import pytest

from billing import client as billing
from billing import instants, meter
from billing.instants import SECOND
from billing.models import UsageSegment
from billing.recompute import recompute
from iam.identities import Identity
from tests import manifests
from workloads.client import JSON, Client, DeleteOptions

pytestmark = pytest.mark.django_db


@pytest.fixture
def node() -> Client:
    return Client(Identity.controller("pods", "acme"))


def tell(node: Client, pod: JSON, **marks: int) -> None:
    """The node writes a pod's own times into its status."""
    told = {name: instants.text(mark) for name, mark in marks.items()}
    status = {"status": {"lifecycle": told}}
    node.patch("Pod", pod["metadata"]["name"], status, "application/merge-patch+json", "shop", subresource="status")


def test_a_pod_is_billed_from_its_first_mark_to_its_last(alice: Identity, node: Client) -> None:
    client = Client(alice)
    client.create("Namespace", manifests.namespace("shop"))
    answer = client.create("Pod", manifests.pod("one"), "shop")
    start = instants.now() - 100 * SECOND

    tell(node, answer.obj, pullStartedAt=start, startedAt=start + SECOND)
    meter.read_once()
    assert billing.burn("acme", namespace="shop").per_second == Decimal("0.00003225")

    client.delete("Pod", "one", "shop")
    tell(node, answer.obj, finishedAt=start + 30 * SECOND)
    node.delete("Pod", "one", "shop", options=DeleteOptions(grace_seconds=0))
    while meter.read_once():
        pass
    assert sum(UsageSegment.objects.values_list("seconds", flat=True)) == 30
    assert billing.pod_meter("acme", answer.obj["metadata"]["uid"]).accrued == Decimal("0.0009675")  # type: ignore[union-attr]
    assert recompute().proven


def test_the_bill_of_a_deployment_is_under_its_name(alice: Identity, node: Client) -> None:
    client = Client(alice)
    client.create("Namespace", manifests.namespace("shop"))
    deployment = client.create("Deployment", manifests.deployment("web"), "shop").obj
    replicaset = owned(node, "ReplicaSet", replicaset_of(deployment), deployment)
    pod = owned(node, "Pod", manifests.pod("web-1"), replicaset)

    tell(node, pod, pullStartedAt=instants.now())
    meter.read_once()
    uids = [deployment["metadata"]["uid"], replicaset["metadata"]["uid"]]
    assert set(billing.by_workload("acme", uids)) == set(uids[:1])
    life = billing.life("acme", pod["metadata"]["uid"])
    assert life is not None
    assert (life.workload_kind, life.workload_name) == ("Deployment", "web")


def replicaset_of(deployment: JSON) -> JSON:
    spec = {field: deployment["spec"][field] for field in ("replicas", "selector", "template")}
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web-5d4f"}, "spec": spec}


def owned(node: Client, kind: str, manifest: JSON, owner: JSON) -> JSON:
    reference = {name: owner["metadata"][name] for name in ("name", "uid")}
    manifest["metadata"]["ownerReferences"] = [
        {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "controller": True, **reference}
    ]
    return node.create(kind, manifest, "shop").obj
