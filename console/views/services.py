"""Services: the list, one Service in tabs, and deletion. They are made from YAML, or with a Deployment's form."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext_lazy

from console import backends, doors, lists, servicerows
from console.access import Visit
from console.lists import Query
from console.pages import Context, page
from console.servicerows import IngressRow, ServiceRow
from console.views import objects
from console.views.objects import Noun
from workloads.client import JSON
from workloads.meta.errors import Forbidden

KIND = "Service"
_FILTERS: dict[str, Callable[[ServiceRow], bool] | None] = {
    "": None,
    "outside": lambda row: row.is_exposed,
    "look": lambda row: row.state.needs_a_look,
}
_CHIPS = {
    "": gettext_lazy("All"),
    "outside": gettext_lazy("Reached from outside"),
    "look": gettext_lazy("Needs a look"),
}


@page("services/list.html", kinds=(KIND, "ELB", "EndpointSlice"))
def service_list(visit: Visit, *, namespace: str = "") -> Context:
    query = Query.of_list(visit.request, "state")
    shelf = lists.shelf(query, source(visit, query))
    return {**lists.shown(visit, KIND, query, shelf), "chips": lists.chips(query, _CHIPS)}


def source(visit: Visit, query: Query) -> lists.Source[ServiceRow]:
    client, chosen = visit.client, _FILTERS.get(query.get("state"))
    reaches, known = doors.of_account(client), backends.known(client, visit.scope)

    def row(item: JSON) -> ServiceRow:
        return servicerows.service_row(item, reaches, known)

    return lists.Source(lists.reader(visit, KIND, query), row, chosen)


@page("services/detail.html", kinds=(KIND, "ELB", "EndpointSlice", "Ingress", "Event"))
def detail(visit: Visit, *, namespace: str, name: str) -> Context:
    common = SERVICE.on(visit, name, "overview")
    return {**common, "ingresses": ingresses_of(visit, name), "events": SERVICE.events(visit, common)[:6]}


@page("services/backends.html", kinds=(KIND, "EndpointSlice"))
def backends_of(visit: Visit, *, namespace: str, name: str) -> Context:
    return SERVICE.on(visit, name, "backends")


def ingresses_of(visit: Visit, *names: str) -> list[IngressRow]:
    """Those of the namespace that lead to one of these Services."""
    client = visit.client
    try:
        items = client.list("Ingress", visit.namespace).items
    except Forbidden:
        return []
    reaches, known = doors.of_account(client), backends.known(client, visit.namespace)
    rows = [servicerows.ingress_row(item, reaches, known) for item in items]
    return [row for row in rows if set(names) & set(row.service_names)]


def _asked(visit: Visit, common: Context) -> Context:
    return {"ingresses": ingresses_of(visit, common["row"].name)}


def _shown(visit: Visit, name: str, tab: str) -> Context:
    client = visit.client
    obj = client.get(KIND, name, visit.namespace)
    known = {(visit.namespace, name): backends.of(client, visit.namespace, name)}
    row = servicerows.service_row(obj, doors.of_account(client), known)
    return {"row": row, "rejected": doors.rejected(client, KIND, visit.namespace, name)}


SERVICE = Noun(KIND, "services", _shown)
events = objects.events(SERVICE)
manifest = objects.manifest(SERVICE)
delete = objects.deletion(SERVICE, gettext_lazy("Service %(name)s was deleted."), more=_asked)
