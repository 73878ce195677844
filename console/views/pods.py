"""Pods: the list by state and source, and one pod in tabs: how it started, containers, logs, events, YAML, cost."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing import client as billing
from console import attempts, lists, quickrows, sizing, states, timeline, usage
from console.access import Visit
from console.attempts import Attempt
from console.lists import Query
from console.live import terminals
from console.pages import Context, page
from console.rows import PodRow
from console.views import asked, objects
from console.views.objects import Noun
from workloads.client import LogOptions, Sieve
from workloads.kinds import health
from workloads.meta.errors import StatusError

_PHASES = {"Running", "Pending", "Succeeded", "Failed"}
_HEALTH = {"look": health.LOOK, "changing": health.CHANGING}
_STATES = {
    "": gettext_lazy("All"),
    "look": gettext_lazy("Needs a look"),
    "changing": gettext_lazy("Changing"),
    "Running": gettext_lazy("Running"),
    "Pending": gettext_lazy("Pending"),
    "Succeeded": gettext_lazy("Completed"),
    "Failed": gettext_lazy("Failed"),
}
_OWNERS = {"Deployment": "ReplicaSet", "none": ""}
"""What owns the pods of a source, where it is not the source itself."""
_LAST_LINES = 12


@page("pods/list.html", kinds=("Pod",), quick=quickrows.of_kind("Pod", "pods/row.html", PodRow))
def pod_list(visit: Visit, *, namespace: str = "") -> Context:
    query = Query.of_list(visit.request, "state", "source")
    found = source(visit, query)
    shelf = lists.shelf(query, found)
    return {
        **lists.shown(visit, "Pod", query, shelf),
        "source": found,
        "states": lists.chips(query, _STATES),
        "sources": [
            query.chip("source", "", _("Any source")),
            query.chip("source", "Deployment", _("Deployments")),
            query.chip("source", "Job", _("Jobs")),
            query.chip("source", "none", _("Bare pods")),
        ],
    }


def source(visit: Visit, query: Query) -> lists.Source[PodRow]:
    state, made_by = query.get("state"), query.get("source")
    chosen = Sieve(
        phases=(state,) if state in _PHASES else (),
        health=(_HEALTH[state],) if state in _HEALTH else (),
        owner_kinds=(_OWNERS.get(made_by, made_by),) if made_by else (),
    )
    takes = lists.taker(visit, "Pod", query, chosen=chosen)
    return lists.Source(lists.reader(visit, "Pod", query, chosen=chosen), PodRow, takes=takes)


@page("pods/detail.html", kinds=("Pod", "Event"))
def detail(visit: Visit, *, namespace: str, name: str) -> Context:
    common = POD.on(visit, name, "overview")
    row: PodRow = common["row"]
    return {
        **common,
        "timeline": _timeline(visit, row),
        "used": usage.of_pod(visit.client, row),
        "last_lines": _last_lines(visit, row),
        "events": POD.events(visit, common)[:6],
        "containers": _containers(row),
    }


@page("pods/containers.html", kinds=("Pod",))
def containers(visit: Visit, *, namespace: str, name: str) -> Context:
    common = POD.on(visit, name, "containers")
    return {**common, "containers": _containers(common["row"])}


@page("pods/logs.html", kinds=("Pod",))
def logs(visit: Visit, *, namespace: str, name: str) -> Context:
    common = POD.on(visit, name, "logs")
    row: PodRow = common["row"]
    spec, asked = row.obj["spec"], visit.request.GET
    names = [one["name"] for one in (*spec["containers"], *(spec.get("initContainers") or ()))]
    container = asked.get("container", "") if asked.get("container") in names else names[0]
    known = _attempts(visit, row, container)
    shown = _attempt_asked(known, asked.get("attempt", ""), previous=asked.get("previous") == "true")
    return {
        **common,
        "names": names,
        "container": container,
        "newest": known[0] if known else None,
        "chosen": shown,
        "attempts": [replace(one, current=one == shown) for one in known],
    }


def _attempts(visit: Visit, row: PodRow, container: str) -> list[Attempt]:
    """The newest first; what runs is told by the pod's status, what was removed by the index of kept logs."""
    entries = (*(row.status.get("initContainerStatuses") or ()), *(row.status.get("containerStatuses") or ()))
    found = [one for entry in entries if entry["name"] == container for one in attempts.of_entry(entry)]
    kept = attempts.of_kept(log for log in visit.client.kept_logs(row.uid) if log.container == container)
    return sorted({**{one.number: one for one in found}, **{one.number: one for one in kept}}.values(), key=_newest)


def _newest(attempt: Attempt) -> int:
    return -attempt.number


