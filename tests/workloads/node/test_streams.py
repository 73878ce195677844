"""The stream server keeps the contract of `workloads.node`, over a real Unix socket."""

from __future__ import annotations

import shutil
import tempfile
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.workloads.node.cluster import Clock
from workloads.meta.keys import Uid
from workloads.node import server
from workloads.node.streams import Application
from workloads.runtimes.base import ContainerSpec, LogStream, NetworkSpec, SandboxSpec
from workloads.runtimes.simulated import Simulated

TOKEN = "token-of-the-agent"


@pytest.fixture
def place() -> Iterator[Path]:
    """Short enough for a socket's address."""
    folder = Path(tempfile.mkdtemp(prefix="cci-"))
    yield folder / "run" / "agent.sock"
    shutil.rmtree(folder)


@pytest.fixture
def agent(runtime: Simulated, place: Path) -> Iterator[httpx.Client]:
    with serving_at(place, runtime, most_streams=2) as client:
        yield client


@contextmanager
def serving_at(place: Path, runtime: Simulated, **limits: int) -> Iterator[httpx.Client]:
    stop = threading.Event()
    application = Application(runtime, token=TOKEN, **limits)
    serving = threading.Thread(target=server.serve, args=(application, place, stop), daemon=True)
    serving.start()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    transport = httpx.HTTPTransport(uds=str(place), retries=20)
    with httpx.Client(
        transport=transport, base_url="http://agent", headers=headers, timeout=10, params={"account": "acme"}
    ) as client:
        yield client
    stop.set()
    serving.join(10)
    assert not serving.is_alive()


@pytest.fixture
def pod(runtime: Simulated) -> SandboxSpec:
    network = runtime.ensure_network(NetworkSpec(name="n", cidr="10.248.0.0/24"))
    pod = SandboxSpec(
        uid=Uid(str(uuid.uuid4())),
        account="acme",
        namespace="shop",
        name="web-1",
        network=network,
        hostname="web-1",
        containers=(ContainerSpec(name="app", image="busybox:1", command=None, args=None, environment={}),),
        cpu_millis=250,
        memory_bytes=1024**3,
    )
    runtime.ensure_sandbox(pod)
    runtime.start_container(pod, "app", attempt=0)
    return pod


def log(pod: SandboxSpec, container: str = "app") -> str:
    return f"/v1/pods/{pod.uid}/containers/{container}/log"


def test_health_needs_no_token(agent: httpx.Client) -> None:
    assert agent.get("/healthz", headers={"Authorization": ""}).json() == {"status": "ok"}


@pytest.mark.parametrize("given", ["", "Bearer wrong", f"Basic {TOKEN}"])
def test_without_the_token_nothing_is_told(agent: httpx.Client, given: str) -> None:
    answer = agent.get("/v1/capacity", headers={"Authorization": given})
    assert (answer.status_code, answer.json()["reason"]) == (401, "Unauthorized")


def test_capacity_and_images_are_told(agent: httpx.Client) -> None:
    assert agent.get("/v1/capacity").json() == {"cpuMillis": 8000, "memoryBytes": 32 * 1024**3}
    (image,) = agent.get("/v1/images").json()["items"]
    assert (image["name"], image["sizeBytes"]) == ("busybox:1", 4_000_000)


def test_usage_is_told_once_it_is_measured(
    agent: httpx.Client, runtime: Simulated, pod: SandboxSpec, clock: Clock
) -> None:
    runtime.load(pod.uid, "app", cpu_millis=250, memory_bytes=4096)
    assert agent.get("/v1/usage").json() == {"items": []}
    clock.now += timedelta(seconds=15)
    (item,) = agent.get("/v1/usage", params={"uid": pod.uid}).json()["items"]
    assert (item["uid"], item["container"], item["windowSeconds"]) == (pod.uid, "app", 15.0)
    assert (item["cpuNanocores"], item["memoryBytes"]) == (250_000_000, 4096)
    assert agent.get("/v1/usage", params={"uid": "other"}).json() == {"items": []}
    told = agent.get("/v1/usage/history", params={"uid": pod.uid, "grain": "day"}).json()
    assert (told["uids"], told["stepSeconds"], told["memory"][0][1:]) == ([pod.uid], 300.0, [4096.0] * 3)
    assert agent.get("/v1/usage/history", params={"grain": "year"}).status_code == 400


def test_a_log_is_read_to_its_end(agent: httpx.Client, runtime: Simulated, pod: SandboxSpec) -> None:
    for line in (b"one", b"two", b"three"):
        runtime.print(pod.uid, "app", line)
    answer = agent.get(log(pod), params={"tail": 2})
    assert answer.text == "two\nthree\n"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


def test_lines_may_carry_times_and_begin_at_one(
    agent: httpx.Client, runtime: Simulated, pod: SandboxSpec, clock: Clock
) -> None:
    runtime.print(pod.uid, "app", b"one")
    clock.now = clock.now.replace(minute=30)
    runtime.print(pod.uid, "app", b"two")
    answer = agent.get(log(pod), params={"since": "2026-03-01T12:10:00Z", "timestamps": "true"})
    assert answer.text == "2026-03-01T12:30:00.000000Z two\n"


def test_a_follower_gets_lines_as_they_come_until_the_container_ends(
    agent: httpx.Client, runtime: Simulated, pod: SandboxSpec
) -> None:
    with agent.stream("GET", log(pod), params={"follow": "true"}) as answer:
        lines = answer.iter_lines()
        for line in ("one", "two"):
            runtime.print(pod.uid, "app", line.encode())
            assert next(lines) == line
        runtime.exit(pod.uid, "app", 0)
        assert list(lines) == []


