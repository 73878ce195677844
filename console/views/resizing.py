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

from console import frame, sizing
from console.access import Visit, guarded
from console.views import create
from workloads.client import JSON
from workloads.meta.errors import StatusError

_STRATEGIC: Any = "application/strategic-merge-patch+json"


@guarded("GET", "POST")
def deployment(visit: Visit, *, namespace: str, name: str) -> HttpResponse:
    return _resize(visit, "Deployment", "deployment", name)


@guarded("GET", "POST")
def cronjob(visit: Visit, *, namespace: str, name: str) -> HttpResponse:
    return _resize(visit, "CronJob", "cronjob", name)


def _resize(visit: Visit, kind: str, page: str, name: str) -> HttpResponse:
    """The size that was read before the button is the one that is set: other advice since asks again."""
    obj = visit.client.get(kind, name, visit.namespace)
    row, refusal, warnings = sizing.of_workload(visit, obj), "", tuple[str, ...]()
    if row is not None and row.can_follow:
        size, patch = row.found.advice.specification, row.found.patch(kind)
        posted = visit.request.POST.get("size") if visit.request.method == "POST" else None
        is_meant = size is not None and posted == size.annotation()
        options = create.WET if is_meant else replace(create.WET, dry_run=True)
        try:
            warnings = visit.client.patch(kind, name, patch, _STRATEGIC, visit.namespace, options=options).warnings
        except StatusError as error:
            refusal = error.message
        else:
            if is_meant:
                messages.success(
                    visit.request, _("%(name)s: its next pods are %(size)s.") % {"name": name, "size": size}
                )
                return redirect(f"console:{page}", namespace=visit.namespace, name=name)
    context = {
        "visit": visit,
        "frame": frame.of(visit),
        "section": f"{page}s",
        "name": name,
        "sizing": row,
        "rollout": _rollout(obj),
        "refusal": refusal,
        "warnings": warnings,
        "back": reverse(f"console:{page}-cost", kwargs={"namespace": visit.namespace, "name": name}),
    }
    return render(visit.request, "create/resize.html", context, status=422 if refusal else 200)


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
