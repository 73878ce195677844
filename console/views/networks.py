"""Networks: the list over all namespaces, one network in tabs, and its deletion. They are made with their namespace."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from console import frame, happenings, lists, manifests, networkrows
from console.access import Visit, guarded
from console.lists import Query
from console.networkrows import NetworkRow
from console.pages import Context, page
from console.views import asked
from workloads.client import JSON, DeleteOptions

KIND = "Network"


@page("networks/list.html", kinds=(KIND, "Pod"))
def network_list(visit: Visit, *, namespace: str = "") -> Context:
    query = Query.of_list(visit.request, "state")
    found = source(visit, query)
    shelf = lists.shelf(query, found)
    return {
        "section": "networks",
        "rows": shelf.rows,
        "pager": shelf.pager,
        **lists.tools(visit, KIND, query),
        "bulk": lists.offered(visit, KIND, shelf.rows),
        "query": query,
        "chips": [query.chip("state", "", _("All")), query.chip("state", "look", _("Needs a look"))],
        "total": visit.client.count(KIND, visit.scope),
    }


def source(visit: Visit, query: Query) -> lists.Source[NetworkRow]:
    looks = query.get("state") == "look"

    def row(item: JSON) -> NetworkRow:
        return networkrows.network_row(item, frame.count(visit.client, "Pod", item["metadata"]["namespace"]))

    def wanted(row: NetworkRow) -> bool:
        return row.state.needs_a_look

    return lists.Source(lists.reader(visit, KIND, query), row, wanted if looks else None)


@page("networks/detail.html", kinds=(KIND, "Pod", "Event"))
def detail(visit: Visit, *, namespace: str, name: str) -> Context:
    common = _common(visit, name, "overview")
    return {**common, "events": happenings.of(visit.client, common["row"].obj)[:6], "services": networkrows.SERVICES}


@page("networks/events.html", kinds=(KIND, "Event"))
def events(visit: Visit, *, namespace: str, name: str) -> Context:
    common = _common(visit, name, "events")
    return {**common, "events": happenings.of(visit.client, common["row"].obj)}


@page("networks/yaml.html", kinds=(KIND,))
def manifest(visit: Visit, *, namespace: str, name: str) -> Context:
    common = _common(visit, name, "yaml")
    return {**common, "yaml": manifests.coloured(manifests.text(common["row"].obj))}


@guarded("GET", "POST")
def delete(visit: Visit, *, namespace: str, name: str) -> HttpResponse:
    """Says what pods have of it, and that another one comes by itself."""
    visit.client.require("delete", KIND, namespace)
    common = _common(visit, name, "overview")
    if asked.is_sure(visit, name):
        visit.client.delete(KIND, name, namespace, options=DeleteOptions(uid=common["row"].uid))
        messages.success(visit.request, _("Network %(name)s goes when the last pod has ended.") % {"name": name})
        return redirect("console:networks", namespace=namespace)
    context = {**common, "visit": visit, "frame": frame.of(visit)}
    return render(visit.request, "networks/delete.html", context, status=asked.status(visit))


def _common(visit: Visit, name: str, tab: str) -> Context:
    network = visit.client.get(KIND, name, visit.namespace)
    pods = frame.count(visit.client, "Pod", visit.namespace)
    return {"section": "networks", "tab": tab, "row": networkrows.network_row(network, pods)}
