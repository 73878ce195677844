"""Pods that are gone: the list, and one of them with what its containers wrote, for as long as that is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console import attempts, lists
from console.access import Visit
from console.attempts import Attempt
from console.lists import Query
from console.pages import Context, page
from console.states import State
from workloads.client import Ended, expiry


@dataclass(frozen=True)
class EndedRow:
    pod: Ended

    @property
    def state(self) -> State:
        return _state(self.pod)

    @property
    def until(self) -> datetime:
        """When nothing is known of it any more."""
        return expiry(self.pod.gone)


@page("ended/list.html", kinds=("Pod",))
def pod_list(visit: Visit, *, namespace: str = "") -> Context:
    query = Query.of(visit.request, "kind", "workload", "q")
    found = visit.client.ended_pods(
        visit.scope,
        workload_kind=query.get("kind"),
        workload=query.get("workload"),
        name_part=query.get("q").lower(),
        limit=lists.PAGE,
        continue_token=query.get("continue"),
    )
    rows = [EndedRow(pod) for pod in found.items]
    count = ngettext("%(count)s shown", "%(count)s shown", len(rows)) % {"count": len(rows)}
    following = query.following(found.continue_token) if found.continue_token else ""
    return {
        "section": "pods",
        "rows": rows,
        "pager": lists.Pager(count, not query.get("continue"), query.with_(), following),
        "query": query,
        "everything": query.with_(kind="", workload=""),
        "total": found.total,
    }


@page("ended/detail.html")
def detail(visit: Visit, *, uid: UUID) -> Context:
    pod = visit.client.ended_pod(str(uid))
    known = attempts.of_kept(visit.client.kept_logs(pod.uid))
    chosen = _chosen(known, visit.request.GET.get("container", ""), visit.request.GET.get("attempt", ""))
    return {
        "section": "pods",
        "row": EndedRow(pod),
        "containers": list(dict.fromkeys(one.container for one in known)),
        "attempts": [replace(one, current=one == chosen) for one in known],
        "chosen": chosen,
    }


def _chosen(known: Sequence[Attempt], container: str, number: str) -> Attempt | None:
    """The one asked for, else the newest of the container, else the first there is."""
    of_container = [one for one in known if one.container == container] or list(known)
    named = (one for one in of_container if str(one.number) == number)
    return next(named, of_container[0] if of_container else None)


def _state(pod: Ended) -> State:
    why = ": ".join(part for part in (pod.reason, pod.message) if part)
    if pod.outcome == "Completed":
        return State(_("Completed"), tone="idle", shape="square")
    if pod.outcome == "Failed":
        return State(_("Failed"), why, "bad", "diamond")
    if pod.outcome == "Deleted":
        return State(_("Deleted"), _("stopped because it was deleted"), "idle", "hollow")
    return State(_("Lost"), _("how it ended is not known, its log was found"), "warn", "triangle")
