"""What containers use is kept by workload and hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from iam.identities import Identity
from tests import manifests
from workloads.client import Client
from workloads.meta import buckets
from workloads.meta.keys import Uid
from workloads.node import usagehours as hours
from workloads.store import usagehours
from workloads.store.usagehours import Used

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 2, 3, 10, 40, tzinfo=UTC)


class Gathered:
    """A sampler's drain."""

    def __init__(self, found: dict[tuple[Uid, str], Used]) -> None:
        self.found = found

    def drain(self) -> dict[tuple[Uid, str], Used]:
        found, self.found = self.found, {}
        return found

    def restore(self, gathered: dict[tuple[Uid, str], Used]) -> None:
        self.found = gathered


def used(millis: int, memory: int = 1) -> Used:
    return Used(1, millis, memory, {buckets.bucket(millis): 1})


@pytest.fixture
def pods(alice: Identity) -> list[Uid]:
    """Two of the Deployment web."""
    client, hand = Client(alice), Client(Identity.controller("deployments", "acme"))
    client.create("Namespace", manifests.namespace("shop"))
    owner = client.create("Deployment", manifests.deployment("web"), "shop").obj
    spec = {name: owner["spec"][name] for name in ("replicas", "selector", "template")}
    replica_set = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web-1"}, "spec": spec}
    owner = hand.create("ReplicaSet", _owned(replica_set, owner), "shop").obj
    made = [hand.create("Pod", _owned(manifests.pod(name), owner), "shop").obj for name in ("web-1-a", "web-1-b")]
    return [Uid(pod["metadata"]["uid"]) for pod in made]


def _owned(manifest: dict[str, Any], owner: dict[str, Any]) -> dict[str, Any]:
    named = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "controller": True}
    manifest["metadata"]["ownerReferences"] = [{**named, **{n: owner["metadata"][n] for n in ("name", "uid")}}]
    return manifest


def test_all_pods_of_a_deployment_are_one_row_an_hour(pods: list[Uid], alice: Identity) -> None:
    one, other = pods
    hours.flush(Gathered({(one, "app"): used(100, 5), (other, "app"): used(300, 9)}), NOW)  # type: ignore[arg-type]
    hours.flush(Gathered({(one, "app"): used(200, 7)}), NOW + timedelta(minutes=5))  # type: ignore[arg-type]

    [row] = Client(alice).used_hours("Deployment", "web", "shop", since=NOW - timedelta(days=7))
    assert (row.container, row.hour) == ("app", NOW.replace(minute=0))
    assert (row.used.readings, row.used.cpu_peak, row.used.memory_peak) == (3, 300, 9)


def test_what_cannot_be_written_is_kept(pods: list[Uid], monkeypatch: pytest.MonkeyPatch) -> None:
    sampler = Gathered({(pods[0], "app"): used(100)})

    def fail(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(usagehours, "add", fail)
    with pytest.raises(OSError):
        hours.flush(sampler, NOW)  # type: ignore[arg-type]
    assert sampler.found


def test_after_eight_days_it_is_forgotten(pods: list[Uid], alice: Identity) -> None:
    hours.flush(Gathered({(pods[0], "app"): used(100)}), NOW)  # type: ignore[arg-type]
    hours.flush(Gathered({}), NOW + timedelta(days=9))  # type: ignore[arg-type]

    assert Client(alice).used_hours("Deployment", "web", "shop", since=NOW - timedelta(days=7)) == []


def test_pods_that_are_gone_with_their_object_are_passed_over(db: None) -> None:
    assert hours.flush(Gathered({(Uid("gone"), "app"): used(100)}), NOW) == 0  # type: ignore[arg-type]
