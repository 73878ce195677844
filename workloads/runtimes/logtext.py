"""A container's log as text: how Docker's own log files become it, and how it is read. Pure, but for what it iterates.

Every line is `<time> <what was written>`, the time as Docker's API writes it: UTC, nine digits after the point, always
`STAMP` bytes with the blank. What Docker cut into pieces (it does after 16 KiB) is one line again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice

import orjson

STAMP = len("2006-01-02T15:04:05.000000000Z ")


def stamp(moment: datetime) -> bytes:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z ").encode()


def of_json(entries: Iterable[bytes]) -> Iterator[bytes]:
    """The text of a `json-file` log, piece by piece. An entry that was torn when the host went down says nothing."""
    at_start = True
    for entry in entries:
        try:
            found = orjson.loads(entry)
            piece, time = found["log"].encode(), found["time"]
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, UnicodeEncodeError):
            continue
        yield _padded(time) + piece if at_start else piece
        at_start = piece.endswith(b"\n")


def of_stamped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The text of what Docker's API sends with times: there every piece of a line has one."""
    at_start = True
    for piece in pieces:
        yield piece if at_start else piece[STAMP:]
        at_start = piece.endswith(b"\n")


def chosen(lines: Iterable[bytes], *, since: datetime | None, skip: int = 0) -> Iterator[bytes]:
    """Those written at `since` or later, but for the first `skip` of them."""
    if since is not None:
        least = stamp(since)
        lines = (line for line in lines if line[:STAMP] >= least)
    return islice(lines, skip, None)


def _padded(time: str) -> bytes:
    """Docker's files leave zeros at the end out."""
    clock, _, fraction = time.rstrip("Z").partition(".")
    return f"{clock}.{fraction:0<9.9}Z ".encode()
