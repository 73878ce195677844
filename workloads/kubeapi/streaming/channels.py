"""Kubernetes' channel protocols: several streams in one WebSocket, each message with its channel's number before it.

v5.channel.k8s.io          as v4, and a channel can be closed: 255 and its number
v4.channel.k8s.io          the error channel tells a `Status`
channel.k8s.io, ""         the error channel tells text, and nothing when all went well
*.base64.channel.k8s.io    the same in text: a digit, then base64
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

STDIN, STDOUT, STDERR, ERROR, RESIZE = range(5)
V5 = "v5.channel.k8s.io"
PROTOCOLS = (V5, "v4.channel.k8s.io", "v4.base64.channel.k8s.io", "channel.k8s.io", "base64.channel.k8s.io", "")

_CLOSE = 255


@dataclass(frozen=True)
class Received:
    channel: int
    data: bytes = b""
    closes: bool = False
    """Nothing more comes on this channel."""


class Channels(Protocol):
    def encode(self, channel: int, data: bytes) -> bytes | str: ...

    def decode(self, message: bytes) -> Received | None:
        """None for what means nothing."""


def channels(protocol: str) -> Channels:
    return _Text() if "base64" in protocol else _Binary(closes=protocol == V5)


def tells_status(protocol: str) -> bool:
    return protocol.startswith(("v4.", "v5."))


def success() -> dict[str, Any]:
    return {"metadata": {}, "status": "Success"}


def exit_status(code: int) -> dict[str, Any]:
    """What kubectl makes its own exit code of."""
    if code == 0:
        return success()
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def terminal_size(data: bytes) -> tuple[int, int] | None:
    """Columns and rows; None for what is no size."""
    try:
        told = orjson.loads(data)
        columns, rows = told["Width"], told["Height"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    if type(columns) is not int or type(rows) is not int or not (0 < columns < 65536 and 0 < rows < 65536):
        return None
    return columns, rows


@dataclass(frozen=True)
class _Binary:
    closes: bool

    def encode(self, channel: int, data: bytes) -> bytes:
        return bytes((channel,)) + data

    def decode(self, message: bytes) -> Received | None:
        if not message:
            return None
        if message[0] == _CLOSE and self.closes:
            return Received(message[1], closes=True) if len(message) > 1 else None
        return Received(message[0], message[1:])


class _Text:
    def encode(self, channel: int, data: bytes) -> str:
        return f"{channel}{base64.b64encode(data).decode()}"

    def decode(self, message: bytes) -> Received | None:
        digit, text = message[:1], message[1:]
        if not digit.isdigit():
            return None
        try:
            return Received(int(digit), base64.b64decode(text, validate=True))
        except binascii.Error:
            return None
