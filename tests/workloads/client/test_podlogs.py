"""Logs come from the agent; what may be asked is said in a kubelet's words before the agent is asked."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from iam.identities import Identity
from tests import manifests
from workloads.client import Client, LogOptions
from workloads.meta.errors import BadRequest, Forbidden, NotFound, Unavailable


class Agent(socketserver.ThreadingUnixStreamServer):
    """The node agent's log route, and what it was asked."""

    daemon_threads = True

    def __init__(self, path: str) -> None:
        self.asked: list[tuple[str, dict[str, list[str]], str]] = []
        super().__init__(path, AgentRequest)


class AgentRequest(BaseHTTPRequestHandler):
    server: Agent

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.server.asked.append((url.path, parse_qs(url.query), self.headers["Authorization"]))
        if "/gone/" in url.path:
            self._answer(404, b'{"kind":"Status","message":"nothing is left of the container"}')
        elif "/broken/" in url.path:
            self._answer(500, b"no Status at all")
        elif "/cut/" in url.path:
            self.wfile.write(b"HTTP/1.1 200 X\r\ncontent-length: 100\r\n\r\nfirst line\n")
        else:
            self._answer(200, b"first line\nsecond line\n")

    def _answer(self, code: int, body: bytes) -> None:
        self.wfile.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (code, len(body)) + body)

    def log_message(self, *words: Any) -> None:
        """Silence."""


@pytest.fixture
def agent(settings, tmp_path: Path) -> Iterator[Agent]:
    settings.AGENT_SOCKET = tmp_path / "agent.sock"
    settings.AGENT_TOKEN = "a-token"
    with Agent(str(settings.AGENT_SOCKET)) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def in_state(controller: Client, pod: dict[str, Any], last: dict[str, Any] | None = None, **state: Any) -> None:
    statuses = [
        {"name": container["name"], "state": state, "lastState": last or {}} for container in pod["spec"]["containers"]
    ]
    name = pod["metadata"]["name"]
    controller.update("Pod", name, {"status": {"containerStatuses": statuses}}, "shop", subresource="status")


@pytest.fixture
def two(client: Client, shop: dict[str, Any]) -> dict[str, Any]:
    containers = [manifests.container("a"), manifests.container("b")]
    return client.create("Pod", manifests.pod("two", containers=containers), "shop").obj


def test_a_running_containers_log_is_streamed(client, controller, one, agent):
    in_state(controller, one, running={"startedAt": "2026-05-04T10:00:00Z"})

    lines = b"".join(client.logs("shop", "one", LogOptions()))

    assert lines == b"first line\nsecond line\n"
    path, _, authorization = agent.asked[0]
    assert path == f"/v1/pods/{one['metadata']['uid']}/containers/app/log"
    assert authorization == "Bearer a-token"


def test_every_option_reaches_the_agent(client, controller, one, agent):
    in_state(controller, one, last={"terminated": {"exitCode": 1}}, running={})
    since = datetime(2026, 5, 4, 10, tzinfo=UTC)

    list(client.logs("shop", "one", LogOptions(follow=True, tail=5, since=since, timestamps=True, previous=True)))

    assert agent.asked[0][1] == {
        "account": ["acme"],
        "follow": ["true"],
        "tail": ["5"],
        "since": ["2026-05-04T10:00:00.000000Z"],
        "timestamps": ["true"],
        "previous": ["true"],
    }


def test_a_byte_limit_cuts_the_log(client, controller, one, agent):
    in_state(controller, one, running={})

    assert b"".join(client.logs("shop", "one", LogOptions(limit_bytes=7))) == b"first l"


def test_one_of_several_containers_must_be_named(client, two):
    with pytest.raises(BadRequest) as refused:
        client.logs("shop", "two", LogOptions())

    assert refused.value.message == "a container name must be specified for pod two, choose one of: [a b]"


def test_a_container_that_is_not_in_the_pod_is_a_bad_request(client, two):
    with pytest.raises(BadRequest, match="container c is not valid for pod two"):
        client.logs("shop", "two", LogOptions(container="c"))


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("ContainerCreating", "ContainerCreating"),
        ("ErrImagePull", "image can't be pulled"),
        ("ImagePullBackOff", "trying and failing to pull image"),
    ],
)
def test_a_waiting_container_has_no_log_yet(client, controller, one, reason, told):
    in_state(controller, one, waiting={"reason": reason})

    with pytest.raises(BadRequest) as refused:
        client.logs("shop", "one", LogOptions())

    assert refused.value.message == f'container "app" in pod "one" is waiting to start: {told}'


def test_a_pod_nobody_has_looked_at_is_waiting_too(client, one):
    with pytest.raises(BadRequest, match="is waiting to start: ContainerCreating"):
        client.logs("shop", "one", LogOptions())


def test_a_crashed_container_that_waits_shows_what_it_said(client, controller, one, agent):
    in_state(controller, one, last={"terminated": {"exitCode": 1}}, waiting={"reason": "CrashLoopBackOff"})

    assert b"".join(client.logs("shop", "one", LogOptions())).startswith(b"first line")


def test_there_is_no_previous_container_before_a_restart(client, controller, one):
    in_state(controller, one, running={})

    with pytest.raises(BadRequest, match='previous terminated container "app" in pod "one" not found'):
        client.logs("shop", "one", LogOptions(previous=True))


def test_the_agents_not_found_is_ours(client, controller, shop, agent):
    pod = client.create("Pod", manifests.pod("one", containers=[manifests.container("gone")]), "shop").obj
    in_state(controller, pod, running={})

    with pytest.raises(NotFound, match="nothing is left of the container"):
        client.logs("shop", "one", LogOptions())


def test_an_agent_in_trouble_is_unavailable(client, controller, shop, agent):
    pod = client.create("Pod", manifests.pod("one", containers=[manifests.container("broken")]), "shop").obj
    in_state(controller, pod, running={})

    with pytest.raises(Unavailable, match="the node agent answered 500"):
        client.logs("shop", "one", LogOptions())


def test_a_stream_that_breaks_off_keeps_what_was_read(client, controller, shop, agent):
    pod = client.create("Pod", manifests.pod("one", containers=[manifests.container("cut")]), "shop").obj
    in_state(controller, pod, running={})

    assert b"".join(client.logs("shop", "one", LogOptions(follow=True))) == b"first line\n"


def test_a_pod_without_room_says_so(client, controller, one):
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    controller.update("Pod", "one", {"status": {"conditions": [condition]}}, "shop", subresource="status")

    with pytest.raises(BadRequest, match="is waiting to start: Unschedulable"):
        client.logs("shop", "one", LogOptions())


def test_an_agent_that_is_not_there_is_unavailable_at_once(client, controller, one, settings, tmp_path):
    settings.AGENT_SOCKET = tmp_path / "nobody.sock"
    in_state(controller, one, running={})

    with pytest.raises(Unavailable, match="the node agent is not running"):
        client.logs("shop", "one", LogOptions())


def test_reading_logs_is_a_right_of_its_own(one):
    reader = Client(Identity("acme", "eve", actions=("cci:pod:get",)))

    with pytest.raises(Forbidden, match="require cci:podlog:get"):
        reader.logs("shop", "one", LogOptions())
