"""The virtual node in the cluster: what it is, what it says of itself, and who leads among replicas."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from burst import election, names, node
from burst.election import Election
from burst.heartbeat import Heartbeat
from burst.leader import Leader
from burst.translate import Cluster
from tests.burst import pods
from tests.burst.fakeapi import FakeApi
from tests.burst.pods import CLUSTER_ID
from tests.burst.worlds import CCI_NAMESPACE, PLACE, World, world


@pytest.fixture
async def idle() -> Any:
    """Both sides, and no add-on."""
    async with world() as made:
        made.cluster.drop("nodes", "", names.NODE)
        yield made


def leader(idle: World) -> Leader:
    heartbeat = Heartbeat(idle.cci_api, CLUSTER_ID)
    return Leader(idle.cluster_api, idle.cci_api, Cluster(CLUSTER_ID), PLACE, heartbeat)


def the_node(cluster: FakeApi) -> dict[str, Any]:
    return cluster.objects[("nodes", "", names.NODE)]


async def test_the_node_has_its_labels_its_taint_and_where_its_kubelet_is(idle: World) -> None:
    one = leader(idle)
    await one.beat()
    made = the_node(idle.cluster)
    assert made["metadata"]["labels"]["type"] == "virtual-kubelet"
    assert made["metadata"]["labels"]["kubernetes.io/role"] == "agent"
    assert made["spec"]["taints"] == [names.TAINT]
    status = made["status"]
    assert status["daemonEndpoints"]["kubeletEndpoint"]["Port"] == 10250
    assert status["addresses"] == [{"type": "InternalIP", "address": "10.0.0.9"}]
    assert [one["status"] for one in status["conditions"] if one["type"] == "Ready"] == ["True"]


async def test_what_others_wrote_on_the_node_stays(idle: World) -> None:
    taint = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}
    idle.cluster.put("nodes", {"metadata": {"name": names.NODE, "labels": {"team": "a"}}, "spec": {"taints": [taint]}})
    await leader(idle).node.register()
    assert the_node(idle.cluster)["spec"]["taints"] == [taint, names.TAINT]
    assert the_node(idle.cluster)["metadata"]["labels"]["team"] == "a"


async def test_a_node_that_somebody_removed_comes_back_with_its_lease(idle: World) -> None:
    one = leader(idle)
    await one.beat()
    await one.node.remove()
    assert not idle.cluster.named("nodes")
    await one.beat()
    lease = idle.cluster.objects[("leases", "kube-node-lease", names.NODE)]
    assert lease["metadata"]["ownerReferences"][0]["uid"] == the_node(idle.cluster)["metadata"]["uid"]


async def test_capacity_is_the_quota_of_the_account(idle: World) -> None:
    quota = {"hard": {"limits.cpu": "8", "requests.memory": "32Gi", "pods": "20"}}
    idle.cci.put("resourcequotas", {"metadata": {"name": "q", "namespace": CCI_NAMESPACE}, "spec": quota})
    one = leader(idle)
    await one.node.measure()
    assert {name: one.node.capacity[name] for name in ("cpu", "memory", "pods")} == {
        "cpu": "8",
        "memory": "32Gi",
        "pods": "20",
    }


def test_the_least_of_several_quotas_counts_and_scoped_ones_do_not() -> None:
    quotas = [{"spec": {"hard": {"limits.cpu": "8"}}}, {"spec": {"hard": {"requests.cpu": "500m"}}}]
    scoped = {"spec": {"hard": {"pods": "1"}, "scopes": ["BestEffort"]}}
    assert node.from_quotas([*quotas, scoped]) == {"cpu": "500m"}


async def test_without_quotas_it_is_what_ccis_nodes_have(idle: World) -> None:
    for name in ("a", "b"):
        idle.cci.put("nodes", {"metadata": {"name": name}, "status": {"allocatable": {"cpu": "4", "memory": "8Gi"}}})
    one = leader(idle)
    await one.node.measure()
    assert float(one.node.capacity["cpu"]) == 8


async def test_a_cluster_is_heard_of_in_cci_by_its_heartbeat(idle: World) -> None:
    await leader(idle).beat()
    lease = idle.cci.objects[("leases", CCI_NAMESPACE, names.HEARTBEAT_LEASE)]
    assert lease["spec"]["holderIdentity"] == CLUSTER_ID
    assert lease["metadata"]["annotations"][names.GRACE_ANNOTATION] == "900"


async def test_the_heartbeat_tells_how_many_pods_that_may_burst_are_local(idle: World) -> None:
    places = (("one", "Running"), (names.NODE, "Running"), ("one", "Failed"), ("", "Pending"))
    for number, (place, phase) in enumerate(places):
        bound = pods.pod(f"web-{number}", nodeName=place)
        bound["metadata"]["labels"] = {names.POLICY_MARK: "auto"}
        idle.cluster.put("pods", bound | {"status": {"phase": phase}})
    idle.cluster.put("pods", pods.pod("unmarked", nodeName="one"))
    one = leader(idle)
    following = asyncio.create_task(one.locals.run())
    await idle.until(lambda: one.locals.count == 1)
    await one.beat()
    following.cancel()
    lease = idle.cci.objects[("leases", CCI_NAMESPACE, names.HEARTBEAT_LEASE)]
    assert lease["metadata"]["annotations"][names.LOCAL_ANNOTATION] == "1"


async def test_a_cluster_that_does_not_answer_is_not_said_to_be_there(idle: World) -> None:
    idle.cluster.refuse[("PATCH", "leases")] = (500, "InternalError", "no")
    with pytest.raises(Exception, match="no"):
        await leader(idle).beat()
    assert not idle.cci.named("leases")


async def test_the_node_stays_ready_while_cci_is_away_and_says_that_it_is(idle: World) -> None:
    one = leader(idle)
    await one.beat()
    idle.cci.away = True
    one._beat_at = float("-inf")
    await one.beat()
    conditions = {one["type"]: one["status"] for one in the_node(idle.cluster)["status"]["conditions"]}
    assert (conditions["Ready"], conditions["CCIReachable"]) == ("True", "False")


async def test_the_cci_namespace_is_made_to_round_sizes(idle: World) -> None:
    idle.cci.drop("namespaces", "", CCI_NAMESPACE)
    await Heartbeat(idle.cci_api, CLUSTER_ID).prepare()
    metadata = idle.cci.objects[("namespaces", "", CCI_NAMESPACE)]["metadata"]
    assert metadata["annotations"][names.ROUND_ANNOTATION] == "true"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_one_replica_leads_until_its_lease_runs_out(idle: World) -> None:
    clock = Clock()
    first, second = (
        Election(idle.cluster_api, name, namespace="kube-system", clock=clock) for name in ("first", "second")
    )
    assert await first.acquire()
    assert not await second.acquire()
    clock.now = election.DURATION + 1
    assert await second.acquire()
    assert not await first.acquire()


async def test_a_leader_that_goes_lets_the_next_one_lead_at_once(idle: World) -> None:
    first, second = (Election(idle.cluster_api, name, namespace="kube-system") for name in ("first", "second"))
    assert await first.acquire()
    await first.resign()
    assert await second.acquire()


async def test_a_leader_that_cannot_renew_stops_acting(idle: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(election, "RETRY", 0.01)
    monkeypatch.setattr(election, "RENEW_WITHIN", 0.05)
    acting = asyncio.Event()

    async def act() -> None:
        acting.set()
        await asyncio.Event().wait()

    leading = asyncio.create_task(Election(idle.cluster_api, "first", namespace="kube-system").lead(act))
    await acting.wait()
    idle.cluster.away = True
    await asyncio.wait_for(leading, 5)


async def test_a_leader_whose_renewal_hangs_stops_before_another_one_may_act(
    idle: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(election, "RETRY", 0.01)
    monkeypatch.setattr(election, "RENEW_WITHIN", 0.05)
    one, acting = Election(idle.cluster_api, "first", namespace="kube-system"), asyncio.Event()

    async def act() -> None:
        one.acquire = asyncio.Event().wait  # type: ignore[method-assign,assignment]
        acting.set()
        await asyncio.Event().wait()

    leading = asyncio.create_task(one.lead(act))
    await acting.wait()
    await asyncio.wait_for(leading, 1)


@pytest.mark.parametrize("is_told_to_go", [True, False])
async def test_the_last_thing_is_done_by_who_is_told_to_go_and_not_by_who_lost_the_lease(
    idle: World, monkeypatch: pytest.MonkeyPatch, is_told_to_go: bool
) -> None:
    monkeypatch.setattr(election, "RETRY", 0.01)
    monkeypatch.setattr(election, "RENEW_WITHIN", 0.05)
    acting, left = asyncio.Event(), asyncio.Event()

    async def act() -> None:
        acting.set()
        await asyncio.Event().wait()

    async def leave() -> None:
        left.set()

    leading = asyncio.create_task(Election(idle.cluster_api, "first", namespace="kube-system").lead(act, leave))
    await acting.wait()
    idle.cluster.away = not is_told_to_go
    if is_told_to_go:
        leading.cancel()
    await asyncio.wait({leading}, timeout=5)
    assert left.is_set() == is_told_to_go
