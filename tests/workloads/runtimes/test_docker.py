"""What only a real daemon can show: names, limits, isolation, pulls, and a daemon that is not there."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests import images
from tests.stack import free_port
from tests.workloads.runtimes.worlds import DockerWorld, container, docker, spec
from workloads.meta import times
from workloads.meta.keys import Uid
from workloads.runtimes import names
from workloads.runtimes.base import ImageFault, PullProgress, Ran, RuntimeGone, SandboxSpec
from workloads.runtimes.daemon import Daemon
from workloads.runtimes.docker import Docker
from workloads.runtimes.groupusage import GroupUsage

pytestmark = pytest.mark.docker

_WHO_AM_I = "hostname; cat /etc/hostname; grep -c web-1 /etc/hosts; echo $HOSTNAME; sleep 1000"


def run(world: DockerWorld, *command: str, **changes: object) -> SandboxSpec:
    """A pod whose one container runs `sh -c command`, started."""
    pod = spec(world, containers=(container(world.image, "app", "sh", "-c", *command, **changes),))
    world.runtime.ensure_sandbox(pod)
    world.runtime.start_container(pod, "app", attempt=0)
    return pod


def said(world: DockerWorld, pod: SandboxSpec, *, lines: int = 1) -> list[str]:
    """The first lines of a container, waited for."""
    stream = world.runtime.logs(pod.uid, "app", follow=True)
    text = b""
    while text.count(b"\n") < lines:
        text += next(stream)
    stream.close()
    return text.decode().splitlines()


def inspected(name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = orjson.loads(docker("inspect", name))
    return found[0]


# Host names


@pytest.mark.parametrize("pool", [0, 1])
def test_a_container_knows_its_pods_name_from_its_first_instruction(dockers: DockerWorld, pool: int) -> None:
    dockers.runtime.warm(dockers.network, size=pool)
    pod = run(dockers, _WHO_AM_I)
    assert said(dockers, pod, lines=4) == ["web-1", "web-1", "1", "web-1"]


def test_a_restarted_container_in_a_warm_sandbox_keeps_the_name(dockers: DockerWorld) -> None:
    dockers.runtime.warm(dockers.network, size=1)
    pod = run(dockers, _WHO_AM_I)
    dockers.runtime.kill(pod.uid)
    dockers.runtime.start_container(pod, "app", attempt=1)
    assert said(dockers, pod, lines=4) == ["web-1", "web-1", "1", "web-1"]


def test_a_name_a_pod_gives_itself_in_the_environment_wins(dockers: DockerWorld) -> None:
    pod = run(dockers, "echo $HOSTNAME; sleep 1000", environment={"HOSTNAME": "mine"})
    assert said(dockers, pod) == ["mine"]


# The pool


def test_two_pods_at_once_take_two_sandboxes(dockers: DockerWorld) -> None:
    for _ in range(2):
        dockers.runtime.warm(dockers.network, size=2)
    pods = [spec(dockers, name=f"web-{number}") for number in range(3)]
    threads = [threading.Thread(target=dockers.runtime.ensure_sandbox, args=(pod,)) for pod in pods]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = dockers.runtime.sandboxes()
    assert {one.uid for one in found} == {pod.uid for pod in pods}
    assert len({one.ip for one in found}) == 3
    assert dockers.runtime.pools() == {}


def test_one_pod_asked_for_twice_at_once_takes_one_sandbox(dockers: DockerWorld) -> None:
    for _ in range(2):
        dockers.runtime.warm(dockers.network, size=2)
    pod = spec(dockers)
    other_process = Docker(instance=dockers.runtime.instance)
    threads = [
        threading.Thread(target=runtime.ensure_sandbox, args=(pod,)) for runtime in (dockers.runtime, other_process)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(dockers.runtime.sandboxes()) == 1
    assert dockers.runtime.pools() == {dockers.network.name: 1}


def test_a_dead_warm_sandbox_is_replaced(dockers: DockerWorld) -> None:
    dockers.runtime.warm(dockers.network, size=1)
    docker("kill", *docker("ps", "-q", "--filter", f"label={names.WARM}={dockers.network.name}").split())
    sizes = [dockers.runtime.warm(dockers.network, size=1) for _ in range(2)]
    assert sizes == [0, 1]


# Made ahead: a container that waits for its sandbox


FIRST = ("app", 0)


def joined(world: DockerWorld, pod: SandboxSpec) -> str:
    """The id of the sandbox that the pod's container sits in."""
    mode: str = inspected(names.container_name(pod.uid, *FIRST))["HostConfig"]["NetworkMode"]
    return mode.removeprefix("container:")


