"""One gRPC health check (grpc.health.v1), and what came of it in the kubelet's words. No TLS, as in Kubernetes."""

from __future__ import annotations

import asyncio

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

_OPTIONS = (
    # a probe asks whether a new caller would be served: nothing is shared with the one before
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
)


async def check(ip: str, port: int, service: str, *, seconds: float, agent: str) -> str:
    """What is wrong with the service; "" when it serves."""
    target = f"{ip}:{port}"
    options = [*_OPTIONS, ("grpc.primary_user_agent", agent)]
    connected = False
    async with grpc.aio.insecure_channel(target, options=options) as channel:
        try:
            async with asyncio.timeout(seconds):
                await channel.channel_ready()
                connected = True
                call = health_pb2_grpc.HealthStub(channel).Check  # type: ignore[attr-defined]
                answer = await call(health_pb2.HealthCheckRequest(service=service))
        except TimeoutError:
            if connected:
                return f"timeout: health rpc did not complete within {seconds:g}s"
            return f'timeout: failed to connect service "{target}" within {seconds:g}s: context deadline exceeded'
        except grpc.aio.AioRpcError as error:
            return _refusal(error, seconds=seconds)
    if answer.status == health_pb2.HealthCheckResponse.SERVING:
        return ""
    name = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    return f'service unhealthy (responded with "{name}")'


def _refusal(error: grpc.aio.AioRpcError, *, seconds: float) -> str:
    if error.code() == grpc.StatusCode.UNIMPLEMENTED:
        opening = "error: this server does not implement the grpc health protocol (grpc.health.v1.Health)"
        return f"{opening}: {error.details()}"
    if error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
        return f"timeout: health rpc did not complete within {seconds:g}s"
    code = error.code().name.title().replace("_", "")
    return f"error: health rpc probe failed: rpc error: code = {code} desc = {error.details()}"
