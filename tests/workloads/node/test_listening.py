"""What happens to containers makes their pods' keys dirty, and nothing is missed while nobody listens."""

from __future__ import annotations

import threading

import pytest

from tests.workloads.node.cluster import Cluster
from workloads.node import listening
from workloads.runtimes.base import RuntimeEvent, RuntimeGone
from workloads.runtimes.simulated import Simulated
from workloads.store.models import WorkItem


def dirty(controller: str) -> set[str]:
    return set(WorkItem.objects.filter(queue=controller).values_list("key", flat=True))


def test_whoever_begins_to_listen_looks_at_every_pod_and_network(runtime: Simulated, cluster: Cluster) -> None:
    cluster.pod(cluster.network())
    listening.look_at_everything()
    assert dirty("pods") == {"acme/Pod/shop/web-1"}
    assert dirty("networks") == {"acme/Network/shop/default-network"}


def test_a_container_that_ends_makes_its_pod_dirty(runtime: Simulated, cluster: Cluster) -> None:
    network = runtime.ensure_network(cluster.network())
    pod = cluster.pod(network, stored=False)
    runtime.ensure_sandbox(pod)
    runtime.start_container(pod, "app", attempt=0)

    events = runtime.events()
    runtime.exit(pod.uid, "app", 1)
    assert listening.keys_of([next(events)]) == [("acme", "Pod", "shop", "web-1")]


def test_a_runtime_that_goes_away_ends_the_connection(runtime: Simulated, cluster: Cluster) -> None:
    network = runtime.ensure_network(cluster.network())
    pod = cluster.pod(network, stored=False)
    runtime.ensure_sandbox(pod)
    original = runtime.events

    def lost_while_listening() -> object:
        events = original()
        runtime.stop_daemon()
        return events

    runtime.events = lost_while_listening  # type: ignore[method-assign, assignment]
    with pytest.raises(RuntimeGone):
        listening.hear(runtime)
    assert dirty("pods") == {"acme/Pod/shop/web-1"}


def test_a_runtime_that_is_away_is_waited_for(runtime: Simulated, cluster: Cluster) -> None:
    stop = threading.Event()
    runtime.stop_daemon()
    runtime.events = lambda: (stop.set(), Simulated.events(runtime))[1]  # type: ignore[method-assign, func-returns-value]
    listening.listen(runtime, stop)
    assert dirty("pods") == set()


def test_what_does_not_say_whose_it_is_makes_nothing_dirty() -> None:
    assert listening.keys_of([RuntimeEvent(uid="u", account="", namespace="", name="x")]) == []  # type: ignore[arg-type]
