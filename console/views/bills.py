"""Bills: the month so far and what it will come to, statements by month and day, each line down to the containers."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from billing import client as billing
from billing.client import Bill, BillLine, MonthSum, NoSuchPeriod, Period, Unit
from console import billsight, charts, lists
from console.access import Visit, guarded
from console.dear import KEPT
from console.lists import Query
from console.pages import Context, page
from console.states import State
from workloads.meta.errors import NotFound

_UNITS: dict[str, Unit] = {"24h": "hour", "30d": "day", "12m": "month"}
_PAGE = 200
"""Lines of a statement on one page."""
_GROUPS = 12
"""Shares shown singly; the rest is one."""


@dataclass(frozen=True)
class Share:
    """One part of the month: of a namespace, a workload, a label's value or a project."""

    name: str
    note: str
    amount: Decimal
    percent: int
    width: str
    url: str = ""


@dataclass(frozen=True)
class LineRow:
    line: BillLine
    url: str

    @property
    def label_words(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.line.labels.items())


@page("bills/overview.html", kinds=("Pod",))
def overview(visit: Visit) -> Context:
    query = Query.of(visit.request, "chart", "by", "label")
    account, seen = visit.identity.account, billsight.within(visit.client)
    so_far = KEPT.get(("so far", account, seen), lambda: billing.month_so_far(account, within=seen))
    present = so_far.bill
    months = billing.bills(account, within=seen, present=present)
    unit = _UNITS.get(query.get("chart"), "day")
    keys = sorted({name for line in present.lines for name in line.labels})
    return {
        "section": "bills",
        "query": query,
        "so_far": so_far.meter,
        "present": present,
        "forecast": billing.forecast(so_far.meter, account, within=seen),
        "last": next((one for one in months[1:] if one.state != "open"), None),
        "months": [MonthRow(one) for one in months],
        "chart": charts.bars(billing.chart(so_far, unit, within=seen), unit),
        "unit": unit,
        "spans": [_chip(query, "chart", *one, chosen=query.get("chart") or "30d") for one in _spans()],
        "ways": [_chip(query, "by", *one, chosen=query.get("by") or "namespace") for one in _ways()],
        "labels": [query.chip("label", name, name) for name in keys] if query.get("by") == "label" else [],
        "shares": shares(present.lines, query.get("by"), query.get("label") or (keys[0] if keys else "")),
        "hidden": present.hidden,
    }


@page("bills/statement.html")
def statement(visit: Visit, *, period: str) -> Context:
    query = Query.of(visit.request, "namespace", "q", "project", "label")
    told = _bill(visit, period)
    lines = [line for line in told.lines if _wanted(line, query)]
    start = _offset(query)
    return {
        "section": "bills",
        "query": query,
        "bill": told,
        "state": state_of(told.state),
        "rows": [_row(told, line) for line in lines[start : start + _PAGE]],
        "namespaces": _namespaces(told),
        "corrections": [line for line in told.lines if line.corrects_month],
        "shown": sum((line.billed for line in lines), Decimal(0)),
        "pager": _pager(query, start, len(lines)),
        "days": _days(told),
        "is_filtered": len(lines) != len(told.lines),
        "packages": _packages(told),
        "projects": sorted({line.project for line in told.lines}),
    }


@page("bills/line.html")
def line(visit: Visit, *, period: str, line: uuid.UUID) -> Context:
    told = _bill(visit, period)
    found = told.line(line)
    if found is None:
        raise NotFound(_("the statement of %(period)s has no such line") % {"period": told.period.name})
    query = Query.of(visit.request)
    pods = billing.bill_pods(visit.identity.account, found, told.period)
    start = _offset(query)
    return {
        "section": "bills",
        "bill": told,
        "row": _row(told, found),
        "pods": pods[start : start + _PAGE],
        "count": len(pods),
        "pager": _pager(query, start, len(pods)),
    }


@page("bills/pod.html")
def pod(visit: Visit, *, pod: str) -> Context:
    """Of a pod that is there or gone: its segments and what proves them."""
    account, seen = visit.identity.account, billsight.within(visit.client)
    named = billing.pod_name(account, pod)
    if named is None or (seen is not None and named[0] not in seen):
        raise NotFound(_('no pod "%(pod)s" was ever billed') % {"pod": pod})
    meter, life = billing.pod_meter(account, pod), billing.life(account, pod)
    segments = billing.segments(account, pod)
    return {
        "section": "bills",
        "uid": pod,
        "of_namespace": named[0],
        "name": named[1],
        "meter": meter,
        "life": life,
        "segments": segments,
        "numbers": {segment.id: number for number, segment in enumerate(segments, start=1)},
    }


@page("bills/proof.html")
def proof(visit: Visit, *, period: str) -> Context:
    """Computes the statement anew. Differences name pods of all namespaces: it is for who sees them all."""
    told, found, segments = _bill(visit, period), None, 0
    if not told.hidden:
        try:
            found = billing.prove(visit.identity.account, told.period)
        except billing.ProofTooLong as long:
            segments = long.segments
    days = _days(told) if segments else []
    return {"section": "bills", "bill": told, "proof": found, "too_many": segments, "days": days}


