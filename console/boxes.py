"""Lists to tick: what somebody or something has of all there is, changed in one go.

The form sends what was ticked when it was drawn, too (`had`): what somebody else gave meanwhile is not taken away.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import HttpRequest


@dataclass(frozen=True)
class Box:
    name: str
    note: str
    had: bool
    ticked: bool


@dataclass(frozen=True)
class Boxes:
    offered: tuple[Box, ...]
    has: frozenset[str]
    """What is had now, whatever the form says."""

    @classmethod
    def of(cls, request: HttpRequest, offered: Iterable[tuple[str, str]], has: Iterable[str]) -> Boxes:
        """`offered` are names with a note each; as ticked in the form that was sent, else as it is."""
        now = frozenset(has)
        sent = request.method == "POST"
        had = frozenset(request.POST.getlist("had")) if sent else now
        ticked = frozenset(request.POST.getlist("ticked")) if sent else now
        return cls(tuple(Box(name, note, name in had, name in ticked) for name, note in offered), now)

    @property
    def added(self) -> list[str]:
        return [box.name for box in self.offered if box.ticked and not box.had]

    @property
    def removed(self) -> list[str]:
        return [box.name for box in self.offered if box.had and not box.ticked and box.name in self.has]