def sandbox_id(pod: SandboxSpec) -> str:
    return str(inspected(names.sandbox_name(pod.uid, pod.name))["Id"])


@pytest.mark.parametrize("pool", [0, 1])
def test_the_first_container_is_made_while_the_sandbox_is_taken(dockers: DockerWorld, pool: int) -> None:
    dockers.runtime.warm(dockers.network, size=pool)
    pod = spec(dockers, containers=(container(dockers.image, "app", "sh", "-c", _WHO_AM_I),))
    dockers.runtime.ensure_sandbox(pod, first=FIRST)
    status = dockers.runtime.start_container(pod, "app", attempt=0)
    assert status.state == "running"
    assert joined(dockers, pod) == sandbox_id(pod)
    assert said(dockers, pod, lines=4) == ["web-1", "web-1", "1", "web-1"]


def test_who_loses_the_warm_sandbox_takes_its_container_along(
    dockers: DockerWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        dockers.runtime.warm(dockers.network, size=2)
    rename, lost = dockers.runtime._daemon.rename, list[str]()

    def lose_the_first(warm: str, name: str) -> None:
        if not lost:
            lost.append(warm)
            rename(warm, names.sandbox_name(Uid("somebody-else"), "first"))
        rename(warm, name)

    monkeypatch.setattr(dockers.runtime._daemon, "rename", lose_the_first)
    pod = spec(dockers)
    dockers.runtime.ensure_sandbox(pod, first=FIRST)
    assert dockers.runtime.start_container(pod, "app", attempt=0).state == "running"
    assert lost
    assert joined(dockers, pod) == sandbox_id(pod)
    assert len(dockers.runtime._list(pod.uid)) == 2


def test_what_a_dead_worker_made_for_another_sandbox_is_never_started_there(dockers: DockerWorld) -> None:
    dockers.runtime.warm(dockers.network, size=1)
    pod, other = spec(dockers), spec(dockers, name="other")
    (warm,) = dockers.runtime._pool.to_give(pod)
    dead = Docker(instance=dockers.runtime.instance)
    dead._daemon.create(names.container_name(pod.uid, *FIRST), dead._containers.body(pod, *FIRST, sandbox=warm["Id"]))
    dockers.runtime.ensure_sandbox(other)
    dockers.runtime.ensure_sandbox(pod, first=FIRST)
    assert dockers.runtime.start_container(pod, "app", attempt=0).state == "running"
    assert sandbox_id(other) == warm["Id"]
    assert joined(dockers, pod) == sandbox_id(pod)


def test_what_was_made_otherwise_than_it_shall_be_is_made_anew(dockers: DockerWorld) -> None:
    dockers.runtime.warm(dockers.network, size=1)
    pod = spec(dockers)
    dockers.runtime.ensure_sandbox(pod, first=FIRST)
    changed = replace(pod, containers=(replace(pod.containers[0], environment={"POD_IP": "10.0.0.1"}),))
    status = dockers.runtime.start_container(changed, "app", attempt=0)
    assert "POD_IP=10.0.0.1" in inspected(status.id)["Config"]["Env"]


def test_a_worker_that_died_before_the_start_leaves_a_container_that_is_started(dockers: DockerWorld) -> None:
    dockers.runtime.warm(dockers.network, size=1)
    pod = spec(dockers)
    dockers.runtime.ensure_sandbox(pod, first=FIRST)
    next_worker = Docker(instance=dockers.runtime.instance)
    assert next_worker.ensure_sandbox(pod, first=FIRST).running
    assert next_worker.start_container(pod, "app", attempt=0).state == "running"
    assert len(dockers.runtime._list(pod.uid)) == 2


def test_a_name_taken_by_a_create_under_way_is_waited_for(
    dockers: DockerWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    pod = spec(dockers)
    dockers.runtime.ensure_sandbox(pod, first=FIRST)
    next_worker = Docker(instance=dockers.runtime.instance)
    assert next_worker.ensure_sandbox(pod).running
    unseen = [names.container_name(pod.uid, "app", 0)]
    see = next_worker._daemon.found
    monkeypatch.setattr(next_worker._daemon, "found", lambda name: unseen.remove(name) if name in unseen else see(name))
    assert next_worker.start_container(pod, "app", attempt=0).state == "running"
    assert unseen == []


def test_an_image_that_went_behind_our_back_is_missed_once(dockers: DockerWorld) -> None:
    docker("tag", dockers.image, "cci-test/gone:1")
    pod = spec(dockers, containers=(container("cci-test/gone:1"),))
    assert dockers.runtime.has_image("cci-test/gone:1")
    docker("rmi", "cci-test/gone:1")
    dockers.runtime.ensure_sandbox(pod, first=FIRST)
    with pytest.raises(ImageFault):
        dockers.runtime.start_container(pod, "app", attempt=0)
    assert not dockers.runtime.has_image("cci-test/gone:1")


# Confinement


def test_containers_are_confined_and_limited(dockers: DockerWorld) -> None:
    pod = run(dockers, "sleep 1000")
    host = inspected(dockers.id(pod.uid, "app"))["HostConfig"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["CapDrop"] == ["NET_RAW"]
    assert (host["PidsLimit"], host["Privileged"]) == (1024, False)
    assert (host["Memory"], host["MemorySwap"]) == (64 * 1024**2, 64 * 1024**2)
    assert host["CpuQuota"] / host["CpuPeriod"] == 0.25


def test_the_pod_specification_is_a_ceiling_over_all_containers_and_goes_with_the_pod(dockers: DockerWorld) -> None:
    cgroups = dockers.runtime._host.facts.cgroups
    pod = run(dockers, "sleep 1000")
    place = cgroups.pod_place(pod.uid, "memory")
    limit = "memory.max" if cgroups.version == "2" else "memory.limit_in_bytes"
    assert int((place / limit).read_text()) == 256 * 1024**2
    dockers.runtime.remove_sandbox(pod.uid)
    until = time.monotonic() + 5  # systemd takes a moment
    while (left := list(cgroups.root.glob(f"**/{place.name}"))) and time.monotonic() < until:
        time.sleep(0.02)
    assert left == []


def test_the_containers_of_a_pod_share_one_network_namespace(dockers: DockerWorld) -> None:
    serve = container(dockers.image, "side", "sh", "-c", "while :; do echo hello | nc -l -p 8080; done")
    ask = container(
        dockers.image, "app", "sh", "-c", "until nc 127.0.0.1 8080 </dev/null; do sleep 0.1; done; sleep 1000"
    )
    pod = spec(dockers, containers=(serve, ask))
    dockers.runtime.ensure_sandbox(pod)
    for name in ("side", "app"):
        dockers.runtime.start_container(pod, name, attempt=0)
    assert said(dockers, pod) == ["hello"]


def test_namespaces_cannot_reach_each_other(dockers: DockerWorld) -> None:
    there = run(dockers, "while :; do echo hello | nc -l -p 8080; done")
    status = dockers.runtime.observe(there.uid)
    assert status is not None
    near = run(dockers, f"nc -w 2 {status.ip} 8080 </dev/null; echo tried; sleep 1000")
    assert said(dockers, near)[0] == "hello"
    dockers.network = dockers.runtime.ensure_network(replace(dockers.network, name=dockers.network.name + "-far"))
    far = run(dockers, f"nc -w 2 {status.ip} 8080 </dev/null 2>/dev/null; echo tried; sleep 1000")
    assert said(dockers, far)[-1] == "tried"
    assert b"hello" not in b"".join(dockers.runtime.logs(far.uid, "app"))


def test_another_install_on_the_same_daemon_sees_nothing(dockers: DockerWorld) -> None:
    pod = run(dockers, "sleep 1000")
    other = Docker(instance="another")
    assert other.observe(pod.uid) is None
    assert other.sandboxes() == []
    assert other.pools() == {}


# Starting and stopping


def test_a_command_that_does_not_exist_is_the_containers_end_in_dockers_words(dockers: DockerWorld) -> None:
    pod = spec(dockers, containers=(container(dockers.image, "app", "/no/such/program"),))
    dockers.runtime.ensure_sandbox(pod)
    for _ in range(2):
        status = dockers.runtime.start_container(pod, "app", attempt=0)
        assert (status.state, status.exit_code, status.started_at) == ("exited", 127, None)
        assert "/no/such/program" in status.error
        assert status.finished_at is not None


def test_an_attempt_that_was_created_and_not_started_is_started(dockers: DockerWorld) -> None:
    pod = spec(dockers)
    dockers.runtime.ensure_sandbox(pod)
    sandbox = names.sandbox_name(pod.uid, pod.name)
    labels = [f"{names.INSTANCE}={dockers.runtime.instance}", f"{names.POD_UID}={pod.uid}"]
    labels += [f"{names.ACCOUNT}=acme", f"{names.NAMESPACE}=shop", f"{names.POD}=web-1"]
    labels += [f"{names.CONTAINER}=app", f"{names.ATTEMPT}=0"]
    options = [word for label in labels for word in ("--label", label)]
    name = names.container_name(pod.uid, "app", 0)
    docker("create", "--name", name, "--network", f"container:{sandbox}", *options, dockers.image, "sleep", "1000")
    assert dockers.runtime.start_container(pod, "app", attempt=0).state == "running"


def test_a_container_is_asked_to_stop_before_it_is_killed(dockers: DockerWorld) -> None:
    pod = spec(dockers)
    dockers.runtime.ensure_sandbox(pod)
    dockers.runtime.start_container(pod, "app", attempt=0)
    dockers.print(pod.uid, "app", "up")
    said(dockers, pod)
    dockers.runtime.terminate(pod.uid)
    docker("wait", dockers.id(pod.uid, "app"))
    status = dockers.runtime.observe(pod.uid)
    assert status is not None
    assert status.containers["app"].exit_code == 143


def test_a_container_beyond_its_memory_is_killed_and_says_so(dockers: DockerWorld) -> None:
    pod = run(dockers, "tail /dev/zero")
    docker("wait", dockers.id(pod.uid, "app"))
    status = dockers.runtime.observe(pod.uid)
    assert status is not None
    assert (status.containers["app"].exit_code, status.containers["app"].oom_killed) in {(137, True), (1, True)}


def test_the_pause_container_stops_when_asked(dockers: DockerWorld) -> None:
    pod = spec(dockers)
    dockers.runtime.ensure_sandbox(pod)
    sandbox = names.sandbox_name(pod.uid, pod.name)
    docker("kill", "--signal", "TERM", sandbox)
    assert docker("wait", sandbox) == "0"


# Processes that containers share


def shells(dockers: DockerWorld, pod: SandboxSpec) -> int:
    """The containers' own processes, as one of them sees it; each has, for a moment, a child that looks like itself."""
    seen = "grep -l '[t]rap .exit 143' /proc/[0-9]*/cmdline | wc -l"
    return min(int(dockers.run(pod.uid, seen)) for _ in range(5))


def test_containers_that_share_their_processes_see_each_other_and_leave_no_dead_ones(dockers: DockerWorld) -> None:
    dockers.runtime.warm(dockers.network, size=1)
    pod = spec(dockers, "app", "side", shared_processes=True)
    dockers.runtime.ensure_sandbox(pod, first=FIRST)
    for name in ("app", "side"):
        dockers.runtime.start_container(pod, name, attempt=0)
    assert dockers.run(pod.uid, "cat /proc/1/cmdline").rstrip("\0") == "/pause"
    assert shells(dockers, pod) == 2
    dockers.run(pod.uid, "(sh -c 'sleep 0.1' &) ; sleep 0.5")
    assert dockers.run(pod.uid, "grep -h State /proc/[0-9]*/status | grep -c Z || true") == "0"
    dockers.runtime.kill(pod.uid, container="side")
    assert shells(dockers, pod) == 1


# Pulls


@pytest.fixture
def registry() -> Iterator[str]:
    with images.local_registry(free_port()) as address:
        yield address


def test_an_image_is_pulled_with_its_progress_and_its_times(dockers: DockerWorld, registry: str) -> None:
    image = f"{registry}/team/app:1"
    images.push(dockers.image, to=image)
    assert dockers.runtime.image_id(image) is None
    seen: list[PullProgress] = []
    outcome = dockers.runtime.pull(image, progress=seen.append)
    docker("rmi", image)
    assert outcome.image_id == dockers.runtime.image_id(dockers.image)
    assert outcome.size_bytes > 100_000
    assert outcome.started_at < outcome.finished_at
    assert all(one.current_bytes <= one.total_bytes for one in seen)


def test_a_missing_image_fails_in_the_registrys_words(dockers: DockerWorld, registry: str) -> None:
    with pytest.raises(ImageFault, match="manifest unknown"):
        dockers.runtime.pull(f"{registry}/team/nothing:1", progress=lambda _: None)


def test_a_registry_that_is_not_there_fails_in_dockers_words(dockers: DockerWorld) -> None:
    with pytest.raises(ImageFault, match="connection refused"):
        dockers.runtime.pull(f"127.0.0.1:{free_port()}/team/app:1", progress=lambda _: None)


def test_a_name_that_is_none_is_an_image_fault(dockers: DockerWorld) -> None:
    with pytest.raises(ImageFault, match=re.compile("invalid reference", re.IGNORECASE)):
        dockers.runtime.pull("Not A Name", progress=lambda _: None)


# A daemon that is not there


@pytest.mark.parametrize(
    "act",
    [
        lambda runtime: runtime.now(),
        lambda runtime: runtime.capacity(),
        lambda runtime: runtime.image_id("busybox"),
        lambda runtime: runtime.images(),
        lambda runtime: runtime.pull("busybox", progress=print),
        lambda runtime: runtime.pools(),
        lambda runtime: runtime.observe(Uid("u")),
        lambda runtime: runtime.terminate(Uid("u")),
        lambda runtime: runtime.remove_sandbox(Uid("u")),
        lambda runtime: runtime.sandboxes(),
        lambda runtime: runtime.events(),
        lambda runtime: runtime.logs(Uid("u"), "app"),
    ],
)
def test_a_daemon_that_does_not_answer_is_said_at_once(act: Callable[[Docker], object]) -> None:
    with pytest.raises(RuntimeGone, match="the Docker daemon does not answer"):
        act(Docker(instance="x", base_url="unix:///run/no-such-docker.sock"))


# A worker that cannot reach the host's processes (in a container of its own, or on another host)


def test_where_names_are_out_of_reach_no_warm_sandbox_is_made_or_taken(
    dockers: DockerWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    dockers.runtime.warm(dockers.network, size=1)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    elsewhere = Docker(instance=dockers.runtime.instance)
    pod = spec(dockers)
    elsewhere.ensure_sandbox(pod)
    assert dockers.runtime.pools() == {dockers.network.name: 1}
    sizes = [elsewhere.warm(dockers.network, size=2) for _ in range(2)]
    assert sizes == [0, 0]
    status = elsewhere.start_container(pod, "app", attempt=0)
    assert inspected(status.id)["Config"]["Hostname"] == "web-1"


# Commands inside


def test_a_command_inside_says_its_code_and_what_it_wrote(dockers: DockerWorld) -> None:
    pod = run(dockers, "sleep 1000")
    ran = dockers.runtime.exec(pod.uid, "app", ["sh", "-c", "echo out; echo err >&2; exit 3"], seconds=10)
    assert ran.exit_code == 3
    assert sorted(ran.output.split()) == [b"err", b"out"]


def test_a_command_that_takes_too_long_is_killed(dockers: DockerWorld) -> None:
    pod = run(dockers, "sleep 1000")
    ran = dockers.runtime.exec(pod.uid, "app", ["sh", "-c", "echo begun; exec sleep 777"], seconds=0.5)
    assert ran == Ran(exit_code=None, output=b"begun\n")
    alive = dockers.runtime.exec(pod.uid, "app", ["sh", "-c", "ps | grep -c '[s]leep 777'"], seconds=10)
    assert alive.output.strip() == b"0"


def test_a_command_that_does_not_exist_says_so(dockers: DockerWorld) -> None:
    pod = run(dockers, "sleep 1000")
    ran = dockers.runtime.exec(pod.uid, "app", ["nothing-like-it"], seconds=10)
    assert ran.exit_code in (126, 127)
    assert b"nothing-like-it" in ran.output


# Logs


def test_a_log_that_docker_rotated_is_read_alike_before_and_after_its_container_is_removed(
    dockers: DockerWorld,
) -> None:
    pod = run(dockers, 'seq 1 12000 | sed "s/$/ $(head -c 1000 /dev/zero | tr "\\0" x)/"')
    docker("wait", dockers.id(pod.uid, "app"))
    whole, stamped = (b"".join(dockers.runtime.logs(pod.uid, "app", timestamps=at)) for at in (False, True))
    files = list(Path(inspected(dockers.id(pod.uid, "app"))["LogPath"]).parent.glob("*-json.log*"))
    middle = times.parse(stamped.splitlines()[3_000].split()[0].decode())
    recent = b"".join(dockers.runtime.logs(pod.uid, "app", since=middle))

    dockers.runtime.remove_sandbox(pod.uid)

    assert len(files) >= 2
    assert len(whole.splitlines()) == 12_000
    assert b"".join(dockers.runtime.logs(pod.uid, "app")) == whole
    assert b"".join(dockers.runtime.logs(pod.uid, "app", timestamps=True)) == stamped
    assert b"".join(dockers.runtime.logs(pod.uid, "app", since=middle)) == recent
    assert b"".join(dockers.runtime.logs(pod.uid, "app", tail=10_000)) == b"".join(
        whole.splitlines(keepends=True)[-10_000:]
    )


def test_a_log_file_that_cannot_be_read_is_told_and_the_pod_goes(dockers: DockerWorld) -> None:
    pod = run(dockers, "echo one; sleep 1000")
    assert said(dockers, pod) == ["one"]
    place = Path(inspected(dockers.id(pod.uid, "app"))["LogPath"])
    dockers.runtime.kill(pod.uid)
    place.unlink()
    place.mkdir()

    dockers.runtime.remove_sandbox(pod.uid)

    assert dockers.runtime.observe(pod.uid) is None
    (told,) = dockers.runtime.losses(pod.uid)
    assert told.startswith("The log of container app (attempt 0) could not be kept: ")


def test_a_log_is_asked_of_a_daemon_whose_files_are_out_of_reach(
    dockers: DockerWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    pod = run(dockers, "echo one; echo two >&2; sleep 1000")
    assert sorted(said(dockers, pod, lines=2)) == ["one", "two"]  # Docker reads the two streams side by side
    before = b"".join(dockers.runtime.logs(pod.uid, "app", timestamps=True))
    monkeypatch.setattr(Daemon, "is_local", False)

    dockers.runtime.remove_sandbox(pod.uid)

    assert b"".join(dockers.runtime.logs(pod.uid, "app", timestamps=True)) == before


def test_where_control_groups_are_out_of_sight_docker_is_asked_for_usage(
    dockers: DockerWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    pod = spec(dockers)
    dockers.runtime.ensure_sandbox(pod)
    dockers.runtime.start_container(pod, "app", attempt=0)
    (seen,) = dockers.runtime.usage()
    monkeypatch.setattr(GroupUsage, "sees_groups", lambda self: False)
    (told,) = dockers.runtime.usage()
    assert (told.uid, told.container, told.id) == (seen.uid, seen.container, seen.id)
    assert told.cpu_nanoseconds >= seen.cpu_nanoseconds > 0
    assert 0 < told.memory_bytes < 64 * 1024**2
    (asked,) = dockers.runtime.traffic()
    monkeypatch.undo()
    (read,) = dockers.runtime.traffic()
    assert asked.uid == read.uid == pod.uid
    assert 0 < asked.received_bytes <= read.received_bytes < asked.received_bytes + 4096


# Images that may go


@pytest.mark.parametrize(("store", "pulled"), [("overlay", True), ("io.containerd.snapshotter.v1", False)])
def test_where_builds_have_digests_no_image_counts_as_pulled(
    dockers: DockerWorld, monkeypatch: pytest.MonkeyPatch, store: str, pulled: bool
) -> None:
    daemon = dockers.runtime._daemon
    info = {**daemon.info(), "DriverStatus": [["driver-type", store]]}
    image = {"Id": "sha256:a", "RepoTags": ["mine:1"], "RepoDigests": ["mine@sha256:b"], "Size": 1}
    runtime = Docker(instance="test-nobody", volumes=dockers.runtime._volumes.root)
    monkeypatch.setattr(runtime._daemon, "info", lambda: info)
    monkeypatch.setattr(runtime._daemon, "images", lambda: [image])
    assert [one.in_registry for one in runtime.stored_images()] == [pulled]
