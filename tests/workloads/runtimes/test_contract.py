"""The promises of `workloads.runtimes.base`, kept by every runtime."""

from __future__ import annotations

import errno
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.threads import at_once
from tests.workloads.runtimes.worlds import World, container, spec
from workloads.meta.keys import Uid
from workloads.runtimes.archive import Archive
from workloads.runtimes.base import (
    MESSAGE_BYTES,
    ContainerStatus,
    ContainerUsage,
    ImageFault,
    RuntimeFault,
    SandboxSpec,
    SandboxStatus,
)


def started(world: World, pod: SandboxSpec) -> SandboxStatus:
    world.runtime.ensure_sandbox(pod)
    for one in pod.containers:
        world.runtime.start_container(pod, one.name, attempt=0)
    return observed(world, pod.uid)


def observed(world: World, uid: Uid) -> SandboxStatus:
    status = world.runtime.observe(uid)
    assert status is not None
    return status


def app(world: World, uid: Uid) -> ContainerStatus:
    return observed(world, uid).containers["app"]


# Images


def test_a_local_image_has_an_id_and_is_listed(world: World) -> None:
    id = world.runtime.image_id(world.image)
    assert id is not None
    assert id.startswith("sha256:")
    assert id in {image.id for image in world.runtime.images() if image.name == world.image}


def test_an_unknown_image_has_no_id(world: World) -> None:
    assert world.runtime.image_id("cci-test/nothing:1") is None


def test_a_container_of_an_image_that_is_not_here_does_not_start(world: World) -> None:
    pod = spec(world, containers=(container("cci-test/nothing:1"),))
    world.runtime.ensure_sandbox(pod)
    with pytest.raises(ImageFault, match="cci-test/nothing:1"):
        world.runtime.start_container(pod, "app", attempt=0)


# Networks


def test_a_network_is_made_once(world: World) -> None:
    assert world.runtime.ensure_network(world.network) == world.network


def test_a_network_whose_cidr_is_taken_gets_another_of_the_same_size(world: World) -> None:
    other = world.runtime.ensure_network(replace(world.network, name=world.network.name + "-b"))
    assert other.cidr != world.network.cidr
    assert other.cidr.endswith("/24")


def test_networks_that_want_one_cidr_at_the_same_moment_all_get_one(world: World) -> None:
    wanted = [replace(world.network, name=f"{world.network.name}-{letter}") for letter in "abcd"]
    try:
        made = at_once(*(partial(world.runtime.ensure_network, one) for one in wanted))
        assert len({world.network.cidr, *(one.cidr for one in made)}) == 5
    finally:
        for one in wanted:
            world.runtime.remove_network(one.name)


def test_a_network_goes_and_takes_its_pool_along(world: World) -> None:
    world.runtime.warm(world.network, size=1)
    world.runtime.remove_network(world.network.name)
    world.runtime.remove_network(world.network.name)
    with pytest.raises(RuntimeFault, match="not found"):
        world.runtime.ensure_sandbox(spec(world))


def test_a_network_in_use_stays(world: World) -> None:
    world.runtime.ensure_sandbox(spec(world))
    with pytest.raises(RuntimeFault, match="active endpoints"):
        world.runtime.remove_network(world.network.name)


# The pool


def test_the_pool_grows_and_shrinks_by_one_a_call(world: World) -> None:
    sizes = [world.runtime.warm(world.network, size=size) for size in (2, 2, 2, 0, 0, 0)]
    assert sizes == [1, 2, 2, 1, 0, 0]


def test_a_pod_takes_a_warm_sandbox_and_the_pool_is_one_less(world: World) -> None:
    world.runtime.warm(world.network, size=1)
    pod = spec(world)
    status = world.runtime.ensure_sandbox(pod)
    assert (status.uid, status.account, status.namespace, status.name) == (pod.uid, "acme", "shop", "web-1")
    assert status.running
    assert world.runtime.warm(world.network, size=0) == 0
    assert observed(world, pod.uid).ip == status.ip


def test_the_pools_are_counted_by_network(world: World) -> None:
    assert world.runtime.pools() == {}
    world.runtime.warm(world.network, size=1)
    assert world.runtime.pools() == {world.network.name: 1}
    world.runtime.ensure_sandbox(spec(world))
    assert world.runtime.pools() == {}


