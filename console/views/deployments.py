"""Deployments: the list, one deployment in tabs, scaling and deletion."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing import client as billing
from console import frame, happenings, lists, quickrows, rows, sizes, sizing, usage
from console.access import Visit, guarded
from console.costs import month, of_rows
from console.lists import Query
from console.pages import Context, page
from console.rows import DeploymentRow
from console.views import objects
from console.views.objects import Noun
from workloads.client import EVERYTHING, JSON, Sieve
from workloads.kinds import health
from workloads.meta.errors import Invalid

KIND = "Deployment"
MOST_PODS = 1000
_FILTERS: dict[str, Callable[[DeploymentRow], bool] | None] = {
    "": None,
    "look": lambda row: row.state.needs_a_look,
    "changing": lambda row: row.state.changing,
}
_SIEVES = {"look": Sieve(health=(health.LOOK, health.OPEN)), "changing": Sieve(health=(health.CHANGING, health.OPEN))}
"""Of those whose pods say how they do, `_FILTERS` chooses."""
_CHIPS = {"": gettext_lazy("All"), "look": gettext_lazy("Needs a look"), "changing": gettext_lazy("Changing")}


@page(
    "deployments/list.html",
    kinds=(KIND, "ReplicaSet", "Pod"),
    quick=quickrows.of_deployments("deployments/row.html"),
)
def deployment_list(visit: Visit, *, namespace: str = "") -> Context:
    query = Query.of_list(visit.request, "state")
    found, total = source(visit, query), visit.client.count(KIND, visit.scope)
    everything = lists.whole(source(visit, query.unfiltered), total=total)
    shelf = lists.shelf(query, found) if everything is None else lists.small(query, everything, wanted=found.wanted)
    return {
        **lists.shown(visit, KIND, query, shelf, total=total),
        "source": found,
        "chips": lists.chips(query, _CHIPS, everything, _FILTERS),
        "summary": _summary(everything) if everything else None,
        "costs": of_rows(visit, shelf.rows),
        "month": month(visit),
    }


def source(visit: Visit, query: Query) -> lists.Source[DeploymentRow]:
    state = query.get("state")

    def row(item: JSON) -> DeploymentRow:
        return rows.deployment_row(visit.client, item)

    def many(items: Sequence[JSON]) -> list[DeploymentRow]:
        return rows.deployment_rows(visit.client, items)

    chosen = _SIEVES.get(state, EVERYTHING)
    read = lists.reader(visit, KIND, query, chosen=chosen)
    takes = lists.taker(visit, KIND, query, chosen=chosen)
    return lists.Source(read, row, _FILTERS.get(state), many, takes)


@page("deployments/detail.html", kinds=(KIND, "ReplicaSet", "Pod", "Event"))
def detail(visit: Visit, *, namespace: str, name: str) -> Context:
    common = DEPLOYMENT.on(visit, name, "overview")
    return {**common, "usage": _usage(visit, common), "events": _events(visit, common)[:6]}


@page("deployments/pods.html", kinds=(KIND, "ReplicaSet", "Pod"))
def pods(visit: Visit, *, namespace: str, name: str) -> Context:
    common = DEPLOYMENT.on(visit, name, "pods")
    return {**common, "usage": _usage(visit, common)}


@page("deployments/monitoring.html", kinds=(KIND, "Pod"))
def monitoring(visit: Visit, *, namespace: str, name: str) -> Context:
    common = DEPLOYMENT.on(visit, name, "monitoring")
    return {**common, **usage.context(visit, common["row"], common["pods"])}


@page("deployments/upgrades.html", kinds=(KIND, "ReplicaSet"))
def upgrades(visit: Visit, *, namespace: str, name: str) -> Context:
    common = DEPLOYMENT.on(visit, name, "upgrades")
    current, now = rows.revision_of(common["row"].obj), common["row"].obj["spec"]["template"]
    revisions = [
        {
            "number": rows.revision_of(item),
            "name": item["metadata"]["name"],
            "images": [container["image"] for container in item["spec"]["template"]["spec"]["containers"]],
            "cause": (item["metadata"].get("annotations") or {}).get("kubernetes.io/change-cause", ""),
            "replicas": item["spec"].get("replicas", 0),
            "ready": (item.get("status") or {}).get("readyReplicas", 0),
            "created": item["metadata"].get("creationTimestamp"),
            "current": rows.revision_of(item) == current,
            "replaces": rows.revision_of(item) != current or rows.template_of(item) != now,
        }
        for item in rows.replica_sets_of(visit.client, common["row"].obj)
    ]
    may = visit.client.may("update", KIND, namespace)
    return {**common, "revisions": revisions, "may_roll_back": may}


@page("deployments/cost.html", kinds=(KIND, "Pod"))
def cost(visit: Visit, *, namespace: str, name: str) -> Context:
    common = DEPLOYMENT.on(visit, name, "cost")
    meters = billing.meters(visit.identity.account, namespace=namespace)
    lines = [(row, meters.get(row.uid)) for row in common["row"].pods]
    return {**common, "lines": lines, **sizing.context(visit, common["row"].obj)}


class ScaleForm(forms.Form):
    replicas = forms.IntegerField(label=gettext_lazy("Pods"), min_value=0, max_value=MOST_PODS)


@guarded("GET", "POST")
def scale(visit: Visit, *, namespace: str, name: str) -> HttpResponse:
    if (refusal := visit.client.refusal("patch", KIND, namespace, part="scale")) is not None:
        raise refusal
    common = DEPLOYMENT.on(visit, name, "overview")
    row: DeploymentRow = common["row"]
    form = ScaleForm(visit.request.POST or None, initial={"replicas": row.wanted})
    if visit.request.method == "POST" and form.is_valid() and _scaled(visit, form, row):
        return redirect("console:deployment", namespace=namespace, name=name)
    context = {**common, "visit": visit, "frame": frame.of(visit), "form": form, "each": row.size and row.size.rate()}
    status = 422 if visit.request.method == "POST" else 200
    return render(visit.request, "deployments/scale.html", context, status=status)


def _summary(everything: list[DeploymentRow]) -> Context:
    """What the tiles say of all of them."""
    held = [(row.size, int((row.obj.get("status") or {}).get("replicas", 0))) for row in everything]
    return {
        "wanted": sum(row.wanted for row in everything),
        "ready": sum(row.ready for row in everything),
        "cores": sizes.cores(sum(size.cpu_millis * pods for size, pods in held if size)),
        "memory": sizes.gib(sum(size.memory_mib * pods for size, pods in held if size)),
    }


def _scaled(visit: Visit, form: ScaleForm, row: DeploymentRow) -> bool:
    """False when the control plane refused; its words are on the form then."""
    replicas = form.cleaned_data["replicas"]
    patch = {"spec": {"replicas": replicas}}
    try:
        answer = visit.client.patch(
            KIND, row.name, patch, "application/merge-patch+json", row.namespace, subresource="scale"
        )
    except Invalid as refusal:
        form.add_error("replicas", refusal.causes[0].message if refusal.causes else refusal.message)
        return False
    values = {"name": row.name, "count": replicas}
    messages.success(visit.request, _("%(name)s is being scaled to %(count)s.") % values)
    for warning in answer.warnings:
        messages.info(visit.request, warning)
    return True


def _usage(visit: Visit, common: Context) -> dict[str, usage.Usage]:
    return usage.of_owned(visit.client, common["pods"])


def _shown(visit: Visit, name: str, tab: str) -> Context:
    obj = visit.client.get(KIND, name, visit.namespace)
    row = rows.deployment_row(visit.client, obj, all_pods=True)
    meter = billing.total(visit.identity.account, namespace=visit.namespace, workload_uid=row.uid)
    return {"row": row, "pods": row.pods, "meter": meter}


def _events(visit: Visit, common: Context) -> list[happenings.Happening]:
    row: DeploymentRow = common["row"]
    replica_sets = rows.replica_sets_of(visit.client, row.obj)[:3]
    uids = [row.uid, *(item["metadata"]["uid"] for item in replica_sets), *(pod.uid for pod in row.pods[:20])]
    return happenings.of_uids(visit.client, visit.namespace, uids)


DEPLOYMENT = Noun(KIND, "deployments", _shown, _events, mixed=True)
peek = objects.peek(DEPLOYMENT, "ReplicaSet", "Pod")
events = objects.events(DEPLOYMENT)
manifest = objects.manifest(DEPLOYMENT)
delete = objects.deletion(DEPLOYMENT, gettext_lazy("Deployment %(name)s is being deleted."), propagation="Foreground")
