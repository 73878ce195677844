"""Whom to ask for what is not ours, and asking them: a question goes on as it came and its answer comes back as it is.

Nothing of an answer is read but whose it is, so that no server can make us work; sizes and truncation are between the
two ends. An answer counts when it comes from where the question went and carries its number and its name.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Sequence
from pathlib import Path

from dns.exception import DNSException
from dns.resolver import Resolver

log = logging.getLogger(__name__)

HOSTS_FILE = Path("/etc/resolv.conf")
PATIENCE_SECONDS = 1.5
"""For one server at a time; all together get `_WHOLE_PATIENCE`, less than what askers wait."""
_TRIES = 3
"""A packet may be lost."""
_WHOLE_PATIENCE = 4.5
_MISTRUST_SECONDS = 30.0
"""For so long a server that did not answer comes last."""
_HEADER = 12
_SERVFAIL, _REFUSED = 2, 5


class Resolvers:
    """`own` is never asked."""

    def __init__(self, *, own: str, port: int = 53, hosts_file: Path = HOSTS_FILE) -> None:
        self._own = own
        self._port = port
        self._hosts_file = hosts_file
        self._read_at = 0
        self._hosts: list[str] = []
        self._silent: dict[str, float] = {}

    def of_host(self) -> list[str]:
        """Read again when the file has changed. None that can be asked is an answer, too."""
        try:
            changed = self._hosts_file.stat().st_mtime_ns
        except OSError:
            return self._hosts
        if changed != self._read_at:
            self._read_at, self._hosts = changed, [one for one in _named(self._hosts_file) if one != self._own]
            log.info("names of elsewhere are asked of %s", ", ".join(self._hosts) or "nobody")
        return self._hosts

    async def ask(self, question: bytes, servers: Sequence[str], *, tcp: bool) -> bytes | None:
        """The first good answer, else the first bad one; None when nobody answers in time."""
        until, bad = time.monotonic() + _WHOLE_PATIENCE, dict[str, bytes]()
        for server in sorted(servers, key=self._is_silent) * _TRIES:
            left = until - time.monotonic()
            if left <= 0:
                break
            if server in bad:
                continue
            answer = await self._ask(question, server, tcp=tcp, seconds=min(left, PATIENCE_SECONDS))
            if answer is not None and answer[3] & 0x0F not in (_SERVFAIL, _REFUSED):
                return answer
            if answer is not None:
                bad[server] = answer
        return next(iter(bad.values()), None)

    async def _ask(self, question: bytes, server: str, *, tcp: bool, seconds: float) -> bytes | None:
        number = secrets.token_bytes(2)
        try:
            async with asyncio.timeout(seconds):
                ask = _ask_by_tcp if tcp else _ask_by_udp
                answer = await ask(number + question[2:], server, self._port)
        except (OSError, TimeoutError, EOFError):
            self._silent[server] = time.monotonic()
            return None
        self._silent.pop(server, None)
        return question[:2] + answer[2:]

    def _is_silent(self, server: str) -> bool:
        return time.monotonic() - self._silent.get(server, float("-inf")) < _MISTRUST_SECONDS


def _named(file: Path) -> list[str]:
    resolver = Resolver(configure=False)
    try:
        resolver.read_resolv_conf(str(file))
    except (DNSException, OSError, ValueError) as error:
        log.warning("%s names nobody to ask: %s", file, error)
        return []
    return [str(server) for server in resolver.nameservers]


class _Waiting(asyncio.DatagramProtocol):
    def __init__(self, question: bytes) -> None:
        self._question = question
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: object) -> None:
        if not self.answer.done() and _answers(data, self._question):
            self.answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)


async def _ask_by_udp(question: bytes, server: str, port: int) -> bytes:
    """From a port of its own, which hears that server alone."""
    loop = asyncio.get_running_loop()
    transport, waiting = await loop.create_datagram_endpoint(lambda: _Waiting(question), remote_addr=(server, port))
    try:
        transport.sendto(question)
        return await waiting.answer
    finally:
        transport.close()


async def _ask_by_tcp(question: bytes, server: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(server, port)
    try:
        writer.write(len(question).to_bytes(2, "big") + question)
        answer = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    if not _answers(answer, question):
        raise OSError("that is no answer to the question")
    return answer


def _answers(answer: bytes, question: bytes) -> bool:
    """The same number and the same one question, however its letters are written."""
    if len(answer) < _HEADER or answer[:2] != question[:2] or not answer[2] & 0x80:
        return False
    if answer[4:6] == b"\0\0":
        return answer[3] & 0x0F != 0  # some refuse without repeating what
    end = _end_of_question(question)
    return answer[4:6] == b"\0\1" and answer[_HEADER:end].lower() == question[_HEADER:end].lower()


def _end_of_question(question: bytes) -> int:
    """Of a question that was read already."""
    place = _HEADER
    while question[place]:
        place += question[place] + 1
    return place + 5
