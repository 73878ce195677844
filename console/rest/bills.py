"""Statements and usage as JSON: the lines of the console's pages, with the same rights. Money is text."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing import client as billing
from billing.client import Bill, BillLine, DayLine, MonthSum, NoSuchPeriod, Period, plain
from console import billsight
from console.rest import paging
from console.rest.answers import bills as answers
from console.rest.paging import Listed
from console.rest.resources import Resource, identity, read
from console.rest.schema import operation
from workloads.client import Client
from workloads.meta.errors import BadRequest, Forbidden, NotFound

JSON = dict[str, Any]


class LinesQuestion(Listed):
    """`?namespace=shop&workload=web&project=0&label=team=red`."""

    namespace = serializers.CharField(default="", max_length=63, allow_blank=True)
    workload = serializers.CharField(default="", max_length=253, allow_blank=True)
    project = serializers.CharField(default="", max_length=64, allow_blank=True, help_text="The enterprise project.")

    def get_fields(self) -> dict[str, Any]:
        label = serializers.RegexField(
            r"^[^=]+=.*$",
            default="",
            allow_blank=True,
            max_length=400,
            error_messages={"invalid": "must read key=value"},
            help_text="key=value, as the pod had it when it began to be billed.",
        )
        return {**super().get_fields(), "label": label}


class UsageQuestion(LinesQuestion):
    """`?since=2026-11-01&until=2026-11-27`: days are UTC, `until` is the last one; by default the month so far."""

    since = serializers.DateField(default=None)
    until = serializers.DateField(default=None)


class BillsView(Resource):
    """The account's months."""

    @operation("List bills", query=Listed, answer=answers.BillsAnswer)
    def get(self, request: Request) -> Response:
        """The newest first; the present one is `open`. Of namespaces whose pods the caller may not list nothing is
        counted."""
        asked = read(Listed, request.query_params)
        months = billing.bills(identity(request).account, within=_within(request))
        return Response(paging.page("bills", asked, months, key=lambda one: (-one.period.start,), body=_month))


class BillView(Resource):
    @operation("One bill", query=LinesQuestion, answer=answers.BillAnswer)
    def get(self, request: Request, period: str) -> Response:
        """One statement by its month (`2026-11`) or day (`2026-11-27`), with its lines. Sums are of the whole
        statement, whatever is filtered."""
        asked, told = read(LinesQuestion, request.query_params), _bill(request, period)
        lines = sorted((one for one in told.lines if _is_wanted(one, asked)), key=_place)
        return Response(_bill_body(told) | paging.page(f"bill {period}", asked, lines, key=_place, body=_line))


class FocusView(Resource):
    @operation("One bill in the columns of FOCUS 1.2", query=Listed, answer=answers.FocusAnswer)
    def get(self, request: Request, period: str) -> Response:
        """A row a line; numbers are text, what a column cannot say is null."""
        asked, told = read(Listed, request.query_params), _bill(request, period)
        lines = sorted(told.lines, key=_place)
        name = f"focus {period}"
        return Response(paging.page(name, asked, lines, key=_place, body=lambda one: billing.focus_row(told, one)))


class FocusTableView(Resource):
    @operation("One bill as CSV in the columns of FOCUS 1.2", answer={"type": "string"}, media="text/csv")
    def get(self, request: Request, period: str) -> HttpResponse:
        text = "".join(billing.focus_table(_bill(request, period)))
        return HttpResponse(text, content_type="text/csv; charset=utf-8")


class ProofView(Resource):
    @operation("Compute a bill anew", answer=answers.ProofAnswer)
    def get(self, request: Request, period: str) -> Response:
        """From the pods' own times, with each difference. 400 for a period of more than 100,000 segments: ask for its
        days then. 403 for who may not list the pods of every namespace: differences name them."""
        told = _bill(request, period)
        if told.hidden:
            raise Forbidden("cci:pod:list")
        try:
            proof = billing.prove(told.account, told.period)
        except billing.ProofTooLong as long:
            raise BadRequest(str(long)) from None
        return Response(
            {
                "proven": proof.proven,
                "pods": proof.report.pods,
                "segments": proof.report.segments,
                "seconds": proof.report.total.seconds,
                "listed": plain(proof.report.total.cost),
                "differences": list(proof.differences),
            }
        )


