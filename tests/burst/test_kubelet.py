"""The virtual node's kubelet, as a kube-apiserver and a metrics-server ask it: logs, commands, ports, figures."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from burst import certificates, names, serving, sessions, spdy
from burst.authorization import Authorization, from_certificate
from burst.kubelet import Kubelet
from burst.translate import Cluster, translate
from tests.burst.pods import CLUSTER_ID, pod
from tests.burst.worlds import CCI_NAMESPACE, World, world

AS_APISERVER = {"Authorization": "Bearer good-apiserver"}


class Node:
    """A kubelet server with one pod in CCI."""

    def __init__(self, made: World, url: str, port: int) -> None:
        self.world, self.url, self.port = made, url, port
        self.session = aiohttp.ClientSession(headers=AS_APISERVER)

    async def get(self, path: str, **params: str) -> tuple[int, str]:
        async with self.session.get(f"{self.url}{path}", params=params) as response:
            return response.status, await response.text()


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    async with world() as made:
        given = translate(pod(), Cluster(CLUSTER_ID)).pod
        there = made.cci.put("pods", given)
        kubelet = Kubelet(
            made.cci_api,
            CCI_NAMESPACE,
            Authorization(made.cluster_api),
            wanted=lambda: [pod()],
            there=lambda: [made.cci.objects[("pods", CCI_NAMESPACE, there["metadata"]["name"])]],
        )
        server = await serving.serve(kubelet.handle, host="127.0.0.1", port=0, context=None)
        port = server.sockets[0].getsockname()[1]
        one = Node(made, f"http://127.0.0.1:{port}", port)
        yield one
        await one.session.close()
        server.close()


async def test_logs_are_ccis_with_the_options_that_were_asked(node: Node) -> None:
    async def log(request: web.Request) -> web.StreamResponse:
        return web.Response(text=json.dumps(dict(request.query)))

    node.world.cci.streams["log"] = log
    status, text = await node.get("/containerLogs/shop/web/main", tailLines="5", previous="true", timestamps="true")
    assert status == 200
    assert json.loads(text) == {"tailLines": "5", "previous": "true", "timestamps": "true", "container": "main"}


async def test_a_followed_log_ends_in_cci_when_its_reader_goes(node: Node) -> None:
    ended = asyncio.Event()

    async def log(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first\n")
        try:
            while True:
                await asyncio.sleep(0.01)
                if request.transport is None or request.transport.is_closing():
                    break
        finally:
            ended.set()
        return response

    node.world.cci.streams["log"] = log
    async with node.session.get(f"{node.url}/containerLogs/shop/web/main?follow=true") as response:
        assert await response.content.readline() == b"first\n"
        response.close()
    await asyncio.wait_for(ended.wait(), 3)


async def test_pods_of_others_are_not_there(node: Node) -> None:
    assert (await node.get("/containerLogs/shop/other/main"))[0] == 404
    node.world.cci.change("pods", CCI_NAMESPACE, "shop-web", metadata={"labels": {names.NAMESPACE_LABEL: "else"}})
    assert (await node.get("/containerLogs/shop/web/main"))[0] == 404


async def test_who_shows_nothing_or_may_not_is_refused(node: Node) -> None:
    async with aiohttp.ClientSession() as nobody, nobody.get(f"{node.url}/pods") as response:
        assert response.status == 401
    node.world.cluster.allowed = lambda spec: spec["resourceAttributes"]["subresource"] == "metrics"
    status, text = await node.get("/pods")
    assert (status, text) == (403, "Forbidden (user=apiserver, verb=get, resource=nodes, subresource=proxy)\n")
    assert (await node.get("/metrics/resource"))[0] == 200


async def test_of_who_is_not_known_no_body_is_read(node: Node) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
    writer.write(b"POST /run/shop/web/main HTTP/1.1\r\nHost: node\r\nContent-Length: 8000000\r\n\r\nx")
    answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.startswith(b"HTTP/1.1 401 ")
    writer.close()


async def test_who_comes_while_all_places_are_taken_waits() -> None:
    async def hello(exchange: serving.Exchange) -> None:
        await exchange.reply(200, "hello")

    server = await serving.serve(hello, host="127.0.0.1", port=0, context=None, most=1)
    port = server.sockets[0].getsockname()[1]
    _, first = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.sleep(0.01)
    reader, second = await asyncio.open_connection("127.0.0.1", port)
    second.write(b"GET / HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n")
    waiting = asyncio.create_task(reader.read())
    assert not (await asyncio.wait({waiting}, timeout=0.05))[0]
    first.close()
    assert (await asyncio.wait_for(waiting, 5)).startswith(b"HTTP/1.1 200 ")
    second.close()
    server.close()


async def test_bodies_have_room_together_and_give_it_back() -> None:
    async def take(exchange: serving.Exchange) -> None:
        await exchange.reply(200, str(len(await exchange.body(100))))

    server = await serving.serve(take, host="127.0.0.1", port=0, context=None)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with aiohttp.ClientSession() as session:
        for length, status in ((90, 200), (101, 413), (90, 200)):
            async with session.post(url, data=b"x" * length) as response:
                assert response.status == status
        assert server._room.left == serving.MOST_BODIES
        server._room.left = 10
        async with session.post(url, data=b"x" * 20) as response:
            assert response.status == 503
    server.close()


async def test_nothing_is_allowed_while_the_cluster_is_away(node: Node) -> None:
    node.world.cluster.away = True
    assert (await node.get("/pods"))[0] == 500
    assert await node.get("/healthz") == (200, "ok")


def test_a_certificate_names_user_and_groups() -> None:
    subject = ((("organizationName", "system:masters"),), (("commonName", "kube-apiserver-kubelet-client"),))
    user = from_certificate({"subject": subject})
    assert user is not None
    assert (user.name, user.groups) == ("kube-apiserver-kubelet-client", ("system:masters", "system:authenticated"))


async def test_addresses_it_does_not_serve_are_told(node: Node) -> None:
    status, text = await node.get("/checkpoint/shop/web/main")
    assert (status, text) == (404, "the virtual node does not serve GET /checkpoint/shop/web/main\n")


# --- commands -----------------------------------------------------------------------------------------------------


async def shell(request: web.Request) -> web.StreamResponse:
    """Echoes what it is sent, until stdin ends; then tells what it was asked, and that it exited with 3."""
    socket = web.WebSocketResponse(protocols=("v5.channel.k8s.io", "v4.channel.k8s.io"))
    await socket.prepare(request)
    async for message in socket:
        if message.data[0] == 255:
            break
        await socket.send_bytes(b"\1" + message.data[1:])
    asked = "&".join(f"{name}={value}" for name, value in request.query.items())
    await socket.send_bytes(b"\2" + asked.encode())
    causes = [{"reason": "ExitCode", "message": "3"}]
    status = {"status": "Failure", "reason": "NonZeroExitCode", "details": {"causes": causes}}
    await socket.send_bytes(b"\3" + json.dumps(status).encode())
    await socket.close()
    return socket


class Caller:
    """What a kube-apiserver does with a kubelet."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.frames, self.spdy = spdy.Reader(), spdy.Writer()
        self.received: dict[int, bytes] = {}
        self.ended: set[int] = set()

    @classmethod
    async def connect(cls, port: int, path: str, protocol: str) -> tuple[Caller, str]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: node\r\nAuthorization: Bearer good-apiserver\r\nConnection: Upgrade\r\n"
            f"Upgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: {protocol}\r\nContent-Length: 0\r\n\r\n"
        )
        writer.write(head.encode())
        answer = (await reader.readuntil(b"\r\n\r\n")).decode()
        return cls(reader, writer), answer

    def open(self, stream: int, kind: str, **headers: str) -> None:
        self.writer.write(self.spdy.opening(stream, {"streamtype": kind, **headers}))

    def send(self, stream: int, data: bytes, *, ends: bool = False) -> None:
        self.writer.write(self.spdy.data(stream, data, ends=ends))

    async def until_ended(self) -> None:
        while data := await asyncio.wait_for(self.reader.read(65536), 5):
            for event in self.frames.receive(data):
                if isinstance(event, spdy.Data):
                    self.received[event.stream] = self.received.get(event.stream, b"") + event.data
                    if event.ends:
                        self.ended.add(event.stream)
        self.writer.close()