@guarded("GET")
def as_csv(visit: Visit, *, period: str) -> HttpResponse:
    told = _bill(visit, period)
    answer = HttpResponse("".join(billing.focus_table(told)), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{_file(told)}.csv"'
    return answer


@guarded("GET")
def as_json(visit: Visit, *, period: str) -> HttpResponse:
    told = _bill(visit, period)
    answer = JsonResponse(
        [billing.focus_row(told, one) for one in told.lines], safe=False, json_dumps_params={"indent": 1}
    )
    answer["Content-Disposition"] = f'attachment; filename="{_file(told)}.json"'
    return answer


@dataclass(frozen=True)
class MonthRow:
    month: MonthSum

    @property
    def state(self) -> State:
        return state_of(self.month.state)


def state_of(state: str) -> State:
    if state == "closed":
        return State(_("Closed"), tone="ok", sentence=_("it does not change any more"))
    if state == "closing":
        return State(_("Closing"), tone="busy", shape="ring", sentence=_("its lines are being written down"))
    return State(pgettext("of a month", "Open"), tone="busy", shape="ring", sentence=_("it grows while pods run"))


def shares(lines: Iterable[BillLine], by: str, label: str) -> list[Share]:
    """The largest first; what would be a long tail is one share."""
    sums: dict[tuple[str, str], Decimal] = {}
    for one in lines:
        key = _group(one, by, label)
        sums[key] = sums.get(key, Decimal(0)) + one.billed
    ordered = sorted(sums.items(), key=lambda item: (-item[1], item[0]))
    head, tail = ordered[:_GROUPS], ordered[_GROUPS:]
    if tail:
        words = ngettext("%(count)s more", "%(count)s more", len(tail)) % {"count": len(tail)}
        head.append(((words, ""), sum((amount for _key, amount in tail), Decimal(0))))
    whole = sum((amount for _key, amount in head if amount > 0), Decimal(0))
    return [_share(name, note, amount, whole) for (name, note), amount in head]


def _share(name: str, note: str, amount: Decimal, whole: Decimal) -> Share:
    part = max(Decimal(0), amount) / whole * 100 if whole else Decimal(0)
    return Share(name, note, amount, round(part), f"{part:.2f}%")


def _group(one: BillLine, by: str, label: str) -> tuple[str, str]:
    if by == "workload":
        return one.workload_name, f"{one.workload_kind} · {one.namespace}"
    if by == "label":
        return one.labels.get(label, _("without it")), ""
    if by == "project":
        return one.project, ""
    return one.namespace, ""


def _spans() -> tuple[tuple[str, str], ...]:
    return ("24h", _("24 hours")), ("30d", _("30 days")), ("12m", _("12 months"))


def _ways() -> tuple[tuple[str, str], ...]:
    return (
        ("namespace", _("Namespace")),
        ("workload", _("Workload")),
        ("label", _("Label")),
        ("project", _("Enterprise project")),
    )


def _chip(query: Query, name: str, value: str, word: str, *, chosen: str) -> lists.Chip:
    return lists.Chip(word, query.with_(**{name: value}), value == chosen)


def _bill(visit: Visit, period: str) -> Bill:
    try:
        asked = Period.parse(period)
    except NoSuchPeriod as wrong:
        raise NotFound(str(wrong)) from None
    return billing.bill(visit.identity.account, asked, within=billsight.within(visit.client))


def _row(told: Bill, one: BillLine) -> LineRow:
    return LineRow(one, reverse("console:bill-line", kwargs={"period": told.period.name, "line": one.id}))


def _wanted(one: BillLine, query: Query) -> bool:
    label, _sep, value = query.get("label").partition("=")
    return (
        query.get("namespace") in ("", one.namespace)
        and query.get("project") in ("", one.project)
        and query.get("q").lower() in one.workload_name.lower()
        and (not label or one.labels.get(label) == value)
    )


def _namespaces(told: Bill) -> list[tuple[str, Decimal]]:
    sums: dict[str, Decimal] = {}
    for one in told.lines:
        sums[one.namespace] = sums.get(one.namespace, Decimal(0)) + one.billed
    return sorted(sums.items())


def _packages(told: Bill) -> list[tuple[str, str, Decimal]]:
    """What the month took of each package: its name, its unit, and hours. Of the whole account, so for who sees all."""
    if not told.covered or told.hidden or not told.period.is_month:
        return []
    units = {"vcpu": _("core-hours"), "memory": _("GiB-hours")}
    return [
        (one.name, units[one.item], hours) for one, hours in billing.packages.use_of(told.account, told.period.start)
    ]


def _days(told: Bill) -> list[str]:
    """The days of a month that had begun when it was read."""
    if not told.period.is_month:
        return []
    start, now = told.period.begins, datetime.now(told.period.begins.tzinfo)
    count = (min(told.period.ends, now) - start).days + (1 if now < told.period.ends else 0)
    return [f"{told.period.name}-{day:02d}" for day in range(1, count + 1)]


def _offset(query: Query) -> int:
    text = query.get("continue")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0


def _pager(query: Query, start: int, total: int) -> lists.Pager:
    last = min(total, start + _PAGE)
    sentence = _("%(first)s to %(last)s of %(total)s") % {"first": min(start + 1, total), "last": last, "total": total}
    return lists.Pager(sentence, start == 0, query.with_(), query.following(str(last)) if last < total else "")


def _file(told: Bill) -> str:
    return f"cci-{told.account}-{told.period.name}-focus"
