"""SPDY/3.1's frames: bytes in, events out, and frames as bytes. Pure, and bounded: data comes in pieces, as it was cut.

Only what a kube-apiserver needs of a kubelet: streams that the caller opens, data, their ends, pings and windows.
Nothing maintained speaks it any more; the format is the draft's (draft-mbelshe-httpbis-spdy, version 3, with 3.1's
session window).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

FIRST_WINDOW = 64 * 1024

_VERSION = 3
_FIN = 1
_LONGEST_CONTROL = 64 * 1024
_LONGEST_HEADERS = 64 * 1024
_MOST_HEADERS = 100


class _Kind(IntEnum):
    SYN_STREAM = 1
    SYN_REPLY = 2
    RST_STREAM = 3
    PING = 6
    GOAWAY = 7
    HEADERS = 8
    WINDOW_UPDATE = 9


class Nonsense(Exception):
    """What came is no SPDY/3.1."""


@dataclass(frozen=True)
class Opened:
    stream: int
    headers: Mapping[str, str]
    """Names in lower case."""
    ends: bool


@dataclass(frozen=True)
class Data:
    stream: int
    data: bytes
    ends: bool


@dataclass(frozen=True)
class Reset:
    stream: int


@dataclass(frozen=True)
class Ping:
    id: int


@dataclass(frozen=True)
class Granted:
    """So many more bytes may be sent; stream 0 is the whole session."""

    stream: int
    size: int


@dataclass(frozen=True)
class GoneAway:
    """The caller opens no more streams."""


Event = Opened | Data | Reset | Ping | Granted | GoneAway


class Reader:
    """Frames of one caller, in whatever pieces they come."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._headers = zlib.decompressobj(zdict=DICTIONARY)
        self._stream = 0
        self._left = 0
        """Of a data frame that has begun."""
        self._ends = False

    def receive(self, data: bytes) -> Iterator[Event]:
        """Raises Nonsense."""
        self._buffer += data
        while True:
            if self._left:
                if not self._buffer:
                    return
                yield self._piece()
                continue
            if len(self._buffer) < 8:
                return
            first, rest = struct.unpack_from("!II", self._buffer)
            length = rest & 0xFFFFFF
            if first & 0x80000000:
                if length > _LONGEST_CONTROL:
                    raise Nonsense(f"a control frame of {length} bytes")
                if len(self._buffer) < 8 + length:
                    return
                body = bytes(self._buffer[8 : 8 + length])
                del self._buffer[: 8 + length]
                yield from self._control(first, flags=rest >> 24, body=body)
                continue
            del self._buffer[:8]
            self._stream, self._left, self._ends = first, length, bool((rest >> 24) & _FIN)
            if not length:
                yield Data(self._stream, b"", self._ends)

    def _piece(self) -> Data:
        piece = bytes(self._buffer[: self._left])
        del self._buffer[: len(piece)]
        self._left -= len(piece)
        return Data(self._stream, piece, ends=self._ends and not self._left)

    def _control(self, first: int, *, flags: int, body: bytes) -> Iterator[Event]:
        """Kinds that say nothing here are passed over."""
        if (first >> 16) & 0x7FFF != _VERSION:
            raise Nonsense(f"SPDY version {(first >> 16) & 0x7FFF}")
        try:
            match first & 0xFFFF:
                case _Kind.SYN_STREAM:
                    (stream,) = struct.unpack_from("!I", body)
                    yield Opened(stream & 0x7FFFFFFF, self._read_headers(body[10:]), bool(flags & _FIN))
                case _Kind.RST_STREAM:
                    stream, _ = struct.unpack_from("!II", body)
                    yield Reset(stream & 0x7FFFFFFF)
                case _Kind.PING:
                    yield Ping(*struct.unpack_from("!I", body))
                case _Kind.GOAWAY:
                    yield GoneAway()
                case _Kind.HEADERS:
                    self._read_headers(body[4:])
                case _Kind.WINDOW_UPDATE:
                    stream, size = struct.unpack_from("!II", body)
                    yield Granted(stream & 0x7FFFFFFF, size & 0x7FFFFFFF)
        except (struct.error, zlib.error, UnicodeDecodeError) as error:
            raise Nonsense(str(error)) from error

    def _read_headers(self, block: bytes) -> dict[str, str]:
        """All header blocks of a session are one compressed text, so each has to be read."""
        text = self._headers.decompress(block, _LONGEST_HEADERS)
        if self._headers.unconsumed_tail:
            raise Nonsense("headers of more than 64 KiB")
        (count,) = struct.unpack_from("!I", text)
        if count > _MOST_HEADERS:
            raise Nonsense(f"{count} headers")
        at, words = 4, []
        for _ in range(2 * count):
            (length,) = struct.unpack_from("!I", text, at)
            words.append(text[at + 4 : at + 4 + length].decode("latin-1"))
            at += 4 + length
        return {name.lower(): value for name, value in zip(words[::2], words[1::2], strict=True)}


class Writer:
    """Frames for one caller. Replies have to be sent in the order in which they were made."""

    def __init__(self) -> None:
        self._headers = zlib.compressobj(9, zlib.DEFLATED, 15, 9, 0, DICTIONARY)

    def reply(self, stream: int, headers: Mapping[str, str] | None = None) -> bytes:
        words = [word.encode("latin-1") for pair in (headers or {}).items() for word in pair]
        text = struct.pack("!I", len(words) // 2) + b"".join(struct.pack("!I", len(word)) + word for word in words)
        block = self._headers.compress(text) + self._headers.flush(zlib.Z_SYNC_FLUSH)
        return _control(_Kind.SYN_REPLY, struct.pack("!I", stream) + block)

    def opening(self, stream: int, headers: Mapping[str, str], *, ends: bool = False) -> bytes:
        """What a caller sends."""
        reply = self.reply(0, headers)
        return _control(_Kind.SYN_STREAM, struct.pack("!IIH", stream, 0, 0) + reply[12:], flags=_FIN if ends else 0)

    @staticmethod
    def data(stream: int, data: bytes, *, ends: bool = False) -> bytes:
        return struct.pack("!II", stream, (_FIN if ends else 0) << 24 | len(data)) + data

    @staticmethod
    def reset(stream: int, reason: int) -> bytes:
        return _control(_Kind.RST_STREAM, struct.pack("!II", stream, reason))

    @staticmethod
    def ping(id: int) -> bytes:
        return _control(_Kind.PING, struct.pack("!I", id))

    @staticmethod
    def grant(stream: int, size: int) -> bytes:
        return _control(_Kind.WINDOW_UPDATE, struct.pack("!II", stream, size))

    @staticmethod
    def go_away(last: int) -> bytes:
        return _control(_Kind.GOAWAY, struct.pack("!II", last, 0))


PROTOCOL_ERROR, REFUSED_STREAM = 1, 3


def _control(kind: int, body: bytes, *, flags: int = 0) -> bytes:
    return struct.pack("!HHI", 0x8000 | _VERSION, kind, flags << 24 | len(body)) + body


_NAMES = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow "
    "authorization cache-control connection content-base content-encoding content-language content-length "
    "content-location content-md5 content-range content-type date etag expect expires from host if-match "
    "if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma "
    "proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade "
    "user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie "
    "keep-alive origin"
)
_REST = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden"
    "404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug "
    "Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,"
    "application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdch"
    "charset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)
DICTIONARY = (
    b"".join(
        struct.pack("!I", len(name)) + name.encode() for name in (word.replace("_", " ") for word in _NAMES.split())
    )
    + _REST.encode()
)
"""What header blocks begin to be compressed with, as the draft lists it: both sides must have the same bytes."""
