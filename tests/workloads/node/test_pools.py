"""Sandboxes stand ready where pods may come, never at the cost of a pod that waits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.workloads.node.cluster import Cluster
from workloads.controllers import queue
from workloads.meta.keys import Key
from workloads.node import pools
from workloads.runtimes.simulated import Simulated


@pytest.mark.parametrize(("asked", "most", "size"), [("1", 2, 1), ("10", 2, 2), ("0", 2, 0), ("5", 0, 0)])
def test_a_namespace_gets_what_it_asks_for_up_to_the_hosts_most(
    cluster: Cluster, asked: str, most: int, size: int
) -> None:
    cluster.namespace(warm_pool_size=asked)
    network = cluster.network()
    assert pools.wanted(most=most) == {network.name: pools.Pool(network=network, size=size)}


def test_the_recycle_interval_is_an_age_limit(cluster: Cluster) -> None:
    cluster.namespace(warm_pool_recycle_interval="3")
    network = cluster.network()
    assert pools.wanted(most=1)[network.name].max_age == timedelta(hours=3)


@pytest.mark.parametrize("state", ["Initializing", "Failed"])
def test_a_network_that_is_not_active_has_no_pool(cluster: Cluster, state: str) -> None:
    cluster.namespace()
    cluster.network(state=state)
    assert pools.wanted(most=2) == {}


def test_a_namespace_that_goes_has_no_pool(cluster: Cluster) -> None:
    cluster.namespace(deleting=True)
    cluster.network()
    assert pools.wanted(most=2) == {}


def test_a_pool_is_filled_one_sandbox_a_turn(runtime: Simulated, cluster: Cluster) -> None:
    cluster.namespace()
    network = runtime.ensure_network(cluster.network())
    sizes = []
    for _ in range(3):
        pools.tend(runtime, pools.wanted(most=2))
        sizes.append(runtime.pools()[network.name])
    assert sizes == [1, 2, 2]


def test_nothing_is_made_while_a_pod_waits(runtime: Simulated, cluster: Cluster) -> None:
    cluster.namespace()
    runtime.ensure_network(cluster.network())
    queue.add("pods", [Key("acme", "Pod", "shop", "web-1")])
    pools.tend(runtime, pools.wanted(most=2))
    assert runtime.pools() == {}


def test_a_pod_that_is_looked_at_later_holds_nothing_up(runtime: Simulated, cluster: Cluster) -> None:
    cluster.namespace()
    network = runtime.ensure_network(cluster.network())
    queue.add("pods", [Key("acme", "Pod", "shop", "web-1")], delay=60)
    pools.tend(runtime, pools.wanted(most=2))
    assert runtime.pools() == {network.name: 1}


def test_the_pool_of_a_network_that_is_gone_is_emptied(runtime: Simulated, cluster: Cluster) -> None:
    network = runtime.ensure_network(cluster.network())
    runtime.warm(network, size=1)
    pools.tend(runtime, {})
    assert runtime.pools() == {}
