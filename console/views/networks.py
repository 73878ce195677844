"""Networks: the list over all namespaces, one network in tabs, and its deletion. They are made with their namespace."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from console import frame, lists, networkrows
from console.access import Visit
from console.lists import Query
from console.networkrows import NetworkRow
from console.pages import Context, page
from console.views import objects
from console.views.objects import Noun
from workloads.client import JSON

KIND = "Network"


@page("networks/list.html", kinds=(KIND, "Pod"))
def network_list(visit: Visit, *, namespace: str = "") -> Context:
    query = Query.of_list(visit.request, "state")
    shelf = lists.shelf(query, source(visit, query))
    return {**lists.shown(visit, KIND, query, shelf), "chips": lists.chips(query, lists.LOOKS)}


def source(visit: Visit, query: Query) -> lists.Source[NetworkRow]:
    def row(item: JSON) -> NetworkRow:
        return networkrows.network_row(item, frame.count(visit.client, "Pod", item["metadata"]["namespace"]))

    return lists.Source(lists.reader(visit, KIND, query), row, lists.looks(query))


@page("networks/detail.html", kinds=(KIND, "Pod", "Event"))
def detail(visit: Visit, *, namespace: str, name: str) -> Context:
    common = NETWORK.on(visit, name, "overview")
    return {**common, "events": NETWORK.events(visit, common)[:6], "services": networkrows.SERVICES}


def _shown(visit: Visit, name: str, tab: str) -> Context:
    network = visit.client.get(KIND, name, visit.namespace)
    return {"row": networkrows.network_row(network, frame.count(visit.client, "Pod", visit.namespace))}


NETWORK = Noun(KIND, "networks", _shown)
events = objects.events(NETWORK)
manifest = objects.manifest(NETWORK)
delete = objects.deletion(NETWORK, gettext_lazy("Network %(name)s goes when the last pod has ended."))
