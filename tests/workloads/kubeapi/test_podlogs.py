"""A container's log comes from the agent as it is written; what cannot be read is said before the first byte."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
import uvicorn

from iam.identities import Identity
from tests import manifests
from tests.workloads.kubeapi.callers import is_status
from workloads.client import Client

LOG = "/api/v1/namespaces/shop/pods/one/log"


class Agent:
    """An agent with one log: two lines now, and with `follow` one more every time `speak` is set."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.status = 200
        self.hung_up = threading.Event()

    async def __call__(self, scope, receive, send):
        query = dict(parse_qsl(scope["query_string"].decode()))
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.asked.append({**query, "path": scope["path"], "authorization": headers.get("authorization", "")})
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        body = b"one\ntwo\n" if self.status == 200 else b'{"kind": "Status", "message": "no such container"}'
        await send({"type": "http.response.body", "body": body, "more_body": True})
        if query.get("follow"):
            await self._until_gone(receive)
        await send({"type": "http.response.body", "body": b""})

    async def _until_gone(self, receive):
        while (await receive())["type"] != "http.disconnect":
            await asyncio.sleep(0)
        self.hung_up.set()


@pytest.fixture
def agent(settings):
    with tempfile.TemporaryDirectory() as folder:
        settings.AGENT_SOCKET = Path(folder) / "agent.sock"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(settings.AGENT_SOCKET))
        listener.listen()
        spoken = Agent()
        config = uvicorn.Config(spoken, lifespan="off", log_level="warning", timeout_graceful_shutdown=1)
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield spoken
        running.should_exit = True
        thread.join(10)
        listener.close()


@pytest.fixture
def running_pod(api, shop):
    pod = api.make("/api/v1/namespaces/shop/pods", manifests.pod("one"))
    state = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
    pod["status"] = {
        "phase": "Running",
        "containerStatuses": [
            {"name": "app", "ready": True, "restartCount": 0, "image": "x", "imageID": "", "state": state}
        ],
    }
    hand = Client(Identity.controller("pods", "acme"))
    return hand.update("Pod", "one", pod, "shop", subresource="status").obj


def test_a_log_is_plain_text(api, agent, running_pod):
    answer = api.get(LOG)
    assert (answer.status_code, answer.text) == (200, "one\ntwo\n")
    assert answer.headers["content-type"] == "text/plain"
    (asked,) = agent.asked
    assert asked["path"] == f"/v1/pods/{running_pod['metadata']['uid']}/containers/app/log"
    assert asked["authorization"].startswith("Bearer ")


def test_what_is_asked_of_a_log_reaches_the_agent(api, agent, running_pod):
    query = {"container": "app", "tailLines": "5", "timestamps": "true", "sinceTime": "2026-01-02T03:04:05Z"}
    assert api.get(LOG, params=query).status_code == 200
    (asked,) = agent.asked
    assert (asked["tail"], asked["timestamps"]) == ("5", "true")
    assert asked["since"] == "2026-01-02T03:04:05.000000Z"


def test_a_log_is_cut_after_the_bytes_that_were_asked_for(api, agent, running_pod):
    assert api.get(LOG, params={"limitBytes": "5"}).text == "one\nt"


def test_a_followed_log_comes_at_once_and_the_agent_learns_of_the_end(api, agent, running_pod):
    with api.stream("GET", LOG, params={"follow": "true"}) as answer:
        begun = time.monotonic()
        assert next(answer.iter_raw()) == b"one\ntwo\n"
        assert time.monotonic() - begun < 5
    assert agent.hung_up.wait(5)


@pytest.mark.parametrize(("status", "code"), [(404, 404), (400, 400), (401, 503), (500, 503)])
def test_what_the_agent_refuses_is_a_status(api, agent, running_pod, status, code):
    agent.status = status
    assert is_status(api.get(LOG), code)["message"] == "no such container"


def test_an_agent_that_is_not_there_is_unavailable(api, running_pod, settings, tmp_path):
    settings.AGENT_SOCKET = tmp_path / "nobody.sock"
    assert "agent does not answer" in is_status(api.get(LOG), 503)["message"]


def test_a_log_of_a_container_that_waits_or_is_unknown_is_refused(api, agent, shop):
    api.make("/api/v1/namespaces/shop/pods", manifests.pod("one"))
    assert "waiting to start" in is_status(api.get(LOG), 400)["message"]
    is_status(api.get(LOG, params={"container": "other"}), 400)
    is_status(api.get(LOG.replace("one", "two")), 404)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"tailLines": "-1"}, 422),
        ({"tailLines": "few"}, 400),
        ({"limitBytes": "0"}, 422),
        ({"sinceSeconds": "0"}, 422),
        ({"sinceTime": "yesterday"}, 400),
        ({"sinceTime": "2026-01-02T03:04:05Z", "sinceSeconds": "5"}, 422),
        ({"follow": "perhaps"}, 400),
        ({"stream": "Stderr"}, 501),
    ],
    ids=str,
)
def test_what_cannot_be_asked_of_a_log_is_said(api, agent, running_pod, query, code):
    is_status(api.get(LOG, params=query), code)
    assert agent.asked == []
