"""A DNS server that says what a test wants, and a way to ask one from an address of one's own choice."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import cast

import dns.asyncquery
import dns.message
import dns.rcode
import dns.rrset
from dns.message import Message

Said = Callable[[Message, bool], Message | bytes | None]
"""To a question, asked over TCP or not."""


@contextlib.asynccontextmanager
async def saying(said: Said, address: str, port: int) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(said), local_addr=(address, port))
    server = await asyncio.start_server(lambda reader, writer: _exchange(said, reader, writer), address, port)
    try:
        yield
    finally:
        server.close()
        transport.close()


def addresses(*found: str, rcode: dns.rcode.Rcode = dns.rcode.NOERROR) -> Said:
    """These, whatever is asked for."""

    def say(question: Message, tcp: bool) -> Message:
        reply = dns.message.make_response(question, recursion_available=True)
        reply.set_rcode(rcode)
        if found:
            reply.answer = [dns.rrset.from_text(question.question[0].name, 60, "IN", "A", *found)]
        return reply

    return say


async def ask(name: str, type: str, *, at: tuple[str, int], source: str, tcp: bool = False, edns: int = 0) -> Message:
    """`edns`: bytes that the asker has room for, if it says so."""
    query = dns.message.make_query(name, type, use_edns=0 if edns else None, payload=edns or None)
    by = dns.asyncquery.tcp if tcp else dns.asyncquery.udp
    return await by(query, at[0], port=at[1], source=source, timeout=5)


def data(reply: Message) -> list[str]:
    """Of the answer, by type."""
    return [f"{rrset.rdtype.name} {one}" for rrset in reply.answer for one in sorted(map(str, rrset))]


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, said: Said) -> None:
        self._said = said

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if (reply := _wire(self._said, data, tcp=False)) is not None:
            self._transport.sendto(reply, addr)


async def _exchange(said: Said, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(EOFError, OSError):
        while length := int.from_bytes(await reader.readexactly(2), "big"):
            reply = _wire(said, await reader.readexactly(length), tcp=True) or b""
            writer.write(len(reply).to_bytes(2, "big") + reply)
    writer.close()


def _wire(said: Said, question: bytes, *, tcp: bool) -> bytes | None:
    reply = said(dns.message.from_wire(question), tcp)
    return reply.to_wire() if isinstance(reply, Message) else reply
