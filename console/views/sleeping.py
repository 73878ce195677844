"""Scale to zero of a Deployment: its part of the tab Scaling, the dialog that switches it on and off, and waking."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.client import Rate
from console import frame, spans
from console.access import Visit, guarded
from console.forms.scaling import SleepForm, place
from console.pages import Context
from console.rows import DeploymentRow
from console.views.deployments import DEPLOYMENT
from workloads.client import JSON
from workloads.kinds import sleeping
from workloads.meta import conditions
from workloads.meta.errors import Invalid


def told(row: DeploymentRow) -> Context:
    """What the tab says of it."""
    condition = conditions.find(row.obj.get("status") or {}, sleeping.CONDITION) or {}
    return {
        "sleep_after": sleeping.wish(row.obj),
        "saved": saved(row),
        "never_sleeps": condition.get("message", "") if condition.get("reason") == "NotReached" else "",
        "asleep_since": _since(condition) if row.is_asleep else None,
    }


def saved(row: DeploymentRow) -> Rate | None:
    """What all of its pods cost: now, or when they are there again."""
    return row.size.rate(pods=row.pods_when_awake) if row.size and row.pods_when_awake else None


@guarded("GET", "POST")
def after(visit: Visit, *, namespace: str, name: str) -> HttpResponse:
    """Switched on, changed and off in one dialog."""
    visit.client.require("patch", "Deployment", namespace)
    common = DEPLOYMENT.on(visit, name, "scaling")
    row: DeploymentRow = common["row"]
    if visit.request.POST.get("do") == "off":
        _wish(visit, row, None)
        messages.success(visit.request, _("%(name)s does not sleep any more.") % {"name": name})
        return redirect("console:deployment-scaling", namespace=namespace, name=name)
    form = SleepForm(visit.request.POST or None, initial={"after": sleeping.wish(row.obj) or "10m"})
    if form.is_valid() and _kept(visit, row, form):
        return redirect("console:deployment-scaling", namespace=namespace, name=name)
    context = {**common, **told(row), "visit": visit, "frame": frame.of(visit), "form": form}
    status = 422 if visit.request.method == "POST" else 200
    return render(visit.request, "deployments/sleep.html", context, status=status)


@guarded("GET", "POST")
def wake(visit: Visit, *, namespace: str, name: str) -> HttpResponse:
    """Says what it costs before the button; who is awake already stays as it is."""
    visit.client.require("patch", "Deployment", namespace)
    common = DEPLOYMENT.on(visit, name, "overview")
    row: DeploymentRow = common["row"]
    if visit.request.method == "GET":
        context = {**common, **told(row), "visit": visit, "frame": frame.of(visit)}
        return render(visit.request, "deployments/wake.html", context)
    if row.is_asleep:
        _patch(visit, row, sleeping.to_wake(row.obj))
        count = row.pods_when_awake
        words = ngettext("%(name)s wakes: its pod starts.", "%(name)s wakes: its %(count)s pods start.", count)
        messages.success(visit.request, words % {"name": name, "count": count})
    return redirect("console:deployment", namespace=namespace, name=name)


def _kept(visit: Visit, row: DeploymentRow, form: SleepForm) -> bool:
    """False when the control plane refused: its words are at the field then."""
    try:
        _wish(visit, row, form.cleaned_data["after"])
    except Invalid as refusal:
        place(form, form.places, refusal.causes)
        return False
    values = {"name": row.name, "after": form.cleaned_data["after"]}
    messages.success(visit.request, _("%(name)s sleeps after %(after)s without a request.") % values)
    return True


def _wish(visit: Visit, row: DeploymentRow, said: str | None) -> None:
    _patch(visit, row, {"metadata": {"annotations": {sleeping.AFTER: said}}})


def _patch(visit: Visit, row: DeploymentRow, patch: JSON) -> None:
    whole = {**patch, "metadata": {"uid": row.uid, **patch["metadata"]}}
    visit.client.patch("Deployment", row.name, whole, "application/merge-patch+json", row.namespace)


def _since(condition: JSON) -> datetime | None:
    stamp = condition.get("lastTransitionTime")
    return spans.parse(stamp) if stamp else None
