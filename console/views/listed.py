"""What every list of objects has beside its page: its file, and its visitors' own views."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.db import close_old_connections
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import override

from console import bulk, columns, savedviews
from console.access import Visit, guarded
from console.costs import of_rows
from console.lists import Query, Source
from console.views import (
    configuration,
    cronjobs,
    deployments,
    ingresses,
    jobs,
    networks,
    pods,
    serviceaccounts,
    services,
    storage,
)
from console.views.bulk import way_back

_SOURCES: dict[str, Callable[[Visit, Query], Source[Any]]] = {
    "Deployment": deployments.source,
    "Job": jobs.source,
    "CronJob": cronjobs.source,
    "Pod": pods.source,
    "Service": services.source,
    "Ingress": ingresses.source,
    "Network": networks.source,
    "ServiceAccount": serviceaccounts.source,
    "ConfigMap": configuration.configmaps,
    "Secret": configuration.secrets,
    "PersistentVolumeClaim": storage.source,
}
_FILTERS = ("state", "source", "type")
_COSTED = ("Deployment", "CronJob")


@guarded("GET")
def as_csv(visit: Visit, *, kind: str) -> HttpResponseBase:
    """The whole list as it is filtered, in the columns that are chosen, sent while it is read."""
    if kind not in _SOURCES:
        raise Http404
    query = Query.of_list(visit.request, *_FILTERS)
    if within := visit.request.GET.get("in", ""):
        query = Query(query.path, {**query.values, "namespace": within})
    source, table = _SOURCES[kind](visit, query), columns.table(kind, query.get("columns"))
    source.read(1, "")  # what is refused is refused before the file begins
    lines = _lines(source, table, partial(of_rows, visit) if kind in _COSTED else _nothing)
    answer = StreamingHttpResponse(_streamed(lines), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{kind.lower()}-list.csv"'
    answer["Cache-Control"] = "no-store"
    return answer


@guarded("POST")
def save_view(visit: Visit, *, kind: str) -> HttpResponse:
    if kind not in bulk.KINDS:
        raise Http404
    posted = visit.request.POST
    problem = savedviews.save(visit.user, kind, posted.get("name", ""), posted.get("query", ""))
    if problem:
        messages.error(visit.request, problem)
    else:
        messages.success(visit.request, _("The view is kept. It stands beside the filters, for you alone."))
    return redirect(way_back(visit, kind))


@guarded("POST")
def delete_view(visit: Visit, *, kind: str) -> HttpResponse:
    if kind not in bulk.KINDS:
        raise Http404
    savedviews.delete(visit.user, kind, visit.request.POST.get("name", ""))
    return redirect(way_back(visit, kind))


def _nothing(rows: Sequence[Any]) -> columns.Costs:
    return {}


def _lines(source: Source[Any], table: columns.Table, costs: Callable[[Sequence[Any]], columns.Costs]) -> Iterator[str]:
    """In English whatever the visitor reads, so that programs may read it."""
    close_old_connections()
    yield columns.csv_head(table)
    pieces = source.every()
    while True:
        with override("en"):
            rows = next(pieces, None)
            if rows is None:
                return
            known = costs(rows)
            text = "".join(columns.csv_row(table, row, known) for row in rows)
        yield text


async def _streamed(lines: Iterator[str]) -> AsyncIterator[str]:
    def following() -> str | None:
        return next(lines, None)

    while (text := await sync_to_async(following)()) is not None:
        yield text
