"""Which of the host's graphics cards a pod gets: its own, until it has ended. The numbers stand on the pod, written
with its place, so that two pods never share a card and a crash forgets nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from workloads.kinds import podspecs
from workloads.meta.keys import Key
from workloads.store import objects

JSON = Mapping[str, Any]
UNFINISHED = ("Pending", "Running")
_SHORT = "0/1 nodes are available: needs cards: "


class NoCards(Exception):
    """There are too few; the text is the sentence for the event."""


def assign(pod: JSON, cards: Mapping[str, Sequence[str]]) -> str:
    """The numbers of the cards the pod gets, as its annotation says them; "" when it asks for none. Under the lock of
    the host's room only. Raises NoCards."""
    size = podspecs.chosen(dict(pod))
    if size is None or not size.gpus:
        return ""
    have = cards.get(size.gpu, ())
    taken = set(_taken())
    free = [number for number in have if number not in taken]
    if len(free) < size.gpus:
        there = f"{len(free)} of {len(have)} free" if have else "there are none on this host (the operator's CCI_GPUS)"
        raise NoCards(f"{_SHORT}{size.gpus} x {size.gpu}, {there}")
    return ",".join(free[: size.gpus])


def waits(message: str) -> bool:
    """Whether this is why a pod has no place: room that frees does not help it."""
    return message.startswith(_SHORT)


def waiting() -> list[Key]:
    """The pods of all accounts that wait for cards, the oldest first."""
    found = objects.briefs("Pod", phases=("Pending",), placed=False, containing=[_SHORT.encode()])
    return [one.key for one in found if not one.deleting]


def _taken() -> Iterator[str]:
    """Of all accounts' pods that have a place and have not ended."""
    for phase in UNFINISHED:
        for row in objects.scan("Pod", phase=phase, containing=[podspecs.DEVICES_ANNOTATION.encode()]).rows:
            if row.node:
                yield from (podspecs.annotated(orjson.loads(row.data), podspecs.DEVICES_ANNOTATION) or "").split(",")