EXEC = "/exec/shop/web/main?command=sh&command=-c&input=1&output=1&error=1"


async def test_a_command_by_spdy_has_its_streams_and_its_exit_code(node: Node) -> None:
    node.world.cci.streams["exec"] = shell
    caller, answer = await Caller.connect(node.port, EXEC, "v4.channel.k8s.io")
    assert answer.startswith("HTTP/1.1 101 ")
    assert "x-stream-protocol-version: v4.channel.k8s.io" in answer.lower()
    for stream, kind in ((1, "error"), (3, "stdin"), (5, "stdout"), (7, "stderr")):
        caller.open(stream, kind)
    caller.send(3, b"hello ")
    caller.send(3, b"there", ends=True)
    await caller.until_ended()
    assert caller.received[5] == b"hello there"
    assert caller.received[7] == b"container=main&stdin=true&stdout=true&stderr=true&command=sh&command=-c"
    assert json.loads(caller.received[1])["details"]["causes"][0]["message"] == "3"
    assert caller.ended == {1, 3, 5, 7}


async def test_a_terminal_has_sizes_and_one_output(node: Node) -> None:
    seen: list[bytes] = []

    async def terminal(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("v5.channel.k8s.io",))
        await socket.prepare(request)
        seen.append(await socket.receive_bytes())
        await socket.send_bytes(b'\3{"status": "Success"}')
        await socket.close()
        return socket

    node.world.cci.streams["exec"] = terminal
    caller, _ = await Caller.connect(node.port, EXEC + "&tty=1", "v4.channel.k8s.io")
    for stream, kind in ((1, "error"), (3, "stdin"), (5, "stdout"), (7, "resize")):
        caller.open(stream, kind)
    caller.send(7, b'{"Width": 80, "Height": 24}')
    await caller.until_ended()
    assert seen == [b'\4{"Width": 80, "Height": 24}']


