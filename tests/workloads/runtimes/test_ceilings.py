"""The pod specification is a ceiling over all containers of a pod, by the kernel's count; cards, by Docker's word."""

from __future__ import annotations

import time

import pytest

from tests.workloads.runtimes.worlds import DockerWorld, container, docker, spec
from workloads.meta.keys import Uid
from workloads.runtimes.base import RuntimeFault

pytestmark = pytest.mark.docker


def test_containers_that_use_more_memory_together_than_the_pod_has_lose_one_and_it_says_why(
    dockers: DockerWorld,
) -> None:
    mib = 1024**2
    eats = "head -c 40m /dev/zero > /dev/shm/x; sleep 2; exit 0"
    grows = "until [ -s /dev/shm/x ]; do :; done; x=$(head -c 90m /dev/zero | tr '\\0' a); sleep 1000"
    own = {"cpu_millis": 0, "memory_bytes": 0}
    both = (
        container(dockers.image, "app", "sh", "-c", grows, **own),
        container(dockers.image, "side", "sh", "-c", eats, **own),
    )
    pod = spec(dockers, containers=both, memory_bytes=80 * mib)
    dockers.runtime.ensure_sandbox(pod)
    for name in ("side", "app"):
        dockers.runtime.start_container(pod, name, attempt=0)
    docker("wait", dockers.id(pod.uid, "app"), dockers.id(pod.uid, "side"))

    status = dockers.runtime.observe(pod.uid)
    assert status is not None
    app, side = status.containers["app"], status.containers["side"]
    assert (app.exit_code, app.oom_killed) == (137, True)
    assert (side.exit_code, side.oom_killed) == (0, False)


def test_two_busy_containers_get_no_more_cpu_than_the_pod_has(dockers: DockerWorld) -> None:
    busy = [container(dockers.image, name, "sh", "-c", "while :; do :; done", cpu_millis=0) for name in ("app", "side")]
    pod = spec(dockers, containers=tuple(busy), cpu_millis=250)
    dockers.runtime.ensure_sandbox(pod)
    for name in ("app", "side"):
        dockers.runtime.start_container(pod, name, attempt=0)

    used, took = _cpu_used(dockers, pod.uid, seconds=1.0)
    assert 0 < used <= 0.25 * took + 0.05


def test_cards_are_refused_in_dockers_words_where_the_host_has_no_nvidia_toolkit(dockers: DockerWorld) -> None:
    if "nvidia" in docker("info", "--format", "{{json .Runtimes}}"):
        pytest.skip("this host has the toolkit")
    pod = spec(dockers, containers=(container(dockers.image, gpus=("0",)),))
    dockers.runtime.ensure_sandbox(pod)
    with pytest.raises(RuntimeFault, match="nvidia"):
        dockers.runtime.start_container(pod, "app", attempt=0)


def _cpu_used(world: DockerWorld, uid: Uid, *, seconds: float) -> tuple[float, float]:
    """CPU seconds of the whole pod, and the time it took: the kernel's own count."""
    cgroups = world.runtime._host.facts.cgroups
    place = cgroups.pod_place(uid, "cpuacct")

    def count() -> float:
        if cgroups.version == "2":
            return int((place / "cpu.stat").read_text().split()[1]) / 1e6
        return int((place / "cpuacct.usage").read_text()) / 1e9

    before, start = count(), time.monotonic()
    time.sleep(seconds)
    return count() - before, time.monotonic() - start
