"""Sizes by number: what has a price a second (a size in a region), each kept once and named by what it says.

A running pod carries the number, so that any number of pods are grouped by one whole number, not by six columns of
text. Rows never change: whoever knows a number's size need not ask again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import NamedTuple

import orjson

from billing.models import PricedSize
from billing.rating import Size

NONE = 0
"""The number of no size."""


class Priced(NamedTuple):
    """A size where it is priced."""

    region: str
    size: Size


def number(region: str, size: Size) -> int:
    """63 bits that follow from the region and the size; never NONE."""
    said = orjson.dumps([region, asdict(size)], option=orjson.OPT_SORT_KEYS)
    return int.from_bytes(hashlib.sha256(said).digest()[:8]) >> 1 or 1


def remember(priced: Iterable[tuple[str, Size]]) -> None:
    """In one order, so that two writers never wait for each other in a ring."""
    rows = {number(region, size): PricedSize(region=region, **asdict(size)) for region, size in priced}
    for told, row in rows.items():
        row.number = told
    if rows:
        PricedSize.objects.bulk_create([rows[told] for told in sorted(rows)], ignore_conflicts=True)


def of(numbers: Iterable[int]) -> Mapping[int, Priced]:
    """By number. What this process has not seen yet is one question."""
    wanted = set(numbers) - {NONE}
    if unseen := wanted - _known.keys():
        for row in PricedSize.objects.filter(number__in=unseen):
            _known[row.number] = Priced(row.region, row.size)
    return {told: _known[told] for told in wanted}


_known: dict[int, Priced] = {}
