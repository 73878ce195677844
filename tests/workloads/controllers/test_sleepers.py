"""A Deployment that sleeps says so, and is woken as it was; what cannot work is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests import manifests
from tests.workloads.controllers.world import World
from workloads.client import Client
from workloads.elb import naps
from workloads.kinds import sleeping
from workloads.meta import conditions, times
from workloads.meta.errors import Invalid
from workloads.meta.keys import Key

JSON = dict[str, Any]
WEB = Key("acme", "Deployment", "shop", "web")


def sleeper(after: str = "10m", *, replicas: int = 2) -> JSON:
    made = manifests.deployment(replicas=replicas)
    made["metadata"]["annotations"] = {sleeping.AFTER: after}
    return made


def reached(world: World, after: str = "10m", *, replicas: int = 2) -> None:
    """Behind a Service and an Ingress."""
    world.create(sleeper(after, replicas=replicas))
    world.create(manifests.service("web", selector={"app": "web"}))
    world.create(manifests.ingress("web"))
    world.settle()


def falls_asleep(world: World) -> None:
    """As the proxy tier does it."""
    assert naps.put_to_sleep(WEB, world.get("Deployment", "web"))
    world.settle()


def wakes(world: World) -> None:
    naps.wake(WEB, at=times.format_micro(datetime.now(UTC)))
    world.settle()


def asleep(world: World) -> tuple[str, str, str]:
    found = conditions.find(world.get("Deployment", "web")["status"], "Asleep") or {}
    return found.get("status", ""), found.get("reason", ""), found.get("message", "")


def test_who_falls_asleep_has_no_pods_and_says_why(world: World) -> None:
    reached(world)
    assert asleep(world) == ("False", "Awake", "It sleeps after 10m without a request; one for Service web wakes it")
    falls_asleep(world)
    said = "No request for 10m: 2 pods stopped; the next request starts them"
    assert (world.all("Pod"), world.get("Deployment", "web")["spec"]["replicas"]) == ([], 0)
    assert (asleep(world), world.events("Sleeping")) == (("True", "Sleeping", said), [said])


def test_who_is_woken_has_as_many_pods_as_before(world: World) -> None:
    reached(world, replicas=3)
    falls_asleep(world)
    world.advance(3600)
    wakes(world)
    assert world.get("Deployment", "web")["status"]["readyReplicas"] == 3
    assert (asleep(world)[:2], world.events("Woken")) == (("False", "Awake"), ["A request came: 3 pods started"])
    assert sleeping.REPLICAS not in world.get("Deployment", "web")["metadata"]["annotations"]


def test_waking_twice_is_waking_once(world: World) -> None:
    reached(world)
    falls_asleep(world)
    wakes(world)
    before = world.alice.revision()
    wakes(world)
    assert world.alice.revision() == before


def test_who_is_scaled_by_hand_is_awake(world: World) -> None:
    reached(world)
    falls_asleep(world)
    world.patch("Deployment", "web", {"spec": {"replicas": 1}})
    world.settle()
    assert (len(world.all("Pod")), world.events("Woken")) == (1, ["Somebody woke it: 1 pod started"])
    assert sleeping.REPLICAS not in world.get("Deployment", "web")["metadata"]["annotations"]


def test_a_persons_own_nought_stays(world: World) -> None:
    reached(world)
    world.patch("Deployment", "web", {"spec": {"replicas": 0}})
    world.settle()
    wakes(world)
    assert (world.all("Pod"), asleep(world)[1]) == ([], "ScaledToZero")


def test_taking_the_wish_back_wakes(world: World) -> None:
    reached(world)
    falls_asleep(world)
    world.patch("Deployment", "web", {"metadata": {"annotations": {sleeping.AFTER: None}}})
    world.settle()
    assert (len(world.all("Pod")), asleep(world)) == (2, ("", "", ""))


def test_what_has_changed_meanwhile_does_not_fall_asleep(world: World) -> None:
    reached(world)
    judged = world.get("Deployment", "web")
    world.patch("Deployment", "web", {"spec": {"replicas": 1}})
    assert naps.put_to_sleep(WEB, judged) is None
    assert world.get("Deployment", "web")["spec"]["replicas"] == 1


def test_what_no_service_reaches_never_sleeps_and_says_so(world: World) -> None:
    world.create(sleeper())
    world.settle()
    why = "It never sleeps: no Service with an address and a TCP port leads to its pods, so that nothing could wake it"
    assert (asleep(world), world.events("NotReached")) == (("False", "NotReached", why), [why])
    world.create(manifests.service("web", selector={"app": "web"}))
    world.create(manifests.ingress("web"))
    world.settle()
    assert asleep(world)[1] == "Awake"


def test_a_quiet_look_writes_nothing(world: World) -> None:
    reached(world)
    falls_asleep(world)
    before = world.alice.revision()
    world.resync()
    world.settle()
    assert world.alice.revision() == before


def test_a_new_template_while_it_sleeps_is_what_is_woken(world: World) -> None:
    world.runtime.add_image("web:2")
    reached(world)
    falls_asleep(world)
    template = world.get("Deployment", "web")["spec"]["template"]
    template["spec"]["containers"][0]["image"] = "web:2"
    world.patch("Deployment", "web", {"spec": {"template": template}})
    world.settle()
    assert world.all("Pod") == []
    wakes(world)
    assert {pod["spec"]["containers"][0]["image"] for pod in world.all("Pod")} == {"web:2"}


def test_a_worker_that_dies_anywhere_leaves_the_same_world(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between any two writes of falling asleep and waking."""
    reached(world)
    for write in range(1, 12):
        _kill_at(world, monkeypatch, write, lambda: falls_asleep(world))
        world.settle()
        assert (world.all("Pod"), asleep(world)[0]) == ([], "True"), write
        _kill_at(world, monkeypatch, write, lambda: wakes(world))
        world.settle()
        ready = world.get("Deployment", "web")["status"]["readyReplicas"]
        assert (ready, asleep(world)[0]) == (2, "False"), write