def test_warm_sandboxes_are_nobodys(world: World) -> None:
    world.runtime.warm(world.network, size=1)
    assert world.runtime.sandboxes() == []


# Sandboxes


@pytest.mark.parametrize("pool", [0, 1])
def test_a_sandbox_is_made_once_and_has_an_address_on_its_network(world: World, pool: int) -> None:
    world.runtime.warm(world.network, size=pool)
    pod = spec(world)
    before = world.runtime.now() - timedelta(seconds=1)
    first = world.runtime.ensure_sandbox(pod)
    second = world.runtime.ensure_sandbox(pod)
    assert first.ip.startswith(world.network.cidr.rsplit(".", 1)[0])
    assert (second.ip, second.created_at) == (first.ip, first.created_at)
    assert first.created_at is not None
    assert before < first.created_at <= world.runtime.now()


def test_nothing_is_observed_of_a_pod_that_has_nothing(world: World) -> None:
    assert world.runtime.observe(Uid("00000000-0000-0000-0000-000000000000")) is None


def test_every_pods_sandbox_is_listed(world: World) -> None:
    pods = {spec(world).uid: name for name in ("web-1", "web-2")}
    for uid, name in pods.items():
        world.runtime.ensure_sandbox(spec(world, uid=uid, name=name))
    assert {status.uid: status.name for status in world.runtime.sandboxes()} == pods


def test_a_removed_sandbox_leaves_nothing_and_is_removed_again_in_vain(world: World) -> None:
    pod = spec(world)
    started(world, pod)
    world.runtime.remove_sandbox(pod.uid)
    world.runtime.remove_sandbox(pod.uid)
    assert world.runtime.observe(pod.uid) is None


def test_a_lost_sandbox_does_not_run_until_it_is_ensured_again(world: World) -> None:
    pod = spec(world)
    started(world, pod)
    world.lose_sandbox(pod.uid)
    lost = observed(world, pod.uid)
    assert not lost.running
    assert lost.finished_at is not None
    assert lost.containers["app"].state == "exited"
    again = world.runtime.ensure_sandbox(pod)
    assert again.running
    assert again.created_at == lost.created_at
    assert world.runtime.start_container(pod, "app", attempt=1).state == "running"


def test_no_container_starts_in_a_lost_sandbox(world: World) -> None:
    pod = spec(world)
    world.runtime.ensure_sandbox(pod)
    world.lose_sandbox(pod.uid)
    with pytest.raises(RuntimeFault, match="the sandbox of pod shop/web-1 does not run"):
        world.runtime.start_container(pod, "app", attempt=0)


# Containers


def test_a_started_container_runs_and_knows_its_times(world: World) -> None:
    pod = spec(world)
    status = started(world, pod).containers["app"]
    assert (status.state, status.attempt, status.exit_code, status.last) == ("running", 0, None, None)
    assert status.image == world.image
    assert status.image_id == world.runtime.image_id(world.image)
    assert status.created_at is not None
    assert status.started_at is not None
    assert status.created_at <= status.started_at
    assert status.started_at.tzinfo is UTC
    assert status.finished_at is None


def test_an_attempt_is_started_once(world: World) -> None:
    pod = spec(world)
    first = started(world, pod).containers["app"]
    assert world.runtime.start_container(pod, "app", attempt=0) == first


def test_an_attempt_that_has_ended_is_not_started_again(world: World) -> None:
    pod = spec(world)
    started(world, pod)
    world.exit(pod.uid, "app", 3)
    status = world.runtime.start_container(pod, "app", attempt=0)
    assert (status.state, status.exit_code) == ("exited", 3)
    assert status.finished_at is not None


def test_the_next_attempt_remembers_the_one_before(world: World) -> None:
    pod = spec(world)
    started(world, pod)
    world.exit(pod.uid, "app", 3)
    world.runtime.start_container(pod, "app", attempt=1)
    status = app(world, pod.uid)
    assert (status.state, status.attempt) == ("running", 1)
    assert status.last is not None
    assert (status.last.attempt, status.last.exit_code, status.last.last) == (0, 3, None)


def test_only_the_last_two_attempts_are_kept(world: World) -> None:
    pod = spec(world)
    world.runtime.ensure_sandbox(pod)
    for attempt in range(4):
        world.runtime.start_container(pod, "app", attempt=attempt)
        world.exit(pod.uid, "app", attempt)
    status = app(world, pod.uid)
    assert status.last is not None
    assert (status.attempt, status.last.attempt) == (3, 2)


