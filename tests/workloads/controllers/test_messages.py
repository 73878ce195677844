"""What containers say last: their message file, or the end of their log, in `state.terminated.message`."""

from __future__ import annotations

from typing import Any

from tests import manifests
from tests.workloads.controllers.world import World
from workloads.meta.keys import Uid

JSON = dict[str, Any]


def pod(*names: str, policy: str = "FallbackToLogsOnError", **spec: Any) -> JSON:
    listed = [manifests.container(name) | {"terminationMessagePolicy": policy} for name in names or ("app",)]
    return manifests.pod(containers=listed, **{"restartPolicy": "Never", **spec})


def running(world: World, manifest: JSON) -> JSON:
    world.create(manifest)
    world.settle()
    return world.pod()


def message(world: World, container: str = "app", state: str = "state") -> str | None:
    ended: JSON = world.container(container=container)[state]["terminated"]
    return ended.get("message")


def leave(world: World, made: JSON, text: str, container: str = "app") -> None:
    world.runtime.leave_message(Uid(made["metadata"]["uid"]), container, text)


def say(world: World, made: JSON, *lines: str, container: str = "app") -> None:
    for line in lines:
        world.runtime.print(Uid(made["metadata"]["uid"]), container, line.encode())


def test_what_the_container_left_stands_in_its_status(world: World) -> None:
    made = running(world, pod(policy="File"))
    leave(world, made, "no more disk")
    say(world, made, "a line")
    world.exit(made, 1)
    assert message(world) == "no more disk"


def test_with_policy_file_the_log_says_nothing(world: World) -> None:
    made = running(world, pod(policy="File"))
    say(world, made, "a line")
    world.exit(made, 1)
    assert message(world) is None


def test_the_end_of_the_log_stands_in_for_a_message_of_what_failed(world: World) -> None:
    made = running(world, pod())
    say(world, made, *(f"line {number}" for number in range(100)))
    world.exit(made, 1)
    said = message(world)
    assert said is not None
    assert said.splitlines() == [f"line {number}" for number in range(20, 100)]


def test_of_a_long_log_it_is_the_last_two_kibibytes(world: World) -> None:
    made = running(world, pod())
    say(world, made, "x" * 5000)
    world.exit(made, 1)
    assert message(world) == "x" * 2047 + "\n"


def test_a_message_comes_before_the_log_and_success_needs_neither(world: World) -> None:
    made = running(world, pod("app", "side"))
    leave(world, made, "no more disk")
    say(world, made, "a line")
    say(world, made, "a line", container="side")
    world.exit(made, 1)
    world.exit(made, 0, container="side")
    assert (message(world), message(world, "side")) == ("no more disk", None)


def test_the_attempt_before_keeps_its_message(world: World) -> None:
    made = running(world, pod("app", restartPolicy="Always"))
    say(world, made, "first")
    world.exit(made, 1)
    assert message(world, state="lastState") == "first\n"
    say(world, made, "second")
    world.exit(made, 1)
    assert message(world, state="lastState") == "second\n"


def test_it_stays_when_the_container_is_gone(world: World) -> None:
    made = running(world, pod())
    say(world, made, "why")
    world.exit(made, 1)
    world.runtime.remove_sandbox(Uid(made["metadata"]["uid"]))
    world.happened(made)
    assert message(world) == "why\n"


def test_a_pods_messages_together_have_twelve_kibibytes(world: World) -> None:
    names = ("app", "b", "c", "d")
    made = running(world, pod(*names))
    for name in names:
        leave(world, made, "é" * 2000, container=name)
        world.exit(made, 1, container=name)
    assert [len(str(message(world, name)).encode()) for name in names] == [3072] * 4
