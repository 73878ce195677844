"""Namespaces: the list with Normal and Abnormal, one namespace with its network and what it holds, and its deletion."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from billing import client as billing
from console import frame, happenings, lists, manifests, rows, states
from console.access import Visit, guarded
from console.costs import by_namespace
from console.pages import Context, page

CONFIRMATION = "DELETE"
_REMOVED = ("ConfigMap", "Secret", "ScalingPolicy", "HorizontalPodAutoscaler")
"""What deletion names beside what a namespace holds."""
_HELD = ("Deployment", "ReplicaSet", "Job", "CronJob", "Pod", "PersistentVolumeClaim", "Service", "Ingress")


@page("namespaces/list.html", kinds=("Namespace", "Network"))
def namespace_list(visit: Visit) -> Context:
    found = rows.namespace_rows(visit.client, visit.client.list("Namespace", limit=lists.PAGE).items)
    return {
        "section": "namespaces",
        "rows": found,
        "costs": by_namespace(visit),
        "held": {row.name: {kind: frame.count(visit.client, kind, row.name) for kind in _HELD} for row in found},
        "may_create": visit.client.may("create", "Namespace"),
    }


def common(visit: Visit, tab: str) -> Context:
    """What every tab of a namespace shows."""
    return {"section": "namespaces", "tab": tab, "frame_template": "namespaces/frame.html", "row": _row(visit)}


@page("namespaces/detail.html", kinds=("Namespace", "Network", "Deployment", "Job", "Pod"))
def detail(visit: Visit, *, namespace: str) -> Context:
    shown = common(visit, "overview")
    return {
        **shown,
        "networks": [(one, states.of_network(one)) for one in shown["row"].networks],
        "held": _held(visit, namespace),
        "meter": billing.total(visit.identity.account, namespace=namespace),
    }


@page("events.html", kinds=("Event",))
def events(visit: Visit, *, namespace: str) -> Context:
    found = visit.client.list("Event", namespace, limit=500).items
    return {**common(visit, "events"), "events": happenings.newest(found), "mixed": True}


@page("yaml.html", kinds=("Namespace", "Network"))
def manifest(visit: Visit, *, namespace: str) -> Context:
    shown = common(visit, "yaml")
    objects = [visit.namespace_object, *shown["row"].networks]
    return {**shown, "yaml": manifests.coloured("---\n".join(manifests.text(one) for one in objects))}


@guarded("GET", "POST")
def delete(visit: Visit, *, namespace: str) -> HttpResponse:
    """Asks to type DELETE, and says what goes and what is no longer billed."""
    wrong = visit.request.method == "POST" and visit.request.POST.get("word", "").strip() != CONFIRMATION
    if visit.request.method == "POST" and not wrong:
        visit.client.delete("Namespace", namespace)
        messages.success(visit.request, _("Namespace %(name)s is being deleted.") % {"name": namespace})
        return redirect("console:namespaces")
    context = {
        "visit": visit,
        "frame": frame.of(visit),
        "section": "namespaces",
        "row": _row(visit),
        "held": {**_held(visit, namespace), **{kind: frame.count(visit.client, kind, namespace) for kind in _REMOVED}},
        "meter": billing.total(visit.identity.account, namespace=namespace),
        "word": CONFIRMATION,
        "wrong": wrong,
    }
    return render(visit.request, "namespaces/delete.html", context, status=422 if wrong else 200)


def _row(visit: Visit) -> rows.NamespaceRow:
    networks = tuple(visit.client.list("Network", visit.namespace).items)
    return rows.NamespaceRow(visit.namespace_object, networks)


def _held(visit: Visit, namespace: str) -> dict[str, int]:
    return {kind: visit.client.count(kind, namespace) for kind in _HELD}