def test_each_attempt_leaves_a_message_of_its_own_and_the_end_of_it_counts(world: World) -> None:
    pod = spec(world)
    started(world, pod)
    world.leave_message(pod.uid, "app", "x" * 10 + "y" * MESSAGE_BYTES)
    assert app(world, pod.uid).message == ""
    world.exit(pod.uid, "app", 1)
    assert app(world, pod.uid).message == "y" * MESSAGE_BYTES
    world.runtime.start_container(pod, "app", attempt=1)
    world.leave_message(pod.uid, "app", "out of disk")
    world.exit(pod.uid, "app", 1)
    status = app(world, pod.uid)
    assert (status.message, status.last.message[:2] if status.last else "") == ("out of disk", "yy")


def test_a_container_of_several_is_terminated_alone(world: World) -> None:
    pod = spec(world, "app", "side")
    started(world, pod)
    world.runtime.terminate(pod.uid, container="app")
    world.runtime.kill(pod.uid, container="app")
    states = {name: one.state for name, one in observed(world, pod.uid).containers.items()}
    assert states == {"app": "exited", "side": "running"}


def test_a_killed_pod_has_stopped_and_its_sandbox_stands(world: World) -> None:
    pod = spec(world, "app", "side")
    started(world, pod)
    world.runtime.kill(pod.uid)
    status = observed(world, pod.uid)
    assert {one.exit_code for one in status.containers.values()} == {137}
    assert status.running


def test_what_has_stopped_or_gone_is_stopped_again_in_vain(world: World) -> None:
    pod = spec(world)
    started(world, pod)
    for _ in range(2):
        world.runtime.kill(pod.uid)
        world.runtime.terminate(pod.uid)
    world.runtime.remove_sandbox(pod.uid)
    world.runtime.kill(pod.uid)
    world.runtime.terminate(pod.uid)


# Events


def test_the_sandbox_of_a_pod_that_has_ended_stops_and_its_containers_can_be_read(world: World) -> None:
    pod = spec(world)
    started(world, pod)
    world.runtime.kill(pod.uid)
    world.runtime.stop_sandbox(pod.uid)
    world.runtime.stop_sandbox(pod.uid)
    after = observed(world, pod.uid)
    assert (after.running, after.ip) == (False, "")
    assert after.containers["app"].state == "exited"
    assert list(world.runtime.logs(pod.uid, "app")) is not None


def test_a_container_that_dies_is_told(world: World) -> None:
    pod = spec(world)
    started(world, pod)
    listening = world.runtime.events()
    world.exit(pod.uid, "app", 1)
    event = next(listening)
    assert (event.uid, event.account, event.namespace, event.name) == (pod.uid, "acme", "shop", "web-1")


def test_a_sandbox_that_is_lost_is_told(world: World) -> None:
    world.runtime.warm(world.network, size=1)
    pod = spec(world)
    world.runtime.ensure_sandbox(pod)
    listening = world.runtime.events()
    world.lose_sandbox(pod.uid)
    event = next(listening)
    assert (event.uid, event.account, event.namespace, event.name) == (pod.uid, "acme", "shop", "web-1")


# Logs


def test_what_a_container_wrote_is_read_in_order(world: World) -> None:
    pod = spec(world)
    started(world, pod)
    world.print(pod.uid, "app", "one")
    world.print(pod.uid, "app", "two")
    assert b"".join(world.runtime.logs(pod.uid, "app")) == b"one\ntwo\n"
    assert b"".join(world.runtime.logs(pod.uid, "app", tail=1)) == b"two\n"
    assert b"".join(world.runtime.logs(pod.uid, "app", tail=0)) == b""


def test_lines_carry_their_times_when_asked(world: World) -> None:
    pod = spec(world)
    started(world, pod)
    before = world.runtime.now()
    world.print(pod.uid, "app", "one")
    stamp, _, line = b"".join(world.runtime.logs(pod.uid, "app", timestamps=True)).partition(b" ")
    assert stamp.endswith(b"Z")
    assert line == b"one\n"
    assert b"".join(world.runtime.logs(pod.uid, "app", since=before)) == b"one\n"
    assert b"".join(world.runtime.logs(pod.uid, "app", since=world.runtime.now())) == b""


