"""The first page: what runs, what it costs, what needs a look; and the way to a first pod when there is nothing yet."""

from __future__ import annotations

from billing import client as billing
from console import happenings, lists, rows
from console.access import Visit
from console.pages import Context, page

_SHOWN = 8
_EVENTS = 200


@page("overview.html", kinds=("Namespace", "Network", "Deployment", "Pod", "Event"))
def overview(visit: Visit) -> Context:
    client, account = visit.client, visit.identity.account
    namespaces = rows.namespace_rows(client, client.list("Namespace", limit=100).items)
    deployments = [rows.deployment_row(client, item) for item in client.list("Deployment", limit=lists.PAGE).items]
    troubled = [row for row in deployments if row.state.needs_a_look or row.state.changing]
    return {
        "section": "overview",
        "namespaces": namespaces,
        "costs": billing.by_namespace(account),
        "month": billing.total(account),
        "today": billing.today(account),
        "deployments": deployments,
        "attention": troubled[:_SHOWN],
        "wanted": sum(row.wanted for row in deployments),
        "ready": sum(row.ready for row in deployments),
        "events": happenings.newest(client.list("Event", limit=_EVENTS).items)[:_SHOWN],
    }
