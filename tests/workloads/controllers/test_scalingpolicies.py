"""Scaling policies: each occasion is served once, alarms act on load, and nobody acts twice, whoever dies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from iam.identities import Identity
from tests import manifests
from tests.workloads.controllers.test_autoscalers import load, replicas
from tests.workloads.controllers.test_kills import Failpoint, every_kill, failpoint
from tests.workloads.controllers.world import World
from workloads.client import Client
from workloads.controllers.scalingpolicies.reconcile import SCALED_BY
from workloads.meta.errors import Invalid

__all__ = ("failpoint",)
JSON = dict[str, Any]


def start(world: World, *policies: JSON, pods: int = 2) -> None:
    world.create(manifests.deployment(replicas=pods))
    world.advance(30)
    for policy in policies:
        world.create(policy)
    world.settle()


def status(world: World, name: str = "rule") -> JSON:
    return dict(world.get("ScalingPolicy", name)["status"])


def action(type: str = "add", pods: int = 1) -> JSON:
    return {"type": type, "pods": pods}


def alarm(name: str = "rule", *, operator: str = ">", percent: int = 60, count: int = 2, **spec: Any) -> JSON:
    rule = {"metric": "cpu", "operator": operator, "thresholdPercent": percent, "periodSeconds": 15}
    acts = action("add" if operator == ">" else "remove")
    return manifests.scaling_policy(name, alarm={**rule, "consecutiveCount": count, "action": acts}, **spec)


def timed(name: str = "rule", at: str = "2026-01-01T12:05:00Z", **acts: Any) -> JSON:
    return manifests.scaling_policy(name, timed={"at": at, "action": action(**acts)})


def periodic(name: str = "rule", schedule: str = "*/10 * * * *", **acts: Any) -> JSON:
    return manifests.scaling_policy(name, periodic={"schedule": schedule, "action": action(**acts)})


def test_a_timed_policy_acts_once(world: World) -> None:
    start(world, timed(type="set", pods=4))
    assert status(world)["nextRunTime"] == "2026-01-01T12:05:00Z"
    world.advance(300)
    assert replicas(world) == 4
    found = status(world)
    assert (found["lastRunTime"], found["lastResult"]) == ("2026-01-01T12:05:00Z", "Scaled")
    assert found["lastMessage"] == "scaled from 2 to 4 (timed)"
    assert "nextRunTime" not in found
    assert "Scaling policy rule: scaled from 2 to 4 (timed)" in world.events("SuccessfulRescale")
    world.patch("Deployment", "web", {"spec": {"replicas": 1}})
    world.resync()
    world.advance(300)
    assert replicas(world) == 1


def test_a_periodic_policy_acts_at_each_time(world: World) -> None:
    start(world, periodic())
    world.advance(600)
    assert replicas(world) == 3
    assert status(world)["nextRunTime"] == "2026-01-01T12:20:00Z"
    world.advance(600)
    assert replicas(world) == 4


def test_two_at_the_same_time_act_one_after_the_other(world: World) -> None:
    start(world, periodic("a", type="set", pods=6), periodic("b", type="add", pods=1))
    world.advance(600)
    assert replicas(world) == 7


def test_an_alarm_acts_when_enough_measurements_agree(world: World) -> None:
    start(world, alarm())
    load(world, 250)
    world.advance(30)
    assert replicas(world) == 3
    found = status(world)
    assert found["lastMessage"] == "scaled from 2 to 3 (cpu 100% > 60%)"
    assert (found["percent"], found["breaches"]) == (100, 0)


def test_a_measurement_in_between_starts_the_count_anew(world: World) -> None:
    start(world, alarm(count=4))
    for millis in (250, 0, 250, 0):
        load(world, millis)
        world.advance(30)
    assert replicas(world) == 2


def test_within_the_graceful_window_no_alarm_acts(world: World) -> None:
    start(world, alarm(count=1, gracefulWindowSeconds=60))
    load(world, 250)
    world.advance(16)
    assert replicas(world) == 3
    load(world, 250)
    world.advance(44)
    assert replicas(world) == 3
    world.advance(16)
    assert replicas(world) == 4


def test_load_that_falls_removes_down_to_the_least(world: World) -> None:
    start(world, alarm(operator="<", percent=20, count=1, gracefulWindowSeconds=0, minPods=2), pods=4)
    load(world, 5)
    world.advance(120)
    assert replicas(world) == 2
    assert status(world)["lastResult"] == "Unchanged"


def test_without_figures_an_alarm_rests_and_says_why(world: World) -> None:
    start(world, alarm(count=1))
    world.runtime.stop_daemon()
    world.advance(31)
    assert replicas(world) == 2
    assert "does not answer" in status(world)["message"]


def test_switched_off_it_rests_and_makes_up_for_nothing(world: World) -> None:
    start(world, periodic())
    world.patch("ScalingPolicy", "rule", {"spec": {"enabled": False}})
    world.advance(660)
    assert replicas(world) == 2
    assert "nextRunTime" not in status(world)
    world.patch("ScalingPolicy", "rule", {"spec": {"enabled": True}})
    world.advance(5)
    assert replicas(world) == 2
    world.advance(600)
    assert replicas(world) == 3


def test_an_occasion_nobody_was_there_for_is_made_up_for_within_an_hour(world: World) -> None:
    start(world, timed(type="set", pods=4), timed("old", at="2026-01-01T12:06:00Z", type="set", pods=9))
    world.travel.shift(3600 + 310)
    world.resync()
    world.settle()
    assert status(world)["lastResult"] == "Missed"
    assert status(world, "old")["lastResult"] == "Scaled"
    assert world.events("MissedRescale")


def test_a_refusal_is_told_and_not_tried_for_ever(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from workloads.meta.errors import QuotaReached

    start(world, timed(type="set", pods=4))
    patch = Client.patch

    def refused(client: Client, kind: str, *args: Any, **kwargs: Any) -> Any:
        if kind == "Deployment" and client.identity.user.endswith("scaling-policies"):
            raise QuotaReached("the account is full")
        return patch(client, kind, *args, **kwargs)

    monkeypatch.setattr(Client, "patch", refused)
    world.advance(400)
    assert status(world)["lastResult"] == "Failed"
    assert "the account is full" in status(world)["lastMessage"]
    assert len(world.events("FailedRescale")) == 2


def test_without_its_deployment_it_waits(world: World) -> None:
    world.create(timed(type="set", pods=3))
    world.settle()
    assert status(world)["message"] == "Deployment web is not there"
    world.create(manifests.deployment(replicas=1))
    world.advance(310)
    assert replicas(world) == 3


def test_at_most_four_alarms_and_ten_others(world: World) -> None:
    for number in range(4):
        world.create(alarm(f"alarm-{number}"))
    with pytest.raises(Invalid, match="Deployment web has 4 alarm policies, at most 4 are allowed") as refused:
        world.create(alarm("alarm-4"))
    assert refused.value.causes[0].field == "spec.alarm"
    for number in range(10):
        world.create(periodic(f"periodic-{number}"))
    with pytest.raises(Invalid, match="10 timed and periodic policies, at most 10 are allowed"):
        world.create(timed("one-more"))
    world.create(alarm("elsewhere", targetRef={"name": "other"}))
    world.delete("ScalingPolicy", "alarm-0")
    world.create(alarm("alarm-4"))


def test_an_autoscaler_and_policies_are_not_for_one_deployment(world: World) -> None:
    world.create(manifests.autoscaler())
    with pytest.raises(Invalid, match="HorizontalPodAutoscaler web scales Deployment web"):
        world.create(alarm())
    world.delete("HorizontalPodAutoscaler", "web")
    world.create(alarm())
    with pytest.raises(Invalid, match=r"Deployment web has scaling policies \(rule\)"):
        world.create(manifests.autoscaler())
    world.create(manifests.autoscaler("other", target="other"))
    with pytest.raises(Invalid, match="has scaling policies"):
        world.patch("HorizontalPodAutoscaler", "other", {"spec": {"scaleTargetRef": {"name": "web"}}})


def test_a_note_that_somebody_else_wrote_stops_no_policy(world: World) -> None:
    start(world, alarm(count=1, gracefulWindowSeconds=0, maxPods=3))
    uid = world.get("ScalingPolicy", alarm()["metadata"]["name"])["metadata"]["uid"]
    world.patch("Deployment", "web", {"metadata": {"annotations": {SCALED_BY: f"{uid} yesterday two three"}}})
    load(world, 250)
    world.advance(120)
    assert replicas(world) == 3


def test_strangers_see_no_policies(world: World) -> None:
    start(world, alarm())
    assert Client(Identity("other", "charlie")).list("ScalingPolicy").items == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("policy", [periodic(), alarm(count=1, gracefulWindowSeconds=0, maxPods=3)])
def test_one_change_an_occasion_whoever_dies(db: None, tmp_path: Path, failpoint: Failpoint, policy: JSON) -> None:
    def prepare(world: World) -> None:
        world.namespace()
        start(world, policy)
        load(world, 250)
        world.advance(5)

    def act(world: World) -> None:
        world.advance(590 if "periodic" in policy["spec"] else 20)

    for world, when in every_kill(tmp_path, failpoint, prepare=prepare, act=act):
        assert replicas(world) == 3, when
        note = world.get("Deployment", "web")["metadata"]["annotations"][SCALED_BY].split()
        assert note[2:] == ["2", "3"], when
        assert status(world)["lastScaleTime"], when