def test_the_log_of_a_pod_that_is_gone_is_read_by_attempt_and_followed_to_its_end(
    agent: httpx.Client, runtime: Simulated, pod: SandboxSpec
) -> None:
    for attempt in range(2):
        runtime.start_container(pod, "app", attempt=attempt)
        runtime.print(pod.uid, "app", f"attempt {attempt}".encode())
        runtime.exit(pod.uid, "app", 1)
    runtime.remove_sandbox(pod.uid)
    for query, text in (
        ({"follow": "true"}, "attempt 1\n"),
        ({"attempt": "0"}, "attempt 0\n"),
        ({"previous": "true"}, "attempt 0\n"),
    ):
        assert agent.get(log(pod), params=query).text == text
    assert agent.get(log(pod), params={"attempt": "2"}).status_code == 404


@pytest.mark.parametrize(("account", "code"), [("acme", 200), ("globex", 404), ("", 400)])
@pytest.mark.parametrize("state", ["runs", "taken", "settled"])
def test_a_log_is_told_to_its_own_account_alone(
    agent: httpx.Client, runtime: Simulated, pod: SandboxSpec, state: str, account: str, code: int
) -> None:
    runtime.print(pod.uid, "app", b"secret")
    if state != "runs":
        runtime.exit(pod.uid, "app", 0)
        runtime.remove_sandbox(pod.uid)
    if state == "settled":
        assert agent.get(log(pod)).text == "secret\n"
    answer = agent.get(log(pod), params={"account": account})
    assert (answer.status_code, "secret" in answer.text) == (code, code == 200)


def test_followers_that_leave_make_room_for_others(agent: httpx.Client, runtime: Simulated, pod: SandboxSpec) -> None:
    for _ in range(5):
        with agent.stream("GET", log(pod), params={"follow": "true"}) as answer:
            while answer.status_code == 503:
                # the one before is being let go
                answer = agent.get(log(pod))
            assert answer.status_code == 200


def test_more_followers_than_there_is_room_for_are_told_to_come_back(agent: httpx.Client, pod: SandboxSpec) -> None:
    query = {"follow": "true"}
    with agent.stream("GET", log(pod), params=query), agent.stream("GET", log(pod), params=query):
        answer = agent.get(log(pod))
    assert (answer.status_code, answer.json()["reason"]) == (503, "ServiceUnavailable")


def test_no_account_takes_every_place(runtime: Simulated, place: Path, pod: SandboxSpec) -> None:
    with (
        serving_at(place, runtime, most_streams=3, most_of_account=1) as agent,
        agent.stream("GET", log(pod), params={"follow": "true"}) as followed,
    ):
        assert (followed.status_code, agent.get(log(pod)).status_code) == (200, 503)
        assert agent.get(log(pod), params={"account": "globex"}).status_code == 404


def test_logs_that_take_long_to_open_hold_up_no_short_call(
    runtime: Simulated, place: Path, pod: SandboxSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening, ready, logs = threading.Semaphore(0), threading.Event(), runtime.logs

    def slow(*args: Any, **options: Any) -> LogStream:
        opening.release()
        ready.wait(10)
        return logs(*args, **options)

    monkeypatch.setattr(runtime, "logs", slow)
    with serving_at(place, runtime, most_streams=10) as agent, ThreadPoolExecutor(8) as readers:
        answers = [readers.submit(agent.get, log(pod)) for _ in range(8)]
        assert all(opening.acquire(timeout=5) for _ in range(4))
        try:
            assert agent.get("/v1/capacity", timeout=2).status_code == 200
        finally:
            ready.set()
        assert {answer.result().status_code for answer in answers} == {200}


@pytest.mark.parametrize("container", ["side", "app%2Fx"])
def test_a_container_that_is_not_there_is_not_found(agent: httpx.Client, pod: SandboxSpec, container: str) -> None:
    assert agent.get(log(pod, container)).status_code == 404


def test_an_attempt_before_the_first_is_not_found(agent: httpx.Client, pod: SandboxSpec) -> None:
    answer = agent.get(log(pod), params={"previous": "true"})
    assert answer.status_code == 404
    assert answer.json()["message"] == f'previous terminated container "app" of pod {pod.uid} has no log on this node'


@pytest.mark.parametrize("query", [{"tail": "-1"}, {"tail": "many"}, {"since": "yesterday"}])
def test_a_query_that_makes_no_sense_is_refused(agent: httpx.Client, pod: SandboxSpec, query: dict[str, str]) -> None:
    assert agent.get(log(pod), params=query).status_code == 400


def test_other_methods_and_paths_are_refused(agent: httpx.Client) -> None:
    assert agent.post("/v1/images").status_code == 405
    assert agent.get("/v1/nothing").status_code == 404


def test_a_runtime_that_is_away_is_said(agent: httpx.Client, runtime: Simulated, pod: SandboxSpec) -> None:
    runtime.stop_daemon()
    answer = agent.get(log(pod))
    assert (answer.status_code, answer.json()["message"]) == (503, "the simulated daemon does not answer")


def test_only_this_user_may_open_the_socket(agent: httpx.Client, place: Path) -> None:
    agent.get("/healthz")
    assert place.stat().st_mode & 0o777 == 0o600


def test_a_socket_that_a_dead_agent_left_makes_way(place: Path) -> None:
    for _ in range(2):
        server.listening_at(place).close()
