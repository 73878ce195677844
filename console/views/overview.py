"""The first page: what runs, what it costs, what needs a look; and the way to a first pod when there is nothing yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from billing import client as billing
from console import costs, happenings, jobrows, limits, lists, newsrows, rows
from console.access import Visit
from console.dear import KEPT
from console.happenings import Happening
from console.jobrows import JobRow
from console.live.quick import WHOLE, Change, Fragment, Quickly
from console.pages import Context, page
from console.rows import DeploymentRow, PodRow
from workloads.client import Client, Sieve
from workloads.kinds import health

_SHOWN = 8
_EVENTS = 200
_JOBS_LOOKED_AT = 200
"""Their pods are read."""


@dataclass(frozen=True)
class Look:
    """A workload that needs a look or is changing, and the pod that is the reason."""

    row: DeploymentRow | JobRow
    pod: PodRow | None = None


def quick(visit: Visit, shown: Context, changes: Sequence[Change]) -> Quickly:
    """Events tell what happened; of the rest the whole page tells. Nothing is read for it."""
    is_more = any(change.kind not in ("Event", "Pod") for change in changes)
    told = [change for change in changes if change.kind == "Event"]
    if not told or not shown["namespaces"]:
        return Quickly(whole=is_more)
    if not all(visit.client.may("list", "Event", namespace) for namespace in {change.namespace for change in told}):
        return WHOLE
    known = {one.uid: one for one in shown["events"]}
    for change in told:
        uid = change.obj["metadata"]["uid"]
        if change.type != "DELETED":
            known[uid] = happenings.of_event(change.obj)
        elif known.pop(uid, None):
            is_more = True
    shown["events"] = happenings.in_order(known.values())[:_SHOWN]
    return Quickly((Fragment("overview_events.html", {}),), whole=is_more)


@page("overview.html", kinds=("Namespace", "Network", "Deployment", "Job", "Pod", "Event"), quick=quick)
def overview(visit: Visit) -> Context:
    client, account = visit.client, visit.identity.account
    namespaces = rows.namespace_rows(client, client.list("Namespace", limit=100).items)
    deployments = rows.deployment_rows(client, client.list("Deployment", limit=lists.PAGE).items)
    troubled = [look_at(row) for row in deployments if row.state.needs_a_look or row.state.changing]
    whose = ("jobs", account, visit.identity.user)
    jobs = map(Look, KEPT.get(whose, lambda: list(islice(jobs_to_look_at(client), _SHOWN))))
    month = costs.month(visit)
    return {
        "section": "overview",
        "host_trouble": client.host_trouble(),
        "proxy_trouble": client.proxy_trouble(),
        "namespaces": namespaces,
        "costs": costs.by_namespace(visit),
        "month": month,
        "forecast": billing.forecast(month, account),
        "today": KEPT.get(("today", account), lambda: billing.today(account)),
        "deployments": deployments,
        "attention": [*troubled, *jobs][:_SHOWN],
        "wanted": sum(row.wanted for row in deployments),
        "ready": sum(row.ready for row in deployments),
        "limits": limits.of(client),
        "news": newsrows.latest(visit, shown=_SHOWN),
        "events": _events(client),
    }


def _events(client: Client) -> list[Happening]:
    return happenings.newest(client.newest("Event", limit=_EVENTS))[:_SHOWN]


def look_at(row: DeploymentRow) -> Look:
    """With the pod whose state is the workload's, where it has several."""
    alike = (pod for pod in row.pods if pod.state.needs_a_look and pod.state.word == row.state.word)
    return Look(row, next(alike, None) if row.wanted > 1 else None)


def jobs_to_look_at(client: Client) -> Iterator[JobRow]:
    """Those that failed or are stuck, the newest first. What its CronJob has done well since is no news any more."""
    told: set[str] = set()
    asked = _jobs_in_question(client)
    for row in jobrows.job_rows(client, [one.obj for one in asked]):
        if row.state.needs_a_look and (maker := _maker(row)) not in told:
            told.add(maker)
            if not (row.finished and _is_old_news(client, row)):
                yield row


def _jobs_in_question(client: Client) -> list[JobRow]:
    """Those that failed, and those whose pods say how they do, the newest first."""
    chosen = Sieve(health=(health.LOOK, health.OPEN))
    return jobrows.newest_first(map(JobRow, client.list("Job", chosen=chosen, newest=_JOBS_LOOKED_AT).items))


def _is_old_news(client: Client, row: JobRow) -> bool:
    """Whether its CronJob has made one since that has ended."""
    owner = rows.controller_of(row.obj)
    if owner is None:
        return False
    others = client.owned("Job", {owner["uid"]: row.namespace})[owner["uid"]]
    ended = [one for one in map(JobRow, others) if one.finished]
    return bool(ended) and jobrows.newest_first(ended)[0].uid != row.uid


def _maker(row: JobRow) -> str:
    """The uid of its CronJob; its own where nobody made it."""
    owner = rows.controller_of(row.obj)
    return owner["uid"] if owner else row.uid
