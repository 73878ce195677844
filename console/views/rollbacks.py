"""Going back to an earlier revision of a Deployment: what would change, and the change."""

from __future__ import annotations

from copy import deepcopy

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from console import frame, manifests, rows, threeway
from console.access import Visit, guarded
from console.views.deployments import DEPLOYMENT
from workloads.client import JSON

_HASH = "pod-template-hash"


@guarded("GET", "POST")
def roll_back(visit: Visit, *, namespace: str, name: str) -> HttpResponse:
    """`?to=` names the ReplicaSet of the revision; without it, it is the one before the current one."""
    visit.client.require("patch", "Deployment", namespace)
    common = DEPLOYMENT.on(visit, name, "upgrades")
    deployment: JSON = common["row"].obj
    asked = visit.request.POST.get("to") or visit.request.GET.get("to", "")
    found = _revision(rows.replica_sets_of(visit.client, deployment), asked, rows.revision_of(deployment))
    wanted = template_of(found) if found else deployment["spec"]["template"]
    lines = threeway.difference(*(manifests.text(one) for one in (deployment["spec"]["template"], wanted)))
    if visit.request.method == "POST" and found and lines:
        answer = visit.client.update("Deployment", name, _with(deployment, wanted), namespace)
        values = {"name": name, "number": rows.revision_of(found)}
        messages.success(visit.request, _("%(name)s goes back to what revision %(number)s was.") % values)
        for warning in answer.warnings:
            messages.info(visit.request, warning)
        return redirect("console:deployment", namespace=namespace, name=name)
    shown = {"found": found, "number": rows.revision_of(found) if found else 0, "lines": lines}
    return render(
        visit.request, "deployments/roll_back.html", {**common, **shown, "visit": visit, "frame": frame.of(visit)}
    )


def template_of(replica_set: JSON) -> JSON:
    """As the Deployment had it: without the label that tells its ReplicaSets apart."""
    template: JSON = deepcopy(replica_set["spec"]["template"])
    template.get("metadata", {}).get("labels", {}).pop(_HASH, None)
    return template


def _revision(replica_sets: list[JSON], asked: str, current: int) -> JSON | None:
    """The newest first; None where there is no other one."""
    others = [one for one in replica_sets if rows.revision_of(one) != current]
    return next((one for one in others if asked in ("", one["metadata"]["name"])), None)


def _with(deployment: JSON, template: JSON) -> JSON:
    """Its resourceVersion stays in it: who changed it meanwhile is not overwritten."""
    return {**deployment, "spec": {**deployment["spec"], "template": template}}
