"""The real kubectl, by SPDY as a kube-apiserver passes it on: what comes out at the kubelet is what kubectl prints."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from tests.burst.fronts import front, kubectl
from tests.burst.pods import pod
from tests.burst.test_kubelet import Node, node, shell

__all__ = ("node",)


@pytest.fixture
async def apiserver(node: Node) -> AsyncIterator[str]:
    async with front(node.port, lambda: pod() | {"status": {"phase": "Running"}}) as address:
        yield address


async def test_exec_carries_both_ways_and_ends_with_the_commands_exit_code(
    node: Node,
    apiserver: str,
    tmp_path: Path,
) -> None:
    node.world.cci.streams["exec"] = shell
    text = "a line\n" * 20_000
    code, output, errors = await kubectl(apiserver, tmp_path, "exec", "-i", "web", "--", "cat", stdin=text.encode())
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
    assert await kubectl(apiserver, tmp_path, "exec", "web", "--", "echo") == (0, "hello\n", "")


async def test_logs_are_printed(node: Node, apiserver: str, tmp_path: Path) -> None:
    async def log(request: web.Request) -> web.StreamResponse:
        return web.Response(text=f"the last {request.query['tailLines']} lines\n")

    node.world.cci.streams["log"] = log
    assert await kubectl(apiserver, tmp_path, "logs", "web", "--tail=5") == (0, "the last 5 lines\n", "")