async def test_what_cci_refuses_is_refused_before_the_streams(node: Node) -> None:
    async def refused(request: web.Request) -> web.StreamResponse:
        return web.json_response({"message": "container not found"}, status=404)

    node.world.cci.streams["exec"] = refused
    caller, answer = await Caller.connect(node.port, EXEC, "v4.channel.k8s.io")
    assert answer.startswith("HTTP/1.1 404 ")
    caller.writer.close()


async def test_attaching_is_the_same_without_a_command(node: Node) -> None:
    node.world.cci.streams["attach"] = shell
    path = "/attach/shop/web/uid-shop.web/main?input=1&output=1&error=1"
    caller, _ = await Caller.connect(node.port, path, "v4.channel.k8s.io")
    for stream, kind in ((1, "error"), (3, "stdin"), (5, "stdout"), (7, "stderr")):
        caller.open(stream, kind)
    caller.send(3, b"hello", ends=True)
    await caller.until_ended()
    assert (caller.received[5], caller.received[7]) == (b"hello", b"container=main&stdin=true&stdout=true&stderr=true")


async def test_another_life_of_a_pod_is_not_entered(node: Node) -> None:
    caller, answer = await Caller.connect(node.port, "/exec/shop/web/another-uid/main?output=1", "v4.channel.k8s.io")
    assert answer.startswith("HTTP/1.1 404 ")
    caller.writer.close()


async def test_protocols_that_nobody_speaks_are_told(node: Node) -> None:
    caller, answer = await Caller.connect(node.port, EXEC, "v1.channel.k8s.io")
    assert answer.startswith("HTTP/1.1 403 ")
    caller.writer.close()


async def test_a_command_by_websocket_goes_through_as_it_is(node: Node) -> None:
    node.world.cci.streams["exec"] = shell
    async with node.session.ws_connect(f"{node.url}{EXEC}", protocols=("v5.channel.k8s.io",)) as socket:
        await socket.send_bytes(b"\0hello")
        assert await socket.receive_bytes() == b"\1hello"
        await socket.send_bytes(b"\xff\0")
        assert (await socket.receive_bytes())[0] == 2
        assert (await socket.receive_bytes())[0] == 3


async def test_a_long_message_arrives_in_cci_as_one(node: Node) -> None:
    lengths: list[int] = []

    async def counting(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("v5.channel.k8s.io",))
        await socket.prepare(request)
        async for message in socket:
            lengths.append(len(message.data))
            await socket.send_bytes(b"\1taken")
        return socket

    node.world.cci.streams["exec"] = counting
    async with node.session.ws_connect(f"{node.url}{EXEC}", protocols=("v5.channel.k8s.io",)) as socket:
        await socket.send_bytes(b"\0" + b"x" * 300_000)
        await socket.receive_bytes(timeout=5)
    assert lengths == [300_001]


