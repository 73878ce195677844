"""Who gets the room of the host: the oldest first, small pods beside large ones, nobody overtaken for ever, and no pod
looked at in vain."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests import manifests
from tests.workloads.controllers.world import GIB, World, clock
from workloads.controllers.pods import placement, waking
from workloads.controllers.pods.placement import Size
from workloads.meta import conditions
from workloads.node import room
from workloads.node.room import Terms
from workloads.runtimes.base import Capacity

JSON = dict[str, Any]


def sized(name: str, gib: int, **spec: Any) -> JSON:
    """With as much CPU as `gib` needs; the world's host has 2 cores, 4 times over, and 8 GiB."""
    container = manifests.container()
    container["resources"] = {"limits": {"cpu": f"{max(0.25, gib / 8)}", "memory": f"{gib}Gi"}}
    return manifests.pod(name, containers=[container], **spec)


def create(world: World, *pods: JSON) -> None:
    for pod in pods:
        world.create(pod)
        world.settle()


def running(world: World) -> list[str]:
    return sorted(pod["metadata"]["name"] for pod in world.all("Pod") if pod["spec"].get("nodeName"))


def why(world: World, name: str) -> str:
    return str((conditions.find(world.pod(name)["status"], "PodScheduled") or {}).get("message", ""))


def leave(world: World, *names: str) -> None:
    for name in names:
        world.delete("Pod", name, grace_seconds=0)
        world.settle()


def test_a_pod_larger_than_the_whole_host_is_told_that_it_never_fits(world: World) -> None:
    create(world, sized("huge", 64))
    assert why(world, "huge") == (
        "0/1 nodes are available: needs 64 GiB of memory, this host has 8 GiB for pods: "
        "it can never fit here, choose a smaller specification"
    )


def test_it_holds_up_nobody(world: World) -> None:
    create(world, sized("huge", 64))
    world.advance(3600)
    create(world, sized("small", 1))
    assert running(world) == ["small"]


def test_what_is_reserved_for_the_host_is_not_given_to_pods(world: World) -> None:
    world.reserved_bytes = GIB
    world.reborn()
    create(world, sized("one", 4), sized("two", 4))
    assert running(world) == ["one"]
    assert why(world, "two") == "0/1 nodes are available: needs 4 GiB of memory, 3 GiB free"


def test_small_pods_pass_a_large_one_that_does_not_fit(world: World) -> None:
    create(world, sized("first", 4), sized("large", 8), sized("small", 1))
    assert running(world) == ["first", "small"]


def test_but_not_for_ever(world: World) -> None:
    create(world, sized("first", 4), sized("large", 8))
    world.advance(placement.PATIENCE.total_seconds() + 1)
    create(world, sized("small", 1))
    assert running(world) == ["first"]
    assert why(world, "small") == placement.KEPT_FOR_ANOTHER
    leave(world, "first")
    assert running(world) == ["large"]


def test_nobody_keeps_the_host_empty_for_himself(world: World) -> None:
    create(world, sized("first", 4), sized("large", 8))
    world.advance(placement.PATIENCE.total_seconds() + 1)
    create(world, sized("small", 1))
    assert running(world) == ["first"]
    world.advance(placement.turn_ends_in(clock()) + 1)
    assert running(world) == ["first", "small"]


def test_those_that_have_waited_too_long_take_turns() -> None:
    hour = datetime(2026, 1, 1, 11, tzinfo=UTC)
    late = [placement.Waiter(None, Size(0, gib * GIB), hour, hour) for gib in (8, 6)]  # type: ignore[arg-type]
    room = Size(8000, 8 * GIB)
    kept = [
        placement.first_of(late, Size(0, GIB), free=Size(8000, 2 * GIB), room=room, now=hour + timedelta(minutes=n))
        for n in range(60, 80)
    ]
    assert kept == [None] * 5 + [late[0]] * 5 + [None] * 5 + [late[1]] * 5


def test_room_that_was_kept_is_free_again_when_the_one_that_waited_goes(world: World) -> None:
    create(world, sized("first", 4), sized("large", 8))
    world.advance(placement.PATIENCE.total_seconds() + 1)
    create(world, sized("small", 1))
    leave(world, "large")
    assert running(world) == ["first", "small"]


