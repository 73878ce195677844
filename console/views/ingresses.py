"""Ingresses: the list, one Ingress in tabs, and deletion."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from console import backends, doors, lists, servicerows
from console.access import Visit
from console.lists import Query
from console.pages import Context, page
from console.servicerows import IngressRow
from console.views import objects
from console.views.objects import Noun
from workloads.client import JSON

KIND = "Ingress"


@page("ingresses/list.html", kinds=(KIND, "ELB", "EndpointSlice"))
def ingress_list(visit: Visit, *, namespace: str = "") -> Context:
    query = Query.of_list(visit.request, "state")
    shelf = lists.shelf(query, source(visit, query))
    return {**lists.shown(visit, KIND, query, shelf), "chips": lists.chips(query, lists.LOOKS)}


def source(visit: Visit, query: Query) -> lists.Source[IngressRow]:
    client = visit.client
    reaches, known = doors.of_account(client), backends.known(client, visit.scope)

    def row(item: JSON) -> IngressRow:
        return servicerows.ingress_row(item, reaches, known)

    return lists.Source(lists.reader(visit, KIND, query), row, lists.looks(query))


@page("ingresses/detail.html", kinds=(KIND, "ELB", "Service", "EndpointSlice", "Event"))
def detail(visit: Visit, *, namespace: str, name: str) -> Context:
    common = INGRESS.on(visit, name, "overview")
    return {**common, "events": INGRESS.events(visit, common)[:6]}


def _shown(visit: Visit, name: str, tab: str) -> Context:
    client = visit.client
    obj, known = client.get(KIND, name, visit.namespace), backends.known(client, visit.namespace)
    return {"row": servicerows.ingress_row(obj, doors.of_account(client), known)}


INGRESS = Noun(KIND, "ingresses", _shown)
events = objects.events(INGRESS)
manifest = objects.manifest(INGRESS)
delete = objects.deletion(INGRESS, gettext_lazy("Ingress %(name)s was deleted."))
