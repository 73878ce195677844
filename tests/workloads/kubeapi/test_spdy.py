"""SPDY/3.1's frames, however they are cut on their way."""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.kubeapi.streaming import spdy
from workloads.kubeapi.streaming.spdy import Data, Granted, Nonsense, Opened, Ping, Reader, Reset, Writer

HEADERS = {"streamtype": "data", "port": "8080", "requestid": "0"}


def read(wire: bytes, cuts: list[int] | None = None) -> list[spdy.Event]:
    """The events, with the pieces of each data frame joined."""
    reader, events = Reader(), []
    at = 0
    for cut in [*sorted(cuts or []), len(wire)]:
        events += reader.receive(wire[at:cut])
        at = max(at, cut)
    joined: list[spdy.Event] = []
    for event in events:
        last = joined[-1] if joined else None
        if isinstance(event, Data) and isinstance(last, Data) and last.stream == event.stream and not last.ends:
            joined[-1] = Data(event.stream, last.data + event.data, event.ends)
        else:
            joined.append(event)
    return joined


def conversation() -> bytes:
    writer = Writer()
    return b"".join(
        [
            writer.opening(1, {"streamType": "error", "port": "8080"}, ends=True),
            writer.opening(3, HEADERS),
            writer.data(3, b"hello" * 100, ends=True),
            writer.ping(5),
            writer.grant(3, 7),
            writer.reset(3, spdy.REFUSED_STREAM),
            writer.opening(5, {"port": "81"}),
            writer.data(5, b""),
        ]
    )


@given(cuts=st.lists(st.integers(0, 700)))
def test_frames_are_read_however_they_are_cut(cuts: list[int]) -> None:
    wire = conversation()
    assert read(wire, [min(cut, len(wire)) for cut in cuts]) == [
        Opened(1, {"streamtype": "error", "port": "8080"}, ends=True),
        Opened(3, HEADERS, ends=False),
        Data(3, b"hello" * 100, ends=True),
        Ping(5),
        Granted(3, 7),
        Reset(3),
        Opened(5, {"port": "81"}, ends=False),
        Data(5, b"", ends=False),
    ]


@given(wire=st.binary(max_size=200))
def test_any_bytes_are_read_or_are_nonsense(wire: bytes) -> None:
    with suppress(Nonsense):
        list(Reader().receive(wire))


def test_headers_that_grow_beyond_measure_are_nonsense() -> None:
    compressor = zlib.compressobj(9, zlib.DEFLATED, 15, 9, 0, spdy.DICTIONARY)
    block = compressor.compress(bytes(10_000_000)) + compressor.flush(zlib.Z_SYNC_FLUSH)
    body = struct.pack("!IIH", 1, 0, 0) + block
    with pytest.raises(Nonsense, match="64 KiB"):
        read(struct.pack("!HHI", 0x8003, 1, len(body)) + body)


def test_a_control_frame_that_is_too_long_is_nonsense_before_it_is_there() -> None:
    with pytest.raises(Nonsense):
        read(struct.pack("!HHI", 0x8003, 1, 0xFFFFFF))


def test_another_version_is_nonsense() -> None:
    with pytest.raises(Nonsense, match="version 2"):
        read(struct.pack("!HHI", 0x8002, 6, 4) + bytes(4))


def test_the_dictionary_is_the_drafts() -> None:
    assert (len(spdy.DICTIONARY), zlib.adler32(spdy.DICTIONARY)) == (1423, 0xE3C6A7C2)
