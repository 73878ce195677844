"""The first page: what runs, what it costs, what needs a look; and the way to a first pod when there is nothing yet."""

from __future__ import annotations

from billing import client as billing
from console import happenings, jobrows, lists, rows
from console.access import Visit
from console.jobrows import JobRow
from console.pages import Context, page
from workloads.client import Client

_SHOWN = 8
_EVENTS = 200
_JOBS = 200
"""Looked at for failures."""


@page("overview.html", kinds=("Namespace", "Network", "Deployment", "Job", "Pod", "Event"))
def overview(visit: Visit) -> Context:
    client, account = visit.client, visit.identity.account
    namespaces = rows.namespace_rows(client, client.list("Namespace", limit=100).items)
    deployments = [rows.deployment_row(client, item) for item in client.list("Deployment", limit=lists.PAGE).items]
    troubled = [row for row in deployments if row.state.needs_a_look or row.state.changing]
    jobs = jobs_to_look_at(client)
    return {
        "section": "overview",
        "host_trouble": client.host_trouble(),
        "namespaces": namespaces,
        "costs": billing.by_namespace(account),
        "month": billing.total(account),
        "today": billing.today(account),
        "deployments": deployments,
        "attention": [*troubled, *jobs][:_SHOWN],
        "wanted": sum(row.wanted for row in deployments),
        "ready": sum(row.ready for row in deployments),
        "events": happenings.newest(client.list("Event", limit=_EVENTS).items)[:_SHOWN],
    }


def jobs_to_look_at(client: Client) -> list[JobRow]:
    """Those that failed or are stuck, the newest first. What its CronJob has done well since is no news any more."""
    found = [jobrows.job_row(client, item) for item in client.list("Job", limit=_JOBS).items]
    newest: dict[str, JobRow] = {}
    for row in reversed(jobrows.newest_first(found)):
        owner = rows.controller_of(row.obj)
        if row.finished or row.state.needs_a_look:
            newest[owner["uid"] if owner else row.uid] = row
    return jobrows.newest_first(row for row in newest.values() if row.state.needs_a_look)