class UsageView(Resource):
    @operation("What was used, by day", query=UsageQuestion, answer=answers.UsageAnswer)
    def get(self, request: Request) -> Response:
        """By day and line, the oldest day first."""
        asked = read(UsageQuestion, request.query_params)
        since, until = _span(asked["since"], asked["until"])
        name, sep, value = asked["label"].partition("=")
        place = paging.after("usage", asked, int, str)
        found = billing.usage(
            identity(request).account,
            since=since,
            until=until,
            within=_within(request),
            namespace=asked["namespace"],
            workload=asked["workload"],
            project=asked["project"],
            label=(name, value) if sep else None,
            after=None if place is None else (int(place[0]), _uuid(str(place[1]))),
            limit=asked["limit"] + 1,
        )
        return Response(
            paging.answer("usage", asked, found, key=lambda one: (one.day.start, str(one.line.id)), body=_day_line)
        )


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise BadRequest("continue: is no token of this list") from None


def _place(one: BillLine) -> tuple[str, ...]:
    return one.namespace, one.workload_name, str(one.id)


def _within(request: Request) -> frozenset[str] | None:
    return billsight.within(Client(identity(request), only_visible=True))


def _bill(request: Request, period: str) -> Bill:
    try:
        asked = Period.parse(period)
    except NoSuchPeriod as wrong:
        raise NotFound(str(wrong)) from None
    return billing.bill(identity(request).account, asked, within=_within(request))


def _is_wanted(one: BillLine, asked: JSON) -> bool:
    name, sep, value = asked["label"].partition("=")
    return (
        asked["namespace"] in ("", one.namespace)
        and asked["workload"] in ("", one.workload_name)
        and asked["project"] in ("", one.project)
        and (not sep or one.labels.get(name) == value)
    )


def _span(since: date | None, until: date | None) -> tuple[datetime, datetime]:
    today = datetime.now(UTC).date()
    last = until or today
    end = _midnight(last) + timedelta(days=1) if last < date.max else _midnight(last)
    return _midnight(since or last.replace(day=1)), end


def _midnight(day: date) -> datetime:
    return datetime(max(day.year, 1970), day.month, day.day, tzinfo=UTC)


def _month(one: MonthSum) -> JSON:
    return {
        "month": one.period.name,
        "state": one.state,
        "currency": one.currency,
        "billed": plain(one.billed),
        "seconds": one.seconds,
        "lines": one.lines,
    }


def _bill_body(told: Bill) -> JSON:
    return {
        "account": told.account,
        "period": told.period.name,
        "start": told.period.begins.isoformat(),
        "end": told.period.ends.isoformat(),
        "state": told.state,
        "closed": told.closed.isoformat() if told.closed else None,
        "currency": told.currency,
        "listed": plain(told.listed),
        "covered": plain(told.covered),
        "billed": plain(told.billed),
        "seconds": told.seconds,
        "lines": len(told.lines),
        "hidden": told.hidden,
    }


def _day_line(one: DayLine) -> JSON:
    return {"day": one.day.name, **_line(one.line)}


def _line(one: BillLine) -> JSON:
    return {
        "id": str(one.id),
        "namespace": one.namespace,
        "workload": {"kind": one.workload_kind, "name": one.workload_name, "uid": one.workload_uid},
        "region": one.region,
        "flavor": one.flavor,
        "cpuMillis": one.cpu_millis,
        "memoryMiB": one.memory_mib,
        "gpu": one.gpu_model,
        "gpus": one.gpu_count,
        "activity": one.activity,
        "project": one.project,
        "labels": dict(one.labels),
        "corrects": one.corrects.name if one.corrects else None,
        "seconds": one.seconds,
        "perSecond": plain(one.rate),
        "currency": one.currency,
        "listed": plain(one.listed),
        "covered": plain(one.covered),
        "billed": plain(one.billed),
    }
