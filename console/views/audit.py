"""The trail of the account: who changed what, from where, and who was denied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console import lists, sections
from console.access import Visit
from console.lists import Query
from console.pages import Context, page
from console.states import State
from iam import trails
from iam.models import AuditEntry

FILTERS = ("q", "user", "outcome", "since", "until")
_SHOWN = 160
"""Letters of a value; REST tells the whole."""


@dataclass(frozen=True)
class Change:
    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class TrailRow:
    entry: AuditEntry

    @property
    def state(self) -> State:
        if self.entry.outcome == "denied":
            return State(_("Denied"), tone="bad", shape="diamond")
        if self.entry.outcome == "failed":
            return State(_("Failed"), tone="warn", shape="triangle")
        return State(_("Done"), tone="ok")

    @property
    def url(self) -> str:
        """Where its object is shown; "" for what has no page."""
        return sections.page_of(self.entry.kind, self.entry.namespace, self.entry.name) if self.entry.name else ""

    @property
    def changes(self) -> list[Change]:
        return [_change(one) for one in self.entry.changes]


@page("audit/list.html")
def trail(visit: Visit) -> Context:
    query = Query.of(visit.request, *FILTERS)
    found = _found(visit, query)
    rows, more = [TrailRow(entry) for entry in found[: lists.PAGE]], len(found) > lists.PAGE
    count = ngettext("%(count)s shown", "%(count)s shown", len(rows)) % {"count": len(rows)}
    following = query.following(str(rows[-1].entry.pk)) if more else ""
    return {
        "section": "audit",
        "rows": rows,
        "query": query,
        "outcomes": _outcomes(query),
        "everybody": query.with_(user=""),
        "pager": lists.Pager(count, not query.get("continue"), query.with_(), following),
        "is_filtered": any(query.get(name) for name in (*FILTERS, "continue")),
    }


def _found(visit: Visit, query: Query) -> list[AuditEntry]:
    return trails.search(
        visit.identity,
        text=query.get("q"),
        user=query.get("user"),
        outcome=query.get("outcome"),
        since=_day(query.get("since")),
        before=_day(query.get("until"), days=1),
        older_than=_number(query.get("continue")),
        limit=lists.PAGE + 1,
    )


def _outcomes(query: Query) -> Sequence[lists.Chip]:
    words = (("", _("All")), ("done", _("Done")), ("denied", _("Denied")), ("failed", _("Failed")))
    return [query.chip("outcome", value, word) for value, word in words]


def _change(one: dict[str, Any]) -> Change:
    return Change(str(one.get("path", "")), _text(one, "before"), _text(one, "after"))


def _text(one: dict[str, Any], side: str) -> str | None:
    if side not in one:
        return None
    text = str(one[side])
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _day(text: str, *, days: int = 0) -> datetime | None:
    """The start of a day (UTC), `days` later; None for what is no date."""
    try:
        found = parse_date(text)
    except ValueError:
        return None
    return datetime(found.year, found.month, found.day, tzinfo=UTC) + timedelta(days=days) if found else None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
