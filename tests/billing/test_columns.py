"""What `kubectl get -o wide` says of money is the bill, and a list of many asks as often as a list of few."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing import client as billing
from billing import columns, instants, meter
from billing.instants import SECOND
from iam.identities import Identity
from tests import manifests
from tests.billing.test_front_door import tell
from workloads.client import JSON, Client

pytestmark = pytest.mark.django_db


@pytest.fixture
def node() -> Client:
    return Client(Identity.controller("pods", "acme"))


@pytest.fixture
def client(alice: Identity) -> Client:
    made = Client(alice)
    made.create("Namespace", manifests.namespace("shop"))
    return made


def run(client: Client, node: Client, name: str, owner: JSON | None = None) -> JSON:
    """A pod that has been billed for 100 seconds."""
    manifest = manifests.pod(name)
    if owner:
        named = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "uid": owner["metadata"]["uid"]}
        manifest["metadata"]["ownerReferences"] = [{**named, "name": owner["metadata"]["name"], "controller": True}]
    pod = node.create("Pod", manifest, "shop").obj
    tell(node, pod, pullStartedAt=instants.now() - 100 * SECOND)
    while meter.read_once():
        pass
    return client.get("Pod", name, "shop")


def cells(*objs: JSON) -> list[Any]:
    return columns.cells("acme", objs[0]["kind"], objs)


def test_a_pod_says_its_price_while_it_waits_and_its_cost_when_it_runs(client: Client, node: Client) -> None:
    waiting = client.create("Pod", manifests.pod("waiting"), "shop").obj
    running = run(client, node, "running")
    before, after = cells(waiting, running)
    assert before == ("0.25 cores, 1 GiB", "0.1161", "0")
    assert after[:2] == ("0.25 cores, 1 GiB", "0.1161")
    assert 0.0032 <= float(after[2]) <= 0.0035


def test_a_pod_that_goes_says_no_price(client: Client, node: Client) -> None:
    run(client, node, "one")
    gone = client.delete("Pod", "one", "shop")
    ((_, hour, cost),) = cells(gone)
    assert hour == "--" and float(cost) > 0


def test_a_workload_and_a_namespace_say_the_sum(client: Client, node: Client) -> None:
    job = client.create("Job", manifests.job(), "shop").obj
    run(client, node, "a", job)
    run(client, node, "b", job)
    ((size, hour, cost),) = cells(job)
    assert (size, hour) == ("0.25 cores, 1 GiB", "0.2322")
    assert cells(client.get("Namespace", "shop")) == [("general-computing", "0.2322", cost)]
    idle = client.create("Deployment", manifests.deployment("web"), "shop").obj
    assert cells(idle) == [("0.25 cores, 1 GiB", "0", "0")]


def test_a_job_of_a_cronjob_says_what_its_pods_cost(client: Client, node: Client) -> None:
    cronjob = client.create("CronJob", manifests.cronjob(), "shop").obj
    job = manifests.job("run-1")
    uid = cronjob["metadata"]["uid"]
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": cronjob["metadata"]["name"], "uid": uid}
    job["metadata"]["ownerReferences"] = [{**owner, "controller": True}]
    made = node.create("Job", job, "shop").obj
    run(client, node, "a", made)
    ((_, hour, cost),) = cells(made)
    assert hour == "0.1161" and float(cost) > 0
    assert cells(cronjob)[0][1] == "0.1161"


def test_many_are_asked_for_as_few(client: Client, node: Client) -> None:
    pods = [run(client, node, f"p{number}") for number in range(5)]
    cells(*pods[:1])  # the grid and the prices are known from here on
    counts = []
    for some in (pods[:1], pods):
        with CaptureQueriesContext(connection) as asked:
            cells(*some)
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 4


def test_another_account_knows_nothing_of_it(client: Client, node: Client) -> None:
    pod = run(client, node, "one")
    ((_, _, cost),) = columns.cells("other", "Pod", [pod])
    assert cost == "0"
    assert billing.pod_meter("acme", pod["metadata"]["uid"])
