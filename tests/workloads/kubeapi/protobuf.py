"""The wire format, written by hand: what a client's encoder puts into a body."""

from __future__ import annotations

MAGIC = b"k8s\x00"


def field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + varint(len(content)) + content


def number(number: int, value: int) -> bytes:
    return bytes([number << 3]) + varint(value % (1 << 64))


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def envelope(api_version: str, kind: str, raw: bytes) -> bytes:
    types = field(1, api_version.encode()) + field(2, kind.encode())
    return MAGIC + field(1, types) + field(2, raw) + field(3, b"") + field(4, b"")
