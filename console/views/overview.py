"""The first page: what runs, what it costs, what needs a look; and the way to a first pod when there is nothing yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from billing import client as billing
from console import happenings, jobrows, limits, lists, newsrows, rows
from console.access import Visit
from console.dear import KEPT
from console.jobrows import JobRow
from console.pages import Context, page
from console.rows import DeploymentRow, PodRow
from workloads.client import Client

_SHOWN = 8
_EVENTS = 200
_JOBS_LOOKED_AT = 200
"""Their pods are read."""


@dataclass(frozen=True)
class Look:
    """A workload that needs a look or is changing, and the pod that is the reason."""

    row: DeploymentRow | JobRow
    pod: PodRow | None = None


@page("overview.html", kinds=("Namespace", "Network", "Deployment", "Job", "Pod", "Event"))
def overview(visit: Visit) -> Context:
    client, account = visit.client, visit.identity.account
    namespaces = rows.namespace_rows(client, client.list("Namespace", limit=100).items)
    deployments = [rows.deployment_row(client, item) for item in client.list("Deployment", limit=lists.PAGE).items]
    troubled = [look_at(row) for row in deployments if row.state.needs_a_look or row.state.changing]
    whose = ("jobs", account, visit.identity.user)
    jobs = map(Look, KEPT.get(whose, lambda: list(islice(jobs_to_look_at(client), _SHOWN))))
    month = KEPT.get(("total", account, None), lambda: billing.total(account))
    return {
        "section": "overview",
        "host_trouble": client.host_trouble(),
        "proxy_trouble": client.proxy_trouble(),
        "namespaces": namespaces,
        "costs": KEPT.get(("namespaces", account), lambda: billing.by_namespace(account)),
        "month": month,
        "forecast": billing.forecast(month, account),
        "today": KEPT.get(("today", account), lambda: billing.today(account)),
        "deployments": deployments,
        "attention": [*troubled, *jobs][:_SHOWN],
        "wanted": sum(row.wanted for row in deployments),
        "ready": sum(row.ready for row in deployments),
        "limits": limits.of(client),
        "news": newsrows.latest(visit, shown=_SHOWN),
        "events": happenings.newest(client.list("Event", limit=_EVENTS).items)[:_SHOWN],
    }


def look_at(row: DeploymentRow) -> Look:
    """With the pod whose state is the workload's, where it has several."""
    alike = (pod for pod in row.pods if pod.state.needs_a_look and pod.state.word == row.state.word)
    return Look(row, next(alike, None) if row.wanted > 1 else None)


def jobs_to_look_at(client: Client) -> Iterator[JobRow]:
    """Those that failed or are stuck, the newest first. What its CronJob has done well since is no news any more."""
    told: set[str] = set()
    for row in _jobs_in_question(client)[:_JOBS_LOOKED_AT]:
        maker = _maker(row)
        if maker in told:
            continue
        known = row if row.finished else jobrows.job_row(client, row.obj)
        if known.finished or known.state.needs_a_look:
            told.add(maker)
        if known.state.needs_a_look:
            yield known


def _jobs_in_question(client: Client) -> list[JobRow]:
    """By their status alone, the newest first: all that have not ended, and of each CronJob's (or bare) ended ones
    the newest."""
    working: list[JobRow] = []
    ended: dict[str, JobRow] = {}
    for item in lists.every(client, "Job"):
        row = JobRow(item)
        if not row.finished:
            working.append(row)
            continue
        maker = _maker(row)
        ended[maker] = jobrows.newest_first([row, *([ended[maker]] if maker in ended else [])])[0]
    return jobrows.newest_first([*working, *ended.values()])


def _maker(row: JobRow) -> str:
    """The uid of its CronJob; its own where nobody made it."""
    owner = rows.controller_of(row.obj)
    return owner["uid"] if owner else row.uid