async def test_a_message_without_end_is_not_collected(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MOST_MESSAGE", 100_000)
    node.world.cci.streams["exec"] = shell
    async with node.session.ws_connect(f"{node.url}{EXEC}", protocols=("v5.channel.k8s.io",)) as socket:
        await socket.send_bytes(b"\0" + b"x" * 300_000)
        assert (await socket.receive(timeout=5)).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
        assert socket.close_code == 1009


async def test_a_command_runs_and_its_output_comes_back(node: Node) -> None:
    async def run(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("v5.channel.k8s.io",))
        await socket.prepare(request)
        await socket.send_bytes(b"\1" + " ".join(request.query.getall("command")).encode())
        await socket.send_bytes(b'\3{"status": "Success"}')
        await socket.close()
        return socket

    node.world.cci.streams["exec"] = run
    async with node.session.post(f"{node.url}/run/shop/web/main?cmd=ls+-l") as response:
        assert (response.status, await response.text()) == (200, "ls -l")


async def test_ports_are_spdy_in_ccis_websocket(node: Node) -> None:
    async def echo(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=(sessions.TUNNEL_PROTOCOL,))
        await socket.prepare(request)
        async for message in socket:
            await socket.send_bytes(message.data)
        return socket

    node.world.cci.streams["portforward"] = echo
    caller, answer = await Caller.connect(node.port, "/portForward/shop/web", "portforward.k8s.io")
    assert "x-stream-protocol-version: portforward.k8s.io" in answer.lower()
    caller.writer.write(b"any bytes")
    assert await caller.reader.readexactly(9) == b"any bytes"
    caller.writer.close()


# --- figures ------------------------------------------------------------------------------------------------------


def measured(node: Node, at: str, cpu: str, memory: str = "64Mi") -> None:
    container = {"name": "main", "usage": {"cpu": cpu, "memory": memory}}
    metrics = {"metadata": {"name": "shop-web", "namespace": CCI_NAMESPACE}, "timestamp": at, "containers": [container]}
    node.world.cci.put("podmetrics", metrics)


async def test_rates_of_cci_become_counters_of_a_kubelet(node: Node) -> None:
    measured(node, "2026-11-27T07:00:00Z", "500000000n")
    await node.get("/metrics/resource")
    measured(node, "2026-11-27T07:00:10Z", "1")
    _, text = await node.get("/metrics/resource")
    labels = 'container="main",namespace="shop",pod="web"'
    assert f"container_cpu_usage_seconds_total{{{labels}}} 17.5 1795762810000" in text
    assert f"container_memory_working_set_bytes{{{labels}}} 67108864 1795762810000" in text


async def test_the_summary_names_pods_as_the_cluster_does(node: Node) -> None:
    measured(node, "2026-11-27T07:00:00Z", "250m")
    _, text = await node.get("/stats/summary")
    told: dict[str, Any] = json.loads(text)
    assert told["node"]["nodeName"] == "virtual-kubelet"
    (only,) = told["pods"]
    assert only["podRef"] == {"namespace": "shop", "name": "web", "uid": "uid-shop.web"}
    assert only["cpu"]["usageNanoCores"] == 250_000_000
    assert only["containers"][0]["memory"]["workingSetBytes"] == 64 * 1024 * 1024


async def test_the_pods_of_the_node_are_told(node: Node) -> None:
    _, text = await node.get("/pods")
    assert [one["metadata"]["name"] for one in json.loads(text)["items"]] == ["web"]


async def test_it_serves_tls_by_a_certificate_for_its_address() -> None:
    bundle = certificates.make("127.0.0.1", "virtual-kubelet")

    async def hello(exchange: serving.Exchange) -> None:
        await exchange.reply(200, "hello")

    context = certificates.server_context(bundle, clients=bundle.authority)
    server = await serving.serve(hello, host="127.0.0.1", port=0, context=context)
    trust = ssl.create_default_context(cadata=bundle.authority)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with aiohttp.ClientSession() as session, session.get(url, ssl=trust) as response:
        assert await response.text() == "hello"
    server.close()
