"""Usage is a rate over a window, from the second sample on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.workloads.node.cluster import Clock
from workloads.meta.keys import Uid
from workloads.node.usage import SAMPLE_SECONDS, Sampler
from workloads.runtimes.base import ContainerSpec, NetworkSpec, RuntimeGone, SandboxSpec
from workloads.runtimes.simulated import Simulated

MIB = 1024**2


@pytest.fixture
def pod(runtime: Simulated) -> SandboxSpec:
    containers = [ContainerSpec(name, "busybox:1", None, None, {}) for name in ("app", "side")]
    pod = SandboxSpec(
        uid=Uid("one"),
        account="acme",
        namespace="shop",
        name="web-1",
        network=runtime.ensure_network(NetworkSpec(name="n", cidr="10.248.0.0/24")),
        hostname="web-1",
        containers=tuple(containers),
        cpu_millis=250,
        memory_bytes=1024**3,
    )
    runtime.ensure_sandbox(pod)
    for one in containers:
        runtime.start_container(pod, one.name, attempt=0)
    return pod


def sample(sampler: Sampler, clock: Clock, times: int = 1, *, seconds: float = SAMPLE_SECONDS) -> None:
    for _ in range(times):
        clock.now += timedelta(seconds=seconds)
        sampler.sample()


def test_a_container_is_told_of_from_its_second_sample_on(runtime: Simulated, pod: SandboxSpec, clock: Clock) -> None:
    sampler = Sampler(runtime)
    runtime.load(pod.uid, "app", cpu_millis=250, memory_bytes=7 * MIB)
    sample(sampler, clock)
    assert sampler.figures() == []
    sample(sampler, clock)
    figures = {one.container: one for one in sampler.figures()}
    assert figures["app"].cpu_nanocores == 250_000_000
    assert figures["app"].memory_bytes == 7 * MIB
    assert figures["app"].window == timedelta(seconds=SAMPLE_SECONDS)
    assert figures["side"].cpu_nanocores == 0


def test_the_rate_is_over_fifteen_seconds(runtime: Simulated, pod: SandboxSpec, clock: Clock) -> None:
    sampler = Sampler(runtime)
    sample(sampler, clock, 10)
    runtime.load(pod.uid, "app", cpu_millis=300)
    sample(sampler, clock)
    figure = next(one for one in sampler.figures() if one.container == "app")
    assert (figure.cpu_nanocores, figure.window) == (100_000_000, timedelta(seconds=15))


def test_a_new_attempt_begins_anew(runtime: Simulated, pod: SandboxSpec, clock: Clock) -> None:
    sampler = Sampler(runtime)
    sample(sampler, clock, 3)
    runtime.exit(pod.uid, "app", 1)
    runtime.start_container(pod, "app", attempt=1)
    sample(sampler, clock)
    assert [one.container for one in sampler.figures()] == ["side"]


def test_what_is_old_is_measured_again_when_asked_for(runtime: Simulated, pod: SandboxSpec, clock: Clock) -> None:
    sampler = Sampler(runtime)
    sample(sampler, clock, 2)
    clock.now += timedelta(seconds=60)
    assert {one.at for one in sampler.figures([pod.uid])} == {clock.now}
    assert sampler.figures(["other"]) == []


def test_a_clock_that_goes_back_makes_no_negative_rate(runtime: Simulated, pod: SandboxSpec, clock: Clock) -> None:
    sampler = Sampler(runtime)
    sample(sampler, clock, 2)
    sample(sampler, clock, seconds=-3600)
    assert sampler.figures() == []


def test_an_hour_is_kept_in_steps_of_half_a_minute(runtime: Simulated, pod: SandboxSpec, clock: Clock) -> None:
    sampler = Sampler(runtime)
    sample(sampler, clock, 900)
    history = sampler.history([pod.uid], "hour").gauges["cpu"]
    assert len(history) == 120
    assert history[-1].at - history[0].at == timedelta(seconds=119 * 30)


def test_a_pod_is_the_sum_of_its_containers(runtime: Simulated, pod: SandboxSpec, clock: Clock) -> None:
    sampler = Sampler(runtime)
    for name in ("app", "side"):
        runtime.load(pod.uid, name, cpu_millis=100, memory_bytes=7 * MIB)
    sample(sampler, clock, 12)
    found = sampler.history([pod.uid, "nobody"], "day")
    assert found.uids == [pod.uid]
    now = found.gauges["cpu"][-1]
    assert (round(now.least / 1e6), round(now.average / 1e6), round(now.most / 1e6)) == (200, 200, 200)
    assert found.gauges["memory"][-1].most == 14 * MIB


def test_what_goes_through_a_pods_network_is_a_rate(runtime: Simulated, pod: SandboxSpec, clock: Clock) -> None:
    sampler = Sampler(runtime)
    for _ in range(12):
        runtime.carry(pod.uid, received=5 * 2048, sent=5 * 512)
        sample(sampler, clock)
    gauges = sampler.history([pod.uid], "hour").gauges
    assert (gauges["received"][-1].average, gauges["sent"][-1].average) == (2048, 512)


def test_a_pod_that_is_gone_is_remembered(runtime: Simulated, pod: SandboxSpec, clock: Clock) -> None:
    sampler = Sampler(runtime)
    sample(sampler, clock, 6)
    runtime.remove_sandbox(pod.uid)
    sample(sampler, clock, 6)
    assert sampler.history([pod.uid], "day").gauges["cpu"]


def test_a_runtime_that_is_away_is_said(runtime: Simulated, clock: Clock) -> None:
    sampler = Sampler(runtime)
    runtime.stop_daemon()
    with pytest.raises(RuntimeGone):
        sampler.figures()
