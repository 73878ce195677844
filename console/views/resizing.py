"""One click from the advice to the smaller size: what it costs then, and whom it restarts, stands before the button."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing import client as billing
from console import frame, lowerwords, sizing
from console.access import Visit, guarded
from console.views import create
from workloads.client import JSON
from workloads.meta.errors import StatusError

_AS_ALWAYS, _ONE_BY_ONE = "as-always", "one-by-one"
"""By the upgrade policy that it has, or without a pod more than there are."""
_STRATEGIC: Any = "application/strategic-merge-patch+json"


@guarded("GET", "POST")
def deployment(visit: Visit, *, namespace: str, name: str) -> HttpResponse:
    return _resize(visit, "Deployment", "deployment", name)


@guarded("GET", "POST")
def cronjob(visit: Visit, *, namespace: str, name: str) -> HttpResponse:
    return _resize(visit, "CronJob", "cronjob", name)


def _resize(visit: Visit, kind: str, page: str, name: str) -> HttpResponse:
    """The size and the way that were read before the button are the ones that are taken: other advice since, or another
    way, asks again."""
    obj = visit.client.get(kind, name, visit.namespace)
    row, refusal, warnings, way = sizing.of_workload(visit, obj), "", tuple[str, ...](), _AS_ALWAYS
    if row is not None and row.can_follow and row.found.advice.specification is not None:
        size, patch = row.found.advice.specification, row.found.patch(kind)
        posted = visit.request.POST if visit.request.method == "POST" else {}
        try:
            way, warnings = _tried(visit, obj, patch)
            is_meant = (posted.get("size"), posted.get("way", _AS_ALWAYS)) == (size.annotation(), way)
            if is_meant:
                visit.client.patch(kind, name, _by(way, patch), _STRATEGIC, visit.namespace, options=create.WET)
        except StatusError as error:
            refusal = error.message
        else:
            if is_meant:
                messages.success(
                    visit.request,
                    _("%(name)s: its next pods are %(size)s.") % {"name": name, "size": lowerwords.said(str(size))},
                )
                return redirect(f"console:{page}", namespace=visit.namespace, name=name)
    context = {
        "visit": visit,
        "frame": frame.of(visit),
        "section": f"{page}s",
        "name": name,
        "sizing": row,
        "way": way,
        "rollout": _one_by_one(obj) if way == _ONE_BY_ONE else _rollout(obj),
        "refusal": refusal,
        "warnings": warnings,
        "back": reverse(f"console:{page}-cost", kwargs={"namespace": visit.namespace, "name": name}),
    }
    return render(visit.request, "create/resize.html", context, status=422 if refusal else 200)


def _tried(visit: Visit, obj: JSON, patch: JSON) -> tuple[str, tuple[str, ...]]:
    """How it can be done, and what is said of it. A smaller size costs less, but the pods that a rolling update runs
    beside the others do not fit under a budget that is nearly used up: it goes without them then. Raises StatusError.
    """
    kind, name, dry = obj["kind"], obj["metadata"]["name"], replace(create.WET, dry_run=True)
    try:
        told = visit.client.patch(kind, name, patch, _STRATEGIC, visit.namespace, options=dry)
        return _AS_ALWAYS, told.warnings
    except StatusError as error:
        if kind != "Deployment" or error.error_code != billing.budgets.ERROR_CODE:
            raise
    told = visit.client.patch(kind, name, _by(_ONE_BY_ONE, patch), _STRATEGIC, visit.namespace, options=dry)
    return _ONE_BY_ONE, told.warnings


def _by(way: str, patch: JSON) -> JSON:
    if way == _AS_ALWAYS:
        return patch
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    return {"spec": {**patch["spec"], "strategy": strategy}}


def _one_by_one(obj: JSON) -> str:
    number = int(obj["spec"].get("replicas", 1))
    said = ngettext(
        "A budget has no room for a second pod beside it, so its pod is stopped before the new one starts: nothing"
        " serves in between.",
        "A budget has no room for more pods beside them, so the %(number)d pods are replaced one by one, each stopped"
        " before the next one starts.",
        number,
    )
    told = said % {"number": number} if "%(number)" in said else said
    kept = _("The upgrade policy becomes maxSurge 0, maxUnavailable 1, and stays so until you change it.")
    return f"{told} {kept}"


def _rollout(obj: JSON) -> str:
    """What the change does to pods that run."""
    if obj["kind"] == "CronJob":
        return _("Jobs that run are left alone; the next one has the new size.")
    number = int(obj["spec"].get("replicas", 1))
    if not number:
        return _("No pod runs, so none is replaced.")
    if (obj["spec"].get("strategy") or {}).get("type") == "Recreate":
        said = ngettext("Its pod is stopped and replaced.", "All %(number)d pods are stopped and replaced.", number)
    else:
        said = ngettext(
            "Its pod is replaced: the new one starts first.",
            "All %(number)d pods are replaced, step by step (a rolling update).",
            number,
        )
    return said % {"number": number} if "%(number)" in said else said
