"""The product on PostgreSQL, with a Redis that is somebody else's: the same journey, more processes, and outages."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest

from tests import manifests, postgres, redis_server
from tests.stack import Stack, free_port, running_stack

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(180)]

TALKER = manifests.container(command=("sh", "-c", "echo hello; sleep 60"))
MOST_CONNECTIONS = 40
"""Of one installation, whatever its load: 8 lanes and 12 API threads in the web process, and a few in each other."""


@pytest.fixture(scope="module")
def database() -> Iterator[postgres.Server]:
    with postgres.server() as running:
        yield running


@pytest.fixture(scope="module")
def shared(database: postgres.Server) -> Iterator[Stack]:
    with redis_server.server() as redis_url, running_stack(database_url=database.url, redis_url=redis_url) as running:
        yield running


def deploy(stack: Stack, namespace: str, *, replicas: int) -> None:
    stack.kubectl("create", "namespace", namespace)
    stack.apply(manifests.deployment(replicas=replicas) | {"metadata": {"name": "web", "namespace": namespace}})


def settled(stack: Stack, namespace: str, pods: int) -> bool:
    """Exactly that many pods, each ready, each with one sandbox and one app container that run, and nothing else."""
    found = stack.get("pods", "-n", namespace)["items"]
    status = stack.get("deployment", "web", "-n", namespace).get("status", {})
    containers = of_pods(stack, namespace)
    are_single = len(found) == pods and len(containers) == 2 * pods
    return are_single and status.get("readyReplicas", 0) == pods and set(containers.values()) == {"running"}


def of_pods(stack: Stack, namespace: str) -> dict[str, str]:
    """The state of every container of a pod by its name, ended ones too; not of sandboxes kept warm for later pods."""
    ours = ("--filter", f"label=cci.io/instance={stack.instance()}", "--filter", f"label=cci.io/namespace={namespace}")
    lines = stack.docker("ps", "-a", *ours, "--format", "{{.Names}} {{.State}}").splitlines()
    states = dict(line.split() for line in lines)
    return {name: state for name, state in states.items() if not name.startswith("cci-warm-")}


def await_settled(stack: Stack, namespace: str, pods: int) -> None:
    stack.wait(lambda: settled(stack, namespace, pods), seconds=60, what=f"exactly {pods} ready pods in {namespace}")


def ledger_agrees(stack: Stack) -> bool:
    return ": 0 differences, 0 without a witness" in stack.manage("recompute_ledger")


def connections(database: postgres.Server, *, state: str = "%") -> int:
    where = f"backend_type = 'client backend' AND pid <> pg_backend_pid() AND state LIKE '{state}'"
    return int(database.ask(f"SELECT count(*) FROM pg_stat_activity WHERE {where}")[0][0])  # noqa: S608


@contextlib.contextmanager
def watched(stack: Stack, *what: str) -> Iterator[Path]:
    """`kubectl get --watch` while the block runs; gives the file it prints to."""
    path = stack.data / "watch.out"
    with path.open("wb") as output:
        watcher = subprocess.Popen(stack.kubectl_command("get", *what, "--watch"), stdout=output)
    try:
        yield path
    finally:
        watcher.terminate()
        watcher.wait(10)


def test_a_deployment_lives_and_goes(shared: Stack) -> None:
    with watched(shared, "pods", "-A", "--output-watch-events") as seen:
        deploy(shared, "journey", replicas=3)
        await_settled(shared, "journey", 3)
        shared.kubectl("-n", "journey", "scale", "deployment/web", "--replicas=1")
        await_settled(shared, "journey", 1)
        shared.apply(manifests.pod(containers=[TALKER]) | {"metadata": {"name": "talker", "namespace": "journey"}})
        shared.kubectl("-n", "journey", "wait", "--for=condition=Ready", "pod/talker", "--timeout=30s")
        assert shared.kubectl("-n", "journey", "logs", "talker") == "hello\n"

        shared.kubectl("delete", "namespace", "journey", "--timeout=60s")

        assert shared.containers("label=cci.io/namespace=journey") == []
        shared.wait(lambda: seen.read_text().count("DELETED") == 4, what="the watch to have shown every pod's end")
    shared.wait(lambda: ledger_agrees(shared), what="the meter to have read the log")


def test_load_takes_a_bounded_number_of_connections(shared: Stack, database: postgres.Server) -> None:
    most = 0
    browser = shared.http()
    with contextlib.closing(browser), ThreadPoolExecutor(8) as readers:
        pages = [readers.submit(browser.get, "/") for _ in range(120)]
        while not all(page.done() for page in pages):
            most = max(most, connections(database))

    assert {page.result().status_code for page in pages} == {200}
    assert most <= MOST_CONNECTIONS
    shared.wait(lambda: connections(database, state="idle in transaction%") == 0, what="every transaction to end")


def test_more_managers_workers_and_webs_share_the_work_and_double_nothing(shared: Stack) -> None:
    port, api_port = free_port(), free_port()
    with (
        shared.another("manage.py", "manager") as manager,
        shared.another("manage.py", "worker") as worker,
        shared.another("-m", "console.web", CCI_PORT=str(port), CCI_API_PORT=str(api_port)),
    ):
        door = ("--server", f"https://127.0.0.1:{api_port}")
        shared.wait(lambda: shared.kubectl(*door, "get", "--raw", "/readyz", check=False) == "ok", what="a second web")
        deploy(shared, "crowd", replicas=6)
        shared.kill("manager")
        await_settled(shared, "crowd", 6)
        assert len(orjson.loads(shared.kubectl(*door, "get", "pods", "-n", "crowd", "-o", "json"))["items"]) == 6
        assert manager.poll() is None
        assert worker.poll() is None
    shared.kubectl("delete", "namespace", "crowd", "--timeout=60s")

    shared.wait(lambda: ledger_agrees(shared), what="the meter to have read the log")


def test_every_process_comes_back_by_itself_after_postgresql_was_away(shared: Stack, database: postgres.Server) -> None:
    deploy(shared, "outage", replicas=2)
    await_settled(shared, "outage", 2)
    programs = ("web", "manager", "worker", "agent")
    before = [shared.pid(program) for program in programs]
    shared.kubectl("-n", "outage", "scale", "deployment/web", "--replicas=5")
    database.stop()
    assert "the database does not answer" in shared.kubectl("get", "--raw", "/readyz", check=False)
    shared.docker("rm", "-f", shared.containers("label=cci.io/namespace=outage", "label=cci.io/container=app")[0])
    database.start()

    await_settled(shared, "outage", 5)
    assert [shared.pid(program) for program in programs] == before
    assert len(database.ask("SELECT holder FROM workloads_lease")) == 1
    assert ledger_agrees(shared)
    shared.kubectl("delete", "namespace", "outage", "--timeout=60s")
