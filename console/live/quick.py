"""Parts of a page that can be shown anew from a change alone, at once, while the page as a whole (counts, totals, what
is listed in which order) follows at its own pace.

A page that has some names a function for them:

    @page("pods/list.html", kinds=("Pod",), quick=quick_rows)
    def quick_rows(visit: Visit, shown: Context, changes: Sequence[Change]) -> Quickly: ...

`shown` is the context that the page was rendered with last; what a fragment shows instead is put into it, so that it
stays what stands on the page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from console.access import Visit

Context = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """One entry of the log, of a kind that the page follows, in its namespace."""

    type: str
    """ADDED, MODIFIED, DELETED."""
    kind: str
    namespace: str
    name: str
    revision: int
    data: bytes

    @cached_property
    def obj(self) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self.data)
        return found


@dataclass(frozen=True)
class Fragment:
    """A template with regions inside, and what it needs beside the page's context."""

    template: str
    context: Context


@dataclass(frozen=True)
class Quickly:
    fragments: tuple[Fragment, ...] = ()
    whole: bool = False
    """Whether the page must be looked at as a whole, as soon as can be; else it has time."""


WHOLE = Quickly(whole=True)
Quick = Callable[[Visit, Context, Sequence[Change]], Quickly]
