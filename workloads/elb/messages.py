"""Messages of DNS: a question is read, and an answer of our zone written within the bytes that its asker has room for.

Written out here because a pod that looks up a name of elsewhere asks for eight first that do not exist: a library that
makes objects of everything takes ten times as long. What is rare is left to the library.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address

import dns.message
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from dns.rcode import FORMERR, NOERROR, NOTIMP, NXDOMAIN, Rcode
from dns.rdatatype import OPT, A

from workloads.routing import zone
from workloads.routing.zone import Answer, Record

PLAIN, UDP, TCP = 512, 1232, 65535
"""Bytes of an answer: over UDP to who says nothing of it, at most to who does, over TCP."""
LONGEST_QUESTION = 4096
INTERNET = 1
TRUNCATED = 0x02
"""In the third byte."""
_HEADER = struct.Struct("!HBBHHHH")
_OPT = struct.Struct("!BHHBBHH")
_RECORD = struct.Struct("!HHIH")
_ANSWER, _AUTHORITATIVE, _RECURSION_WANTED, _RECURSION = 0x80, 0x04, 0x01, 0x80
_OPCODE, _REPEATED = 0x78, 0x79
_LONGEST_NAME, _LONGEST_LABEL = 255, 63
_NAME_ASKED = b"\xc0\x0c"
"""A pointer to the question's name."""
_SMALLEST = 16
"""Bytes of the smallest record that counts, an A record."""


class Refused(Exception):
    """It is no question that can be answered; `answer` says so, b"" to what deserves none."""

    def __init__(self, answer: bytes) -> None:
        super().__init__()
        self.answer = answer


@dataclass(frozen=True)
class Asked:
    """A question, and the road it came by. `name` is in small letters."""

    wire: bytes
    name: str
    type: int
    klass: int
    end: int
    """Of the question itself."""
    payload: int | None
    """What the asker has room for over UDP, if it says so."""
    version: int
    tcp: bool

    @property
    def type_name(self) -> str:
        return dns.rdatatype.to_text(dns.rdatatype.RdataType(self.type))

    @property
    def room(self) -> int:
        """Bytes of an answer."""
        if self.tcp:
            return TCP
        return PLAIN if self.payload is None else min(max(PLAIN, self.payload), UDP)


def read(wire: bytes, *, tcp: bool) -> Asked:
    """Raises Refused. No answer is answered, or two servers could keep each other busy."""
    if len(wire) < _HEADER.size or wire[2] & _ANSWER:
        raise Refused(b"")
    if wire[2] & _OPCODE:
        raise Refused(_only(wire, NOTIMP))
    _, _, _, questions, answers, authorities, additional = _HEADER.unpack_from(wire)
    if questions != 1 or answers or authorities or additional > 1 or len(wire) > LONGEST_QUESTION:
        raise Refused(_only(wire, FORMERR))
    try:
        name, end = _name(wire)
        type, klass = struct.unpack_from("!HH", wire, end - 4)
        payload, version = _opt(wire, end) if additional else (None, 0)
    except (struct.error, IndexError, ValueError):
        raise Refused(_only(wire, FORMERR)) from None
    return Asked(wire, name, type, klass, end, payload, version, tcp)


def refused(asked: Asked, rcode: Rcode) -> bytes:
    return _written(asked, rcode, [], [], [], flags=0)


def told(asked: Asked, answer: Answer) -> bytes:
    """Where there is more than can be told it is some of it, another time others."""
    most = asked.room // _SMALLEST
    records = _shuffled(answer.records, most)
    authority = [] if _has(asked, records) else [zone.authority(answer.zone)]
    return _written(
        asked,
        NOERROR if answer.exists else NXDOMAIN,
        _records(asked, records),
        _records(asked, authority),
        _records(asked, answer.additional[:most]),
        is_cut=len(records) < len(answer.records),
    )


def followed(asked: Asked, answer: Answer, theirs: dns.message.Message) -> bytes:
    """Our part of an alias, and what others say of its target."""
    records = [*_records(asked, answer.records), *_of_others(theirs.answer)]
    return _written(asked, theirs.rcode(), records, list(_of_others(theirs.authority)), [])