class Killed(BaseException):
    pass


def _kill_at(world: World, monkeypatch: pytest.MonkeyPatch, write: int, step: Any) -> None:
    """The worker is killed right after its write of that number, if there is one, and starts again."""
    left = [write]

    def counting(self: Client, *args: Any, _do: Any, **more: Any) -> Any:
        answer = _do(self, *args, **more)
        if self.identity.user.startswith("system:controller:") and not self.identity.user.endswith("sleeper"):
            left[0] -= 1
            if left[0] == 0:
                raise Killed
        return answer

    with monkeypatch.context() as patched:
        for name in ("create", "update", "patch", "delete"):
            do = getattr(Client, name)
            patched.setattr(Client, name, lambda self, *a, _do=do, **m: counting(self, *a, _do=_do, **m))
        try:
            step()
        except Killed:
            world.reborn()


@pytest.mark.parametrize("said", ["soon", "0s", "25h", "10", "1d", "-5m", "10m 5s"])
def test_what_is_no_duration_is_refused(world: World, said: str) -> None:
    with pytest.raises(Invalid, match="must be a duration of at most 24h"):
        world.create(sleeper(said))


def test_too_short_a_pause_is_refused(world: World) -> None:
    with pytest.raises(Invalid, match="must be between 30s and 24h"):
        world.create(sleeper("29s"))


def rule() -> JSON:
    periodic = {"schedule": "@daily", "action": {"type": "set", "pods": 1}}
    return manifests.scaling_policy("rule", periodic=periodic)


def test_scaling_policies_and_sleep_do_not_go_together(world: World) -> None:
    world.create(manifests.deployment())
    world.create(rule())
    wish = {"metadata": {"annotations": {sleeping.AFTER: "10m"}}}
    with pytest.raises(Invalid, match=r"has scaling policies \(rule\): delete them first"):
        world.patch("Deployment", "web", wish)
    world.delete("ScalingPolicy", "rule")
    world.patch("Deployment", "web", wish)
    with pytest.raises(Invalid, match="stops when nobody asks it"):
        world.create(rule())


def test_an_autoscaler_lets_it_sleep(world: World) -> None:
    reached(world)
    world.create(manifests.autoscaler(least=2))
    world.settle()
    falls_asleep(world)
    world.advance(60)
    assert (world.all("Pod"), asleep(world)[0]) == ([], "True")
    wakes(world)
    world.advance(60)
    assert len(world.all("Pod")) == 2
