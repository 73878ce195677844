"""The real kubectl, by SPDY as a kube-apiserver passes it on: what comes out at the kubelet is what kubectl prints."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from aiohttp import web

from burst import serving, sessions
from tests.burst.pods import pod
from tests.burst.test_kubelet import Node, node, shell
from tests.workloads.kubeapi.callers import kubectl_binary

__all__ = ("node",)

POD = {"name": "pods", "singularName": "", "namespaced": True, "kind": "Pod", "verbs": ["get"], "shortNames": ["po"]}
DISCOVERY = {
    "/api": {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": [POD]},
}
KUBELETS_WORDS = {"stdin": "input", "stdout": "output", "stderr": "error"}


@pytest.fixture
async def apiserver(node: Node) -> AsyncIterator[str]:
    """Tells what there is, and passes exec and port-forward on to the node, as a kube-apiserver does."""

    async def handle(exchange: serving.Exchange) -> None:
        request = exchange.request
        path = request.path.removeprefix("/api/v1/namespaces/shop/pods/web")
        if path in ("/exec", "/portforward"):
            await _pass_on(exchange, node.port, path)
        elif request.path in DISCOVERY:
            await exchange.reply_json(DISCOVERY[request.path])
        elif path == "":
            await exchange.reply_json(pod() | {"status": {"phase": "Running"}})
        else:
            await exchange.reply(404)

    server = await serving.serve(handle, host="127.0.0.1", port=0, context=None)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


async def _pass_on(exchange: serving.Exchange, port: int, verb: str) -> None:
    request = exchange.request
    query = [(KUBELETS_WORDS.get(name, name), value.replace("true", "1")) for name, value in request.query]
    target = "/exec/shop/web/main?" + urlencode(query) if verb == "/exec" else "/portForward/shop/web"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [f"{request.method} {target} HTTP/1.1", "Authorization: Bearer good-apiserver"]
    lines += [f"{name}: {value}" for name, value in request.headers if name != "authorization"]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    assert head[0].startswith("HTTP/1.1 101")
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in head[1:-2])]
    tail = await exchange.take_over(headers)
    writer.write(tail)
    await sessions._first_of(_copy(exchange.reader, writer), _copy(reader, exchange.writer))
    writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def _kubectl(server: str, folder: Path, *words: str, stdin: bytes = b"") -> tuple[int, str, str]:
    environment = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false", "HOME": str(folder)}
    process = await asyncio.create_subprocess_exec(
        kubectl_binary("1.33"),
        f"--server={server}",
        "-n",
        "shop",
        *words,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await asyncio.wait_for(process.communicate(stdin), 20)
    return process.returncode or 0, output.decode(), errors.decode()


async def test_exec_carries_both_ways_and_ends_with_the_commands_exit_code(
    node: Node,
    apiserver: str,
    tmp_path: Path,
) -> None:
    node.world.cci.streams["exec"] = shell
    text = "a line\n" * 20_000
    code, output, errors = await _kubectl(apiserver, tmp_path, "exec", "-i", "web", "--", "cat", stdin=text.encode())
    assert output == text
    assert "container=main&stdin=true&stdout=true&stderr=true&command=cat" in errors
    assert code == 3


async def test_a_command_that_ends_well_is_code_0(node: Node, apiserver: str, tmp_path: Path) -> None:
    async def hello(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("v5.channel.k8s.io",))
        await socket.prepare(request)
        await socket.send_bytes(b"\1hello\n")
        await socket.send_bytes(b'\3{"metadata": {}, "status": "Success"}')
        await socket.close()
        return socket

    node.world.cci.streams["exec"] = hello
    assert await _kubectl(apiserver, tmp_path, "exec", "web", "--", "echo") == (0, "hello\n", "")