def test_a_follower_reads_until_the_container_ends(world: World) -> None:
    pod = spec(world)
    started(world, pod)
    world.print(pod.uid, "app", "one")
    stream = world.runtime.logs(pod.uid, "app", follow=True)
    assert next(iter(stream)) == b"one\n"
    world.print(pod.uid, "app", "two")
    assert next(stream) == b"two\n"
    world.exit(pod.uid, "app", 0)
    assert list(stream) == []


def test_a_waiting_follower_is_let_go_from_another_thread(world: World) -> None:
    pod = spec(world)
    started(world, pod)
    stream = world.runtime.logs(pod.uid, "app", follow=True)
    reader = threading.Thread(target=list, args=(stream,), daemon=True)
    reader.start()
    stream.close()
    reader.join(10)
    assert not reader.is_alive()


def test_the_attempt_before_can_still_be_read(world: World) -> None:
    pod = spec(world)
    started(world, pod)
    world.print(pod.uid, "app", "first")
    world.exit(pod.uid, "app", 1)
    world.runtime.start_container(pod, "app", attempt=1)
    assert b"".join(world.runtime.logs(pod.uid, "app", previous=True)) == b"first\n"
    assert b"".join(world.runtime.logs(pod.uid, "app")) == b""


def test_logs_of_what_is_not_there_are_a_key_error(world: World) -> None:
    pod = spec(world)
    started(world, pod)
    with pytest.raises(KeyError):
        world.runtime.logs(pod.uid, "app", previous=True)
    with pytest.raises(KeyError):
        world.runtime.logs(pod.uid, "side")
    with pytest.raises(KeyError):
        world.runtime.logs(Uid("00000000-0000-0000-0000-000000000000"), "app")


# Logs of what is gone


def ran(world: World, pod: SandboxSpec, *lines: str, attempt: int = 0) -> None:
    """An attempt of `app` that wrote these and ended with its own number."""
    world.runtime.start_container(pod, "app", attempt=attempt)
    for line in lines:
        world.print(pod.uid, "app", line)
    world.exit(pod.uid, "app", attempt)


def read(world: World, uid: Uid, container: str = "app", **options: Any) -> bytes:
    return b"".join(world.runtime.logs(uid, container, **options))


def test_the_log_of_a_removed_pod_is_read_as_before(world: World) -> None:
    pod = spec(world)
    world.runtime.ensure_sandbox(pod)
    ran(world, pod, "one", "two", "three")
    before = {at: read(world, pod.uid, timestamps=at) for at in (False, True)}
    world.runtime.remove_sandbox(pod.uid)
    assert {at: stamps(read(world, pod.uid, timestamps=at)) for at in (False, True)} == {
        at: stamps(text) for at, text in before.items()
    }
    assert read(world, pod.uid, tail=2) == b"two\nthree\n"
    assert read(world, pod.uid, tail=0) == b""
    assert read(world, pod.uid, follow=True) == b"one\ntwo\nthree\n"
    assert read(world, pod.uid, since=world.runtime.now()) == b""


def test_a_log_is_no_other_accounts_neither_while_its_pod_is_there_nor_after(world: World) -> None:
    pod = spec(world)
    world.runtime.ensure_sandbox(pod)
    ran(world, pod, "one")
    for _ in ("there", "gone"):
        with pytest.raises(KeyError):
            read(world, pod.uid, account="globex", attempt=0)
        with pytest.raises(KeyError):
            read(world, pod.uid, account="globex")
        assert read(world, pod.uid, account="acme") == b"one\n"
        world.runtime.remove_sandbox(pod.uid)


def stamps(text: bytes) -> bytes:
    """However many digits a runtime writes after the point."""
    return re.sub(rb"(\.\d{6})\d*Z ", rb"\1Z ", text)


def test_the_log_of_an_attempt_that_was_culled_is_kept(world: World) -> None:
    pod = spec(world)
    world.runtime.ensure_sandbox(pod)
    for attempt in range(3):
        ran(world, pod, f"attempt {attempt}", attempt=attempt)
    assert [read(world, pod.uid, attempt=attempt) for attempt in range(3)] == [
        b"attempt 0\n",
        b"attempt 1\n",
        b"attempt 2\n",
    ]
    assert read(world, pod.uid, previous=True) == b"attempt 1\n"
    world.runtime.remove_sandbox(pod.uid)
    assert read(world, pod.uid) == b"attempt 2\n"
    assert read(world, pod.uid, previous=True) == b"attempt 1\n"
    with pytest.raises(KeyError):
        read(world, pod.uid, attempt=3)


