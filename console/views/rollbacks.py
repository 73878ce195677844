"""Going back to an earlier revision of a Deployment: what would change, and the change; and going on where upgrades are
paused."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from console import frame, manifests, rows, threeway
from console.access import Visit, guarded
from console.pages import Context
from console.rows import DeploymentRow
from console.threeway import Line
from console.views.create import DRY, WET
from console.views.deployments import DEPLOYMENT
from workloads.client import JSON
from workloads.meta.errors import Conflict, StatusError


@guarded("GET", "POST")
def roll_back(visit: Visit, *, namespace: str, name: str) -> HttpResponse:
    """`?to=` names the ReplicaSet of the revision; without it, it is the newest that is another one than what is asked
    for now."""
    visit.client.require("patch", "Deployment", namespace)
    common = DEPLOYMENT.on(visit, name, "upgrades")
    row: DeploymentRow = common["row"]
    asked = visit.request.POST.get("to") or visit.request.GET.get("to", "")
    found = _revision(rows.replica_sets_of(visit.client, row.obj), asked, row.obj)
    now = row.obj["spec"]["template"]
    wanted = rows.template_of(found) if found else now
    lines = _difference(now, wanted)
    shown: Context = {"found": found, "number": rows.revision_of(found) if found else 0, "lines": lines}
    if found and lines:
        go = visit.request.method == "POST"
        try:
            answer = visit.client.update(
                "Deployment", name, _with(row.obj, wanted), namespace, options=WET if go else DRY
            )
        except Conflict:
            shown["refused"] = _("Somebody changed it in this very moment: look at it again.")
        except StatusError as refusal:
            shown["refused"] = refusal.message
        else:
            if go:
                return _done(visit, row, rows.revision_of(found), answer.warnings)
            shown["warnings"] = answer.warnings
    context = {**common, **shown, "what_happens": _what_happens(row), "visit": visit, "frame": frame.of(visit)}
    return render(visit.request, "deployments/roll_back.html", context, status=422 if "refused" in shown else 200)


@guarded("GET", "POST")
def resume(visit: Visit, *, namespace: str, name: str) -> HttpResponse:
    """What waited while upgrades were paused is rolled out."""
    visit.client.require("patch", "Deployment", namespace)
    common = DEPLOYMENT.on(visit, name, "upgrades")
    row: DeploymentRow = common["row"]
    if visit.request.method == "GET":
        context = {**common, "waits": _waits(visit, row), "visit": visit, "frame": frame.of(visit)}
        return render(visit.request, "deployments/resume.html", context)
    if row.is_paused:
        patch = {"spec": {"paused": False}}
        visit.client.patch("Deployment", name, patch, "application/merge-patch+json", namespace, options=WET)
        messages.success(visit.request, _("Upgrades of %(name)s go on.") % {"name": name})
    return redirect("console:deployment", namespace=namespace, name=name)


def _waits(visit: Visit, row: DeploymentRow) -> list[Line]:
    """What its pods are not yet of what is asked for."""
    newest = next(iter(rows.replica_sets_of(visit.client, row.obj)), None)
    if newest is None:
        return []
    return _difference(rows.template_of(newest), row.obj["spec"]["template"])


def _difference(before: JSON, after: JSON) -> list[Line]:
    return threeway.difference(manifests.text(before), manifests.text(threeway.ordered_as(before, after)))


def _done(visit: Visit, row: DeploymentRow, number: int, warnings: Sequence[str]) -> HttpResponse:
    said = _("%(name)s goes back to what revision %(number)s was.") % {"name": row.name, "number": number}
    if not _has_pods_replaced(row):
        said = f"{said} {_what_happens(row)}"
    messages.success(visit.request, said)
    for warning in warnings:
        messages.info(visit.request, warning)
    return redirect("console:deployment", namespace=row.namespace, name=row.name)


def _has_pods_replaced(row: DeploymentRow) -> bool:
    return bool(row.wanted) and not row.is_asleep and not row.is_paused


def _what_happens(row: DeploymentRow) -> str:
    """To its pods."""
    if row.is_asleep:
        return _("It sleeps, so no pod is replaced: the ones that the next request starts are of this revision.")
    if row.is_paused:
        return _("Its upgrades are paused: its pods stay as they are until it is resumed.")
    if not row.wanted:
        return _("It has no pods: the ones it gets are of this revision.")
    return _("Its pods are replaced as its upgrade policy says.")


def _revision(replica_sets: list[JSON], asked: str, deployment: JSON) -> JSON | None:
    """The newest first; None where there is no other one. While upgrades are paused, the current one may be another
    than what is asked for."""
    if asked:
        return next((one for one in replica_sets if one["metadata"]["name"] == asked), None)
    now = deployment["spec"]["template"]
    return next((one for one in replica_sets if rows.template_of(one) != now), None)


def _with(deployment: JSON, template: JSON) -> JSON:
    """Its resourceVersion stays in it: who changed it meanwhile is not overwritten."""
    return {**deployment, "spec": {**deployment["spec"], "template": template}}
