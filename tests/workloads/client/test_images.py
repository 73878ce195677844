"""Images that stand ready on the host: a courtesy of the agent, never a reason to fail, and nobody else's secret."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from importlib import import_module
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from iam.identities import Identity
from iam.models import Account
from tests import manifests
from workloads.client import Client, HostImage
from workloads.kinds.images import of_pod
from workloads.store.models import Object
from workloads.verbs import images

pytestmark = pytest.mark.django_db

ITEMS = (
    b'{"items": [{"name": "cci-test/busybox:1", "id": "a", "sizeBytes": 7},'
    b' {"name": "x:2", "id": "b", "sizeBytes": 9}]}'
)


class Agent(ThreadingUnixStreamServer):
    """The agent's image route; `answer` is what it says, `hold` keeps it from saying it."""

    daemon_threads = True
    code, answer = 200, ITEMS

    def __init__(self, path: str) -> None:
        self.hold = threading.Event()
        self.hold.set()
        super().__init__(path, AgentRequest)


class AgentRequest(BaseHTTPRequestHandler):
    server: Agent

    def do_GET(self) -> None:
        self.server.hold.wait(5)
        known = (self.path, self.headers["Authorization"]) == ("/v1/images", "Bearer a-token")
        code = self.server.code if known else 401
        head = b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (code, len(self.server.answer))
        with suppress(BrokenPipeError):
            self.wfile.write(head + self.server.answer)

    def log_message(self, *words: Any) -> None:
        """Silence."""


@pytest.fixture
def agent(settings: Any, tmp_path: Path) -> Iterator[Agent]:
    settings.AGENT_SOCKET, settings.AGENT_TOKEN = tmp_path / "agent.sock", "a-token"
    with Agent(str(settings.AGENT_SOCKET)) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.hold.set()
        server.shutdown()


def test_images_on_the_host_are_listed(agent: Agent, alice: Identity) -> None:
    assert Client(alice).images() == [HostImage("cci-test/busybox:1", 7), HostImage("x:2", 9)]


def test_without_an_agent_there_are_none(settings: Any, tmp_path: Path, alice: Identity) -> None:
    settings.AGENT_SOCKET = tmp_path / "nobody.sock"
    assert Client(alice).images() == []


@pytest.mark.parametrize(("code", "answer"), [(503, b"{}"), (200, b"no JSON"), (200, b"[]"), (200, b'{"items": [{}]}')])
def test_an_agent_in_trouble_is_no_trouble_here(agent: Agent, alice: Identity, code: int, answer: bytes) -> None:
    agent.code, agent.answer = code, answer
    assert Client(alice).images() == []


def test_an_agent_that_hangs_is_not_waited_for(agent: Agent, alice: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "TIMEOUT_SECONDS", 0.05)
    agent.hold.clear()
    assert Client(alice).images() == []


def test_where_accounts_share_the_host_only_ones_own_images_are_told(agent: Agent, alice: Identity) -> None:
    for name in ("acme", "other"):
        Account.objects.create(name=name)
    client = Client(alice)
    assert client.images() == []

    client.create("Namespace", manifests.namespace("shop"))
    client.create("Pod", manifests.pod("one"), "shop")
    assert client.images() == [HostImage("cci-test/busybox:1", 7)]


def test_pods_are_counted_by_each_image_they_name_as_long_as_they_are_not_over(
    client: Client, shop: Any, controller: Client, charlie: Identity
) -> None:
    twice = manifests.pod("twice")
    [container] = twice["spec"]["containers"]
    twice["spec"]["containers"] = [container, {**container, "name": "beside", "image": "docker.io/library/proxy"}]
    twice["spec"]["initContainers"] = [{**container, "name": "before"}]
    over = manifests.pod("over")
    for pod in (twice, manifests.pod("one"), over):
        client.create("Pod", pod, "shop")
    ended = controller.get("Pod", "over", "shop")
    ended["status"] = {**ended["status"], "phase": "Succeeded"}
    controller.update("Pod", "over", ended, "shop", subresource="status")

    assert client.images_used() == {"cci-test/busybox:1": 2, "proxy:latest": 1}
    assert Client(charlie).images_used() == {}


def test_what_was_there_before_images_were_told_is_told_as_well(client: Client, one: Any) -> None:
    Object.objects.filter(kind="Pod").update(images="")
    assert client.images_used() == {}

    migration = import_module("workloads.migrations.0013_images_told")
    migration.tell(None, SimpleNamespace(connection=connection))

    assert client.images_used() == {"cci-test/busybox:1": 1}


def test_of_very_many_long_names_the_last_are_left_out() -> None:
    names = [f"registry.example/{letter * 240}:1" for letter in "abcde"]
    told = of_pod({"spec": {"containers": [{"image": name} for name in names]}})
    assert told.split() == names[:3]
