"""A kube-apiserver as kubectl meets it: it tells what there is, and passes what is asked of a pod on to its node."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from burst import serving, sessions
from tests.workloads.kubeapi.callers import kubectl_binary

POD = {"name": "pods", "singularName": "", "namespaced": True, "kind": "Pod", "verbs": ["get"], "shortNames": ["po"]}
DISCOVERY = {
    "/api": {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": [POD]},
}
_PREFIX = "/api/v1/namespaces/shop/pods/web"
_TARGETS = {
    "/exec": "/exec/shop/web/main",
    "/portforward": "/portForward/shop/web",
    "/log": "/containerLogs/shop/web/main",
}
_KUBELETS_WORDS = {"stdin": "input", "stdout": "output", "stderr": "error"}


@asynccontextmanager
async def front(port: int, pod: Callable[[], dict[str, Any]]) -> AsyncIterator[str]:
    """The address for kubectl. `port` is the kubelet's; `pod` is what shop/web is."""

    async def handle(exchange: serving.Exchange) -> None:
        path = exchange.request.path.removeprefix(_PREFIX)
        if path in _TARGETS:
            await _pass_on(exchange, port, path)
        elif exchange.request.path in DISCOVERY:
            await exchange.reply_json(DISCOVERY[exchange.request.path])
        elif path == "":
            await exchange.reply_json(pod())
        else:
            await exchange.reply(404)

    server = await serving.serve(handle, host="127.0.0.1", port=0, context=None)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


async def kubectl(server: str, folder: Path, *words: str, stdin: bytes = b"") -> tuple[int, str, str]:
    """By SPDY. Exit code, output and errors."""
    environment = {
        "KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false",
        "KUBECTL_PORT_FORWARD_WEBSOCKETS": "false",
        "HOME": str(folder),
    }
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
    output, errors = await asyncio.wait_for(process.communicate(stdin), 30)
    return process.returncode or 0, output.decode(), errors.decode()


async def _pass_on(exchange: serving.Exchange, port: int, path: str) -> None:
    """The kubelet's words for streams are others; from then on bytes go both ways."""
    request = exchange.request
    query = [(_KUBELETS_WORDS.get(name, name), value.replace("true", "1")) for name, value in request.query]
    if path == "/log":
        query = [(name, value) for name, value in request.query if name != "container"]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [f"{request.method} {_TARGETS[path]}?{urlencode(query)} HTTP/1.1", "Authorization: Bearer good-apiserver"]
    lines += [f"{name}: {value}" for name, value in request.headers if name not in ("authorization", "connection")]
    lines.append("Connection: " + ("Upgrade" if path != "/log" else "close"))
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    if path == "/log":
        answer = await reader.read()
        body = answer.partition(b"\r\n\r\n")[2]
        await exchange.reply(200, _unchunked(body))
    else:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        assert head[0].startswith("HTTP/1.1 101"), head
        headers = [(name, value) for name, _, value in (line.partition(": ") for line in head[1:-2])]
        writer.write(await exchange.take_over(headers))
        await sessions._first_of(_copy(exchange.reader, writer), _copy(reader, exchange.writer))
    writer.close()


def _unchunked(body: bytes) -> bytes:
    found = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        found, body = found + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return found


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