def _name(wire: bytes) -> tuple[str, int]:
    """The question's name, and where the question ends. A dot within a label is no dot between two."""
    labels, place = [], _HEADER.size
    while length := wire[place]:
        if length > _LONGEST_LABEL:
            raise ValueError("a name in a question points nowhere")
        labels.append(wire[place + 1 : place + 1 + length].replace(b".", b"\\"))
        place += length + 1
    if place - _HEADER.size >= _LONGEST_NAME:
        raise ValueError("a name has an end")
    return b".".join(labels).lower().decode("latin-1"), place + 5


def _opt(wire: bytes, place: int) -> tuple[int, int]:
    """The asker's room for an answer, and the version it speaks."""
    name, type, payload, _, version, _, _ = _OPT.unpack_from(wire, place)
    if name or type != OPT:
        raise ValueError("only what EDNS adds is understood")
    return payload, version


def _only(wire: bytes, rcode: Rcode) -> bytes:
    """A header alone: the question's number and what is wrong with it."""
    return wire[:2] + bytes((_ANSWER | (wire[2] & _REPEATED), rcode)) + bytes(8)


def _has(asked: Asked, records: Sequence[Record]) -> bool:
    """Whether the answer is more than the way to it."""
    return any(record.type == asked.type_name for record in records)


def _shuffled(records: Sequence[Record], most: int) -> Sequence[Record]:
    """Aliases stay before what they lead to."""
    if len(records) < 2 or records[0].type == "CNAME":
        return records
    return random.sample(records, min(len(records), most))


def _records(asked: Asked, records: Iterable[Record]) -> list[bytes]:
    return [_record(_NAME_ASKED if name == asked.name else _encoded(name), type, data) for name, type, data in records]


def _record(name: bytes, type: str, data: str) -> bytes:
    if type == "A":
        return name + _RECORD.pack(A, INTERNET, zone.TTL_SECONDS, 4) + IPv4Address(data).packed
    number, wire = _data(type, data)
    return name + _RECORD.pack(number, INTERNET, zone.TTL_SECONDS, len(wire)) + wire


@lru_cache(maxsize=4096)
def _data(type: str, data: str) -> tuple[int, bytes]:
    number = dns.rdatatype.from_text(type)
    return int(number), dns.rdata.from_text(dns.rdataclass.IN, number, data).to_wire() or b""


@lru_cache(maxsize=4096)
def _encoded(name: str) -> bytes:
    return dns.name.from_text(name).to_wire() or b""


def _of_others(found: Iterable[dns.rrset.RRset]) -> Iterator[bytes]:
    for rrset in found:
        name = rrset.name.to_wire() or b""
        for one in rrset:
            wire = one.to_wire() or b""
            yield name + _RECORD.pack(rrset.rdtype, rrset.rdclass, rrset.ttl, len(wire)) + wire


def _written(
    asked: Asked,
    rcode: Rcode,
    records: list[bytes],
    authority: list[bytes],
    additional: list[bytes],
    *,
    flags: int = _AUTHORITATIVE,
    is_cut: bool = False,
) -> bytes:
    """As much of the answer as there is room for, over UDP with the word that there is more, and what nobody asked for
    where there is room left."""
    opt = b"" if asked.payload is None else _OPT.pack(0, OPT, UDP, rcode >> 4, 0, 0, 0)
    left = asked.room - asked.end - len(opt)
    fitting, left = _fitting(records, left)
    is_cut = is_cut or len(fitting) < len(records)
    sources, left = _fitting(authority, left)
    extra, _ = _fitting(additional, left)
    if is_cut and not asked.tcp:
        flags |= TRUNCATED
    flags |= _ANSWER | (asked.wire[2] & _RECURSION_WANTED)
    counts = 1, len(fitting), len(sources), len(extra) + bool(opt)
    header = asked.wire[:2] + struct.pack("!BB4H", flags, _RECURSION | (rcode & 0x0F), *counts)
    return b"".join((header, asked.wire[_HEADER.size : asked.end], *fitting, *sources, *extra, opt))


def _fitting(records: list[bytes], room: int) -> tuple[list[bytes], int]:
    """The first of them, and the room that is left: none behind one that found none."""
    for number, record in enumerate(records):
        room -= len(record)
        if room < 0:
            return records[:number], 0
    return records, room
