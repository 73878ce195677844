"""gzip, where it pays: long answers over a network. On loopback it costs more time than it saves, and a stream is never
held up by it."""

from __future__ import annotations

import asyncio
import ipaddress
import zlib
from collections.abc import MutableMapping
from dataclasses import replace
from typing import Any

from workloads.kubeapi.exchange import Reply

SHORTEST = 128 * 1024
"""As upstream: below, a packet more or less is not worth it."""
_LEVEL = 1
_GZIP = 31
"""zlib's word for gzip's header."""


async def fitting(reply: Reply, scope: MutableMapping[str, Any]) -> Reply:
    """The reply as it shall go out to whom `scope` names."""
    if len(reply.body) < SHORTEST or not _wants(scope) or _is_near(scope):
        return reply
    body = await asyncio.get_running_loop().run_in_executor(None, _compressed, reply.body)
    headers = (("content-encoding", "gzip"), ("vary", "Accept-Encoding"))
    return replace(reply, body=body, headers=(*reply.headers, *headers))


def _wants(scope: MutableMapping[str, Any]) -> bool:
    said = b",".join(value for name, value in scope["headers"] if name == b"accept-encoding").decode("latin-1").lower()
    for coding in said.split(","):
        name, _, quality = coding.partition(";")
        if name.strip() == "gzip":
            return quality.replace(" ", "").rstrip("0.") not in ("q=", "q")
    return False


def _is_near(scope: MutableMapping[str, Any]) -> bool:
    client = scope.get("client")
    try:
        return client is None or ipaddress.ip_address(client[0]).is_loopback
    except ValueError:
        return True  # a Unix socket


def _compressed(body: bytes) -> bytes:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    return packer.compress(body) + packer.flush()
