"""Questions for names in, answers out: bytes. Those of the namespace that asks from memory (`routing.zone`), all others
as its Network's servers or the host's own say.

Who asks is told by the address it asks from, which no pod can choose. Everything is bounded, and what is odd is refused
before it is read: one namespace's flood or junk costs the others little.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from ipaddress import IPv4Address
from typing import Any

import dns.message
from django.conf import settings
from dns import rcode, rdatatype
from dns.exception import DNSException
from dns.message import Message

from workloads.elb import messages
from workloads.elb.messages import Asked, Refused
from workloads.elb.resolvers import Resolvers
from workloads.kinds.networks import SERVICES
from workloads.routing import zone
from workloads.routing.zone import INSTANCE, Answer, Directory, Home, Record, Zone

log = logging.getLogger(__name__)

MOST_A_SECOND = 2000
"""Questions of one namespace; what is more is not heard, and asked again a moment later."""
MOST_WAITING, MOST_WAITING_OF_ONE = 1000, 200
"""Questions that others are asked at a time: of all, of one namespace."""
_MOST_FOLLOWED = 8192
"""Bytes of an answer of others that is read."""
_TRANSFERS = (rdatatype.AXFR, rdatatype.IXFR)

Reply = bytes | Coroutine[Any, Any, bytes] | None
"""At once, later, or never."""


class Names:
    """Questions in, answers out: bytes."""

    def __init__(self, directory: Directory, *, address: str, api: Callable[[], str], resolvers: Resolvers) -> None:
        self._directory = directory
        self._address = address
        self._zone = Zone(directory, server=address, api=api)
        self._resolvers = resolvers
        self._second, self._asked = 0, Counter[Home | None]()
        self._waiting = Counter[Home]()

    def home(self, asker: str) -> Home | None:
        return self._directory.home(asker)

    def reply(self, wire: bytes, asker: str, *, tcp: bool) -> Reply:
        home = self._directory.home(asker)
        if asker != self._address and not self._is_heard(home):
            return None
        try:
            asked = messages.read(wire, tcp=tcp)
        except Refused as refusal:
            return refusal.answer or None
        return self._answered(asked, asker, home)

    def _answered(self, asked: Asked, asker: str, home: Home | None) -> Reply:
        if asked.version:
            return messages.refused(asked, rcode.BADVERS)
        if asked.klass != messages.INTERNET or asked.type in _TRANSFERS:
            return messages.refused(asked, rcode.REFUSED)
        if asker == self._address:
            return _to_the_host(asked)
        if home is None:
            return messages.refused(asked, rcode.REFUSED)
        answer = self._zone.answer(home, asked.name, asked.type_name)
        if answer is not None and not answer.follow:
            return messages.told(asked, answer)
        if self._waiting[home] >= MOST_WAITING_OF_ONE or self._waiting.total() >= MOST_WAITING:
            return messages.refused(asked, rcode.SERVFAIL)
        return self._later(asked, home, answer)

    def _is_heard(self, home: Home | None) -> bool:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._asked = second, Counter()
        self._asked[home] += 1
        if self._asked[home] == MOST_A_SECOND:
            log.warning("more than %s questions a second from %s: the others are not heard", MOST_A_SECOND, home)
        return self._asked[home] <= MOST_A_SECOND

    # Others

    async def _later(self, asked: Asked, home: Home, answer: Answer | None) -> bytes:
        self._waiting[home] += 1
        try:
            servers = self._servers(home)
            if answer is not None:
                return await self._followed(asked, answer, servers)
            found = await self._resolvers.ask(asked.wire, servers, tcp=asked.tcp)
            return found or messages.refused(asked, rcode.SERVFAIL)
        finally:
            self._waiting[home] -= 1
            if not self._waiting[home]:
                del self._waiting[home]

    def _servers(self, home: Home) -> list[str]:
        named = self._directory.resolvers(*home)
        return [one for one in named if self._may_ask(home, one)] if named else self._resolvers.of_host()

    def _may_ask(self, home: Home, server: str) -> bool:
        """Not whom the namespace's own pods could not ask: what is on this host's loopback, or in others' networks."""
        address = IPv4Address(server)
        if address.is_loopback or address.is_unspecified or address.is_multicast or address in SERVICES:
            return False
        return self._directory.home(server) in (None, home)

    async def _followed(self, asked: Asked, answer: Answer, servers: Sequence[str]) -> bytes:
        """Our part of an alias, and what others say of its target."""
        question = dns.message.make_query(answer.follow, asked.type_name, use_edns=0, payload=messages.UDP).to_wire()
        found = await self._resolvers.ask(question, servers, tcp=False)
        if found is not None and found[2] & messages.TRUNCATED:
            found = await self._resolvers.ask(question, servers, tcp=True)
        theirs = _read(found)
        return messages.followed(asked, answer, theirs) if theirs else messages.refused(asked, rcode.SERVFAIL)


def _read(wire: bytes | None) -> Message | None:
    """None for what is no message, and for one that is too long to be read here."""
    try:
        return dns.message.from_wire(wire, ignore_trailing=True) if wire and len(wire) < _MOST_FOLLOWED else None
    except (DNSException, ValueError):
        return None


def _to_the_host(asked: Asked) -> bytes:
    """What the agent asks to know that it is we who answer. The host itself is no namespace."""
    if (asked.name, asked.type) != (INSTANCE, rdatatype.TXT):
        return messages.refused(asked, rcode.REFUSED)
    said = Record(INSTANCE, "TXT", f'"{settings.INSTANCE_ID}"')
    return messages.told(asked, Answer(zone.DOMAIN, records=(said,)))