def test_what_is_kept_knows_whose_it_is_and_how_it_ended(world: World) -> None:
    pod = spec(world)
    world.runtime.ensure_sandbox(pod)
    ran(world, pod, "one", attempt=3)
    ended = app(world, pod.uid)
    world.runtime.remove_sandbox(pod.uid)
    (life,) = world.archive.waiting()
    assert (life.account, life.namespace, life.pod, life.uid) == ("acme", "shop", "web-1", pod.uid)
    assert (life.container, life.attempt, life.exit_code) == ("app", 3, 3)
    assert (life.started, life.finished) == (ended.started_at, ended.finished_at)
    assert world.archive.settle(life).lines == 1


def test_a_container_that_runs_is_stopped_before_its_log_is_kept(world: World) -> None:
    pod = spec(world, "app", "side")
    started(world, pod)
    world.print(pod.uid, "side", "still here")
    world.runtime.remove_sandbox(pod.uid)
    assert {life.container: life.exit_code for life in world.archive.waiting()} == {"app": 137, "side": 137}
    assert read(world, pod.uid, "side") == b"still here\n"


def test_a_container_that_never_ran_leaves_no_log(world: World) -> None:
    pod = spec(world)
    world.runtime.ensure_sandbox(pod)
    world.runtime.remove_sandbox(pod.uid)
    assert world.archive.waiting() == []
    with pytest.raises(KeyError):
        read(world, pod.uid)


def test_a_log_that_cannot_be_kept_is_told_once_and_holds_nothing_up(world: World) -> None:
    pod = spec(world)
    started(world, pod)
    world.archive.keep = refuse_to_keep(world.archive)  # type: ignore[method-assign]
    world.runtime.remove_sandbox(pod.uid)
    assert world.runtime.observe(pod.uid) is None
    assert world.runtime.losses(pod.uid) == [
        "The log of container app (attempt 0) could not be kept: No space left on device"
    ]
    assert world.runtime.losses(pod.uid) == []


def refuse_to_keep(archive: Archive) -> Callable[..., None]:
    keep = archive.keep

    def full(folder: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    return lambda life, take: keep(life, full)


# Commands inside


def test_a_command_runs_in_a_container(world: World) -> None:
    pod = spec(world)
    started(world, pod)
    assert world.runtime.exec(pod.uid, "app", ["true"], seconds=10).exit_code == 0


def test_there_is_no_command_in_a_container_that_does_not_run(world: World) -> None:
    pod = spec(world)
    world.runtime.ensure_sandbox(pod)
    with pytest.raises(RuntimeFault, match="does not run"):
        world.runtime.exec(pod.uid, "app", ["true"], seconds=10)


# What containers use


def used(world: World, uid: Uid) -> dict[str, ContainerUsage]:
    return {one.container: one for one in world.runtime.usage() if one.uid == uid}


def test_what_a_running_container_uses_is_measured(world: World) -> None:
    pod = spec(world, "app", "side")
    started(world, pod)
    before = used(world, pod.uid)
    world.work(pod.uid, "app")
    after = used(world, pod.uid)
    assert set(after) == {"app", "side"}
    assert after["app"].id == observed(world, pod.uid).containers["app"].id
    assert after["app"].cpu_nanoseconds - before["app"].cpu_nanoseconds >= 4_000_000
    assert 0 < after["app"].memory_bytes < 64 * 1024**2
    assert before["app"].at < after["app"].at


def test_what_has_ended_or_gone_is_not_measured(world: World) -> None:
    pod = spec(world, "app", "side")
    started(world, pod)
    world.exit(pod.uid, "app", 0)
    assert set(used(world, pod.uid)) == {"side"}
    world.runtime.remove_sandbox(pod.uid)
    assert used(world, pod.uid) == {}


def test_the_next_attempt_counts_from_nothing(world: World) -> None:
    pod = spec(world)
    started(world, pod)
    world.work(pod.uid, "app")
    first = used(world, pod.uid)["app"]
    world.exit(pod.uid, "app", 1)
    world.runtime.start_container(pod, "app", attempt=1)
    second = used(world, pod.uid)["app"]
    assert second.id != first.id
    assert second.cpu_nanoseconds < first.cpu_nanoseconds
