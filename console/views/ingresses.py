"""Ingresses: the list, one Ingress in tabs, and deletion."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from console import backends, doors, frame, happenings, lists, manifests, servicerows
from console.access import Visit, guarded
from console.lists import Query
from console.pages import Context, page
from console.servicerows import IngressRow
from console.views import asked
from workloads.client import JSON, DeleteOptions

KIND = "Ingress"


@page("ingresses/list.html", kinds=(KIND, "ELB", "EndpointSlice"))
def ingress_list(visit: Visit, *, namespace: str = "") -> Context:
    query = Query.of_list(visit.request, "state")
    found = source(visit, query)
    shelf = lists.shelf(query, found)
    return {
        "section": "ingresses",
        "rows": shelf.rows,
        "pager": shelf.pager,
        **lists.tools(visit, KIND, query),
        "bulk": lists.offered(visit, KIND, shelf.rows),
        "query": query,
        "chips": [query.chip("state", "", _("All")), query.chip("state", "look", _("Needs a look"))],
        "total": visit.client.count(KIND, visit.scope),
    }


def source(visit: Visit, query: Query) -> lists.Source[IngressRow]:
    client, looks = visit.client, query.get("state") == "look"
    reaches, known = doors.of_account(client), backends.known(client, visit.scope)

    def row(item: JSON) -> IngressRow:
        return servicerows.ingress_row(item, reaches, known)

    def wanted(row: IngressRow) -> bool:
        return row.state.needs_a_look

    return lists.Source(lists.reader(visit, KIND, query), row, wanted if looks else None)


@page("ingresses/detail.html", kinds=(KIND, "ELB", "Service", "EndpointSlice", "Event"))
def detail(visit: Visit, *, namespace: str, name: str) -> Context:
    common = _common(visit, name, "overview")
    return {**common, "events": happenings.of(visit.client, common["row"].obj)[:6]}


@page("ingresses/events.html", kinds=(KIND, "Event"))
def events(visit: Visit, *, namespace: str, name: str) -> Context:
    common = _common(visit, name, "events")
    return {**common, "events": happenings.of(visit.client, common["row"].obj)}


@page("ingresses/yaml.html", kinds=(KIND,))
def manifest(visit: Visit, *, namespace: str, name: str) -> Context:
    common = _common(visit, name, "yaml")
    return {**common, "yaml": manifests.coloured(manifests.text(common["row"].obj))}


@guarded("GET", "POST")
def delete(visit: Visit, *, namespace: str, name: str) -> HttpResponse:
    visit.client.require("delete", KIND, namespace)
    common = _common(visit, name, "overview")
    if asked.is_sure(visit, name):
        visit.client.delete(KIND, name, namespace, options=DeleteOptions(uid=common["row"].uid))
        messages.success(visit.request, _("Ingress %(name)s was deleted.") % {"name": name})
        return redirect("console:ingresses", namespace=namespace)
    context = {**common, "visit": visit, "frame": frame.of(visit)}
    return render(visit.request, "ingresses/delete.html", context, status=asked.status(visit))


def _common(visit: Visit, name: str, tab: str) -> Context:
    client = visit.client
    obj = client.get(KIND, name, visit.namespace)
    known = backends.known(client, visit.namespace)
    row = servicerows.ingress_row(obj, doors.of_account(client), known)
    return {"section": "ingresses", "tab": tab, "row": row}
