"""The parts of a page that can be sent alone. A page rendered for the socket leaves its regions here instead of in the
text, with a mark where an inner region stood: an outer region changes only when what is its own changes. Words that the
browser keeps true by itself (ages, running costs) are no change.

Of a table's row that has changed its cells alone are sent: of a list whose rows change many times a second, little is
parsed and little is compared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from django.utils.safestring import SafeString, mark_safe

_KEPT_BY_BROWSER = re.compile(r'(<[^>]*data-controller="(?:age|tick)"[^>]*>)[^<]*')
_MARK = re.compile("\x02([^\x03]+)\x03")
_CELL = re.compile(r"(?=<t[dh][\s>])")

Sent = str | dict[str, str]
"""A region's HTML; of a row that is there with as many cells, the cells that are others now, by their place from 0."""


@dataclass
class Regions:
    own: dict[str, str] = field(default_factory=dict)
    """id -> HTML with marks for inner regions."""

    def keep(self, identifier: str, html: str) -> SafeString:
        self.own[identifier] = html.strip()
        return mark_safe(f"\x02{identifier}\x03")  # noqa: S308  a mark of ours, no markup

    def html(self, identifier: str) -> str:
        """The region whole, inner regions included."""
        return _MARK.sub(lambda mark: self.html(mark[1]), self.own[identifier])

    def inner(self, identifier: str) -> set[str]:
        """The regions inside, at any depth."""
        found: set[str] = set()
        for mark in _MARK.findall(self.own[identifier]):
            found |= {mark} | self.inner(mark)
        return found

    def take(self, part: Regions) -> dict[str, Sent]:
        """Puts in the regions of a part that was rendered by itself, where they are known. Returns what came out
        differently."""
        known = Regions({name: own for name, own in part.own.items() if name in self.own})
        different = known.changed_since(Regions({name: self.own[name] for name in known.own}))
        self.own.update(known.own)
        return different

    def changed_since(self, before: Regions) -> dict[str, Sent]:
        """What a page that shows `before` needs to show this. Regions that went are gone with the one around them."""
        different = {name for name, own in self.own.items() if _said(before.own.get(name, "")) != _said(own)}
        covered = {inner for name in different for inner in self.inner(name)}
        return {name: self._since(before, name) for name in self.own if name in different - covered}

    def _since(self, before: Regions, name: str) -> Sent:
        return _cells(before.own.get(name, ""), self.own[name]) or self.html(name)


def _cells(before: str, now: str) -> dict[str, str]:
    """Those of a row that differ; {} where it is not all that differs."""
    if not (before.startswith("<tr") and now.startswith("<tr")) or _MARK.search(now):
        return {}
    (old_row, *old), (row, *new) = _CELL.split(before), _CELL.split(now)
    if _said(old_row) != _said(row) or len(old) != len(new):
        return {}
    pairs = enumerate(zip(old, new, strict=True))
    return {str(place): one.removesuffix("</tr>").strip() for place, (was, one) in pairs if _said(was) != _said(one)}


def _said(html: str) -> str:
    return _KEPT_BY_BROWSER.sub(r"\1", html)
