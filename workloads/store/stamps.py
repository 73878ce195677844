"""Puts a revision into an object's JSON without parsing it.

`meta`'s wire form begins with apiVersion and kind, then `"metadata":{"resourceVersion":"0"`; that value is cut out and
the revision set in its place. JSON of another shape is brought into this one first, so any JSON object may be stored.
"""

from __future__ import annotations

import re

from workloads.meta import wire

_UP_TO_VALUE = re.compile(rb'\{(?:"(?:apiVersion|kind)":"[^"\\]*",){0,2}"metadata":\{"resourceVersion":"')


def stamp(data: bytes, revision: int) -> bytes:
    """`data` with `revision` as its resourceVersion."""
    before, behind = split(data)
    return b"%b%d%b" % (before, revision, behind)


def split(data: bytes) -> tuple[bytes, bytes]:
    """What stands before and behind the resourceVersion's value. Raises ValueError when `data` is no JSON object."""
    found = _UP_TO_VALUE.match(data)
    if found is None:
        data = wire.dump(wire.load(data))
        found = _UP_TO_VALUE.match(data)
    if found is None:
        raise ValueError("apiVersion and kind of an object may not contain quotes or backslashes")
    return data[: found.end()], data[data.index(b'"', found.end()) :]
