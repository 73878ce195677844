"""gRPC health checks asked for real: servers of this test's own, in the kubelet's words."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health

from tests.stack import free_port
from workloads.meta.keys import Uid
from workloads.node.asking import Asker, Outcome, Question
from workloads.runtimes.simulated import Simulated

HERE = "127.0.0.1"
Status = health_pb2.HealthCheckResponse


class Slow(health_pb2_grpc.HealthServicer):
    async def Check(self, request, context):  # type: ignore[no-untyped-def]
        await asyncio.sleep(60)


@asynccontextmanager
async def serving(servicer: health_pb2_grpc.HealthServicer | None) -> AsyncIterator[int]:
    server = grpc.aio.server()
    port = server.add_insecure_port(f"{HERE}:0")
    if servicer is not None:
        health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    await server.start()
    try:
        yield port
    finally:
        await server.stop(None)


async def ask(port: int, service: str = "", *, seconds: float = 10) -> Outcome:
    asker = Asker(Simulated())
    probe = {"grpc": {"port": port, "service": service}, "timeoutSeconds": seconds}
    try:
        return await asker.ask(Question(uid=Uid("u"), ip=HERE, container={"name": "app"}, probe=probe))
    finally:
        await asker.close()


@pytest.mark.parametrize(
    ("service", "outcome"),
    [
        ("", Outcome(passes=True)),
        ("live", Outcome(passes=True)),
        ("ready", Outcome(passes=False, words='service unhealthy (responded with "NOT_SERVING")')),
        (
            "other",
            Outcome(passes=False, words="error: health rpc probe failed: rpc error: code = NotFound desc = "),
        ),
    ],
)
async def test_a_service_is_what_it_says_it_is(service: str, outcome: Outcome) -> None:
    servicer = health.HealthServicer()
    await servicer.set("live", Status.SERVING)
    await servicer.set("ready", Status.NOT_SERVING)
    async with serving(servicer) as port:
        assert await ask(port, service) == outcome


async def test_a_server_without_health_does_not_pass() -> None:
    async with serving(None) as port:
        outcome = await ask(port)
    opening = "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): "
    assert outcome.passes is False
    assert outcome.words.startswith(opening)


async def test_a_server_that_takes_too_long_does_not_pass() -> None:
    async with serving(Slow()) as port:
        outcome = await ask(port, seconds=1)
    assert outcome == Outcome(passes=False, words="timeout: health rpc did not complete within 1s")


async def test_where_nobody_listens_the_connection_takes_too_long() -> None:
    port = free_port()
    outcome = await ask(port, seconds=0.2)
    assert outcome.passes is False
    assert outcome.words == (
        f'timeout: failed to connect service "{HERE}:{port}" within 0.2s: context deadline exceeded'
    )


async def test_who_speaks_no_grpc_does_not_pass() -> None:
    with socket.create_server((HERE, 0)) as mute:
        outcome = await ask(mute.getsockname()[1], seconds=0.2)
    assert outcome.passes is False