def _attempt_asked(known: list[Attempt], number: str, *, previous: bool) -> Attempt | None:
    """None follows the container, whatever attempt it has come to."""
    if previous and len(known) > 1:
        return known[1]
    return next((one for one in known[1:] if str(one.number) == number), None)


@page("pods/terminal.html", kinds=("Pod",))
def terminal(visit: Visit, *, namespace: str, name: str) -> Context:
    """Shells in its containers; who may not open one is told which right is missing."""
    common = POD.on(visit, name, "terminal")
    refusal = visit.client.refusal("create", "Pod", namespace, name=name, part="exec")
    return {
        **common,
        "running": [entry["name"] for entry in common["row"].status.get("containerStatuses") or [] if _runs(entry)],
        "refusal": "" if refusal is None else refusal.message,
        "shells": terminals.SHELLS,
        "asked": visit.request.GET.get("container", ""),
    }


def _runs(entry: Context) -> bool:
    return "running" in (entry.get("state") or {})


@page("pods/monitoring.html", kinds=("Pod",))
def monitoring(visit: Visit, *, namespace: str, name: str) -> Context:
    common = POD.on(visit, name, "monitoring")
    span = usage.span_of(visit.request)
    return {**common, "span": span, "curves": usage.curves_of_pod(visit.client, span, common["row"])}


@page("pods/cost.html", kinds=("Pod",))
def cost(visit: Visit, *, namespace: str, name: str) -> Context:
    common = POD.on(visit, name, "cost")
    account, row = visit.identity.account, common["row"]
    life = billing.life(account, row.uid)
    why = sizing.context_of_pod(visit, row.obj, life)
    return {**common, "segments": billing.segments(account, row.uid), "life": life, **why}


def _timeline(visit: Visit, row: PodRow) -> timeline.Timeline:
    def cost_between(start: datetime, end: datetime) -> Decimal:
        return billing.cost_between(visit.identity.account, row.uid, start, end)

    return timeline.of_pod(row.obj, cost_between=cost_between, now=datetime.now(UTC))


def _containers(row: PodRow) -> list[Context]:
    entries = {entry["name"]: entry for entry in row.status.get("containerStatuses") or []}
    return [
        _container(row, container, entries.get(container["name"], {})) for container in row.obj["spec"]["containers"]
    ]


def _container(row: PodRow, container: Context, entry: Context) -> Context:
    last = (entry.get("lastState") or {}).get("terminated")
    return {
        "name": container["name"],
        "image": container["image"],
        "state": states.of_container(row.obj, entry) if entry else None,
        "command": " ".join([*(container.get("command") or []), *(container.get("args") or [])]),
        "env": container.get("env") or [],
        "ports": container.get("ports") or [],
        "limits": (container.get("resources") or {}).get("limits") or {},
        "restarts": entry.get("restartCount", 0),
        "id": entry.get("containerID", "").removeprefix("docker://")[:12],
        "image_id": entry.get("imageID", "").removeprefix("docker://"),
        "started": ((entry.get("state") or {}).get("running") or {}).get("startedAt"),
        "last": states.ending(row.obj, container["name"], last) if last else "",
        "last_at": last.get("finishedAt") if last else None,
    }


def _last_lines(visit: Visit, row: PodRow) -> Context | None:
    """What the container that stopped said last; shown when the pod needs a look."""
    if not row.state.needs_a_look:
        return None
    for entry in row.status.get("containerStatuses") or []:
        ended_now = (entry.get("state") or {}).get("terminated")
        ended_before = (entry.get("lastState") or {}).get("terminated")
        if not (ended_now or ended_before):
            continue
        previous = not ended_now and "running" in (entry.get("state") or {})
        options = LogOptions(container=entry["name"], tail=_LAST_LINES, previous=previous, limit_bytes=16_000)
        try:
            chunks = visit.client.logs(row.namespace, row.name, options)
            lines = b"".join(chunks).decode(errors="replace").splitlines()
        except StatusError:
            return None
        return {"container": entry["name"], "lines": lines} if lines else None
    return None


def _peeked(visit: Visit, common: Context) -> Context:
    return {"timeline": _timeline(visit, common["row"])}


def _shown(visit: Visit, name: str, tab: str) -> Context:
    row = PodRow(visit.client.get("Pod", name, visit.namespace))
    return {"row": row, "meter": billing.pod_meter(visit.identity.account, row.uid)}


POD = Noun("Pod", "pods", _shown)
peek = objects.peek(POD, "Event", more=_peeked)
events = objects.events(POD)
manifest = objects.manifest(POD)
delete = objects.deletion(POD, gettext_lazy("Pod %(name)s is being stopped."), word=asked.WORD)