def test_the_oldest_comes_first_however_they_are_looked_at(world: World) -> None:
    create(world, sized("full", 8), *(sized(name, 4) for name in ("c", "b", "a")))
    leave(world, "full")
    assert running(world) == ["b", "c"]


def test_one_that_has_to_let_another_pass_sees_to_it_that_it_is_looked_at(world: World) -> None:
    create(world, sized("full", 8), sized("old", 8))
    world.alice.delete("Pod", "full", "shop")
    world.runtime.kill(next(iter(world.runtime.sandboxes())).uid)
    world.create(sized("young", 8))
    world.settle()
    assert running(world) == ["old"]


def test_every_way_of_ending_frees_room(world: World) -> None:
    for name, end in (("deleted", "delete"), ("done", 0), ("failed", 1)):
        create(world, sized(name, 8, restartPolicy="Never"), sized(f"after-{name}", 8))
        if end == "delete":
            leave(world, name)
        else:
            world.exit(world.pod(name), int(end))
        assert running(world) and world.pod(f"after-{name}")["status"]["phase"] == "Running", name
        leave(world, f"after-{name}")


def test_a_pod_that_was_deleted_while_it_waited_is_not_waited_for(world: World) -> None:
    create(world, sized("first", 8), sized("held", 8) | {})
    world.patch("Pod", "held", {"metadata": {"finalizers": ["example.com/hold"]}})
    world.delete("Pod", "held", grace_seconds=0)
    world.advance(placement.PATIENCE.total_seconds() + 1)
    leave(world, "first")
    create(world, sized("next", 1))
    assert "next" in running(world)


def test_only_pods_that_would_fit_are_woken(world: World) -> None:
    room.say(world.runtime, Terms("node-1", overcommit=4))
    create(world, sized("full", 8), sized("large", 8), *(sized(f"small-{n}", 2) for n in range(6)))
    world.runtime.exit(world.runtime.sandboxes()[0].uid, "app", 0)
    assert waking.waiting_for_room() == []
    leave(world, "full")
    assert running(world) == ["large"]
    leave(world, "large")
    assert running(world) == ["small-0", "small-1", "small-2", "small-3"]
    assert waking.waiting_for_room() == []


def test_a_pod_behind_a_gate_takes_no_room_from_those_that_wait(world: World) -> None:
    room.say(world.runtime, Terms("node-1", overcommit=4))
    create(world, sized("full", 8), sized("gated", 8, schedulingGates=[{"name": "example.com/wait"}]), sized("next", 8))
    leave(world, "full")
    assert running(world) == ["next"]


def test_a_host_that_has_grown_starts_what_waited(world: World) -> None:
    room.say(world.runtime, Terms("node-1", overcommit=4))
    create(world, sized("one", 8), sized("two", 8))
    world.runtime.resize(Capacity(2000, 16 * GIB))
    room.say(world.runtime, Terms("node-1", overcommit=4))
    world.settle()
    assert running(world) == ["one", "two"]


def test_waiting_writes_nothing_while_nothing_changes(world: World) -> None:
    create(world, sized("one", 8), sized("two", 8))
    before = world.pod("two")["metadata"]["resourceVersion"]
    world.advance(1800)
    assert world.pod("two")["metadata"]["resourceVersion"] == before


def test_taking_what_another_lacks_is_no_way_past_it() -> None:
    needs_memory = Size(250, 4 * GIB)
    assert not Size(250, GIB).spares(needs_memory, free=Size(8000, 2 * GIB))
    assert Size(250, 0).spares(needs_memory, free=Size(8000, 2 * GIB))
    assert Size(250, GIB).spares(needs_memory, free=Size(8000, 5 * GIB))


def test_who_waits_for_something_else_is_nobody_to_wait_for(world: World) -> None:
    gated = sized("gated", 4)
    gated["spec"]["schedulingGates"] = [{"name": "example.com/later"}]
    create(world, gated, sized("large", 8))
    assert running(world) == ["large"]
    assert placement.waiting() == []
