"""A connection to the daemon that it hands over: one HTTP request, and after its answer the bytes of a process.

By hand, because an HTTP library reads ahead: what a quick command says at once would stay in its buffer.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Mapping
from typing import Any

ANSWER_SECONDS = 60

_LONGEST_HEAD = 64 * 1024
_LONGEST_WORDS = 64 * 1024
_END = b"\r\n\r\n"


class Refused(Exception):
    """The text is the daemon's words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


def hijacked(address: str, path: str, body: Mapping[str, Any]) -> socket.socket:
    """Not blocking any more. Raises Refused, OSError."""
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\n"
        f"Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    line = _dialled(address)
    try:
        line.sendall(head.encode() + content)
        status, answered = _answer_head(line)
        if status not in (101, 200):
            raise Refused(status, _words(line, answered))
        line.setblocking(False)
    except BaseException:
        line.close()
        raise
    return line


def _dialled(address: str) -> socket.socket:
    """Raises OSError, also where there is TLS in between: what is handed over is the kernel's socket."""
    scheme, _, place = address.partition("://")
    if scheme in ("tcp", "http"):
        host, _, port = place.rpartition(":")
        return socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS)
    if scheme != "unix":
        raise OSError(f"commands and terminals need a daemon at a Unix socket or at tcp://, this one is {scheme}://")
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(ANSWER_SECONDS)
    try:
        line.connect(place)
    except OSError:
        line.close()
        raise
    return line


def _answer_head(line: socket.socket) -> tuple[int, str]:
    """The status and the headers of the answer, and not a byte more than that: the rest is the process's."""
    head = b""
    while not head.endswith(_END):
        seen = line.recv(_LONGEST_HEAD, socket.MSG_PEEK)
        if not seen or len(head) > _LONGEST_HEAD:
            raise OSError("it hung up instead of an answer")
        before = head[-len(_END) + 1 :]
        end = (before + seen).find(_END)
        head += line.recv(len(seen) if end < 0 else end + len(_END) - len(before))
    text = head.decode("latin-1")
    return int(text.split(None, 2)[1]), text.lower()


def _words(line: socket.socket, head: str) -> str:
    found = re.search(r"content-length: *(\d+)", head)
    length, body = min(int(found[1]) if found else 0, _LONGEST_WORDS), b""
    while length > len(body) and (piece := line.recv(length - len(body))):
        body += piece
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace") or head.split("\r\n", 1)[0]
