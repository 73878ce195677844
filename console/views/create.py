"""What all forms that create share, and the form that requests a namespace.

A form never loses what was typed: every answer shows the whole draft again, with each sentence of the control plane at
the field that caused it. The rules are the server's alone (a dry run of the same create that kubectl would send).
`console.views.create_workload` has the forms in steps; `console.views.wizard` says what stands on the pages.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from console import frame
from console.access import Visit, guarded
from console.forms.drafts import Draft, FieldError, by_field, placed, together
from console.forms.namespaces import NamespaceDraft
from console.pages import Page
from console.views import wizard
from workloads.client import Client, WriteOptions
from workloads.meta.errors import AlreadyExists, NotFound, StatusError

DRY = WriteOptions(dry_run=True, manager="console")
WET = WriteOptions(manager="console")


def form_page(section: str) -> Page:
    """What stays live around a form: the header and the rail. What is being typed is the visitor's alone."""

    def describe(visit: Visit, **kwargs: Any) -> dict[str, Any]:
        return {"section": section}

    return Page("create/around.html", describe, frame.KINDS)


@guarded("GET", "POST")
def namespace_create(visit: Visit) -> HttpResponse:
    """Two objects, one button; a Network that is refused takes its new namespace back."""
    posted = visit.request.POST
    draft = NamespaceDraft.read(posted)
    errors: list[FieldError] = []
    if posted.get("go") == "submit":
        errors = _make_namespace(visit.client, draft)
        if not errors:
            messages.success(visit.request, _("Namespace %(name)s is being made ready.") % {"name": draft.name})
            return redirect("console:namespace", namespace=draft.name)
    context = wizard.namespace_context(visit.client, draft, errors)
    return form(visit, "create/namespace.html", "namespaces", context, errors)


namespace_create.page = form_page("namespaces")  # type: ignore[attr-defined]


def namespace_names(visit: Visit) -> list[str]:
    """Where something can be created: not in what is being deleted."""
    items = visit.client.list("Namespace").items
    return [item["metadata"]["name"] for item in items if "deletionTimestamp" not in item["metadata"]]


def admit(visit: Visit, kind: str, names: list[str]) -> None:
    """Who may create none of the kind in any of the namespaces is told so before a form is filled. Raises Forbidden."""
    if names and not any(visit.client.may("create", kind, name) for name in names):
        visit.client.require("create", kind, names[0])


def nowhere(visit: Visit, said: str) -> HttpResponse:
    """For an account that has no namespace yet: the form that requests one, and `said`."""
    messages.info(visit.request, said)
    return redirect("console:namespace-create")


def first_namespace(visit: Visit, kind: str, names: list[str]) -> str:
    """Of a form that nobody has filled yet: the one that was asked for, or else the first. Raises Forbidden."""
    admit(visit, kind, names)
    wanted = requested_namespace(visit.request)
    return wanted if wanted in names else names[0]


def make(visit: Visit, kind: str, draft: Draft, *, taken: str, namespace: str = "") -> list[FieldError]:
    """Creates the one object of a draft: what is wrong, at its fields, and nothing when it was made. `taken` is said
    where the name is."""
    (wanted,), problems, refusals = draft.manifests(), draft.problems(), list[FieldError]()
    try:
        visit.client.create(kind, wanted, namespace, options=DRY if problems else WET)
    except AlreadyExists:
        refusals = [FieldError("name", taken)]
    except StatusError as refusal:
        refusals = placed(draft, refusal.causes) or [FieldError("", refusal.message)]
    return together(problems, refusals)


def requested_namespace(request: HttpRequest) -> str:
    asked: str = request.POST.get("namespace") or request.GET.get("namespace", "")
    return asked.replace("\0", "").strip()


def _make_namespace(client: Client, draft: NamespaceDraft) -> list[FieldError]:
    namespace, network = draft.manifests()
    errors = together(draft.problems(), _attempt(client, draft, "Namespace", namespace, options=DRY))
    errors = errors or _attempt(client, draft, "Namespace", namespace, options=WET)
    if errors:
        return errors
    errors = _attempt(client, draft, "Network", network, namespace=draft.name, options=WET)
    if errors:
        client.delete("Namespace", draft.name)
    return errors


def _attempt(
    client: Client, draft: Draft, kind: str, manifest: dict[str, Any], *, options: WriteOptions, namespace: str = ""
) -> list[FieldError]:
    """Creates (or tries), or says at which field why not."""
    try:
        client.create(kind, manifest, namespace, options=options)
    except AlreadyExists:
        return [FieldError("name", _taken(client, manifest["metadata"]["name"]))]
    except StatusError as refusal:
        return placed(draft, refusal.causes) or [FieldError("", refusal.message)]
    return []


def _taken(client: Client, name: str) -> str:
    try:
        leaving = "deletionTimestamp" in client.get("Namespace", name)["metadata"]
    except NotFound:
        leaving = True
    if leaving:
        return _("The namespace of this name is still being deleted: wait until it is gone, or choose another name.")
    return _("You have a namespace of this name already: choose another name.")


def form(visit: Visit, template: str, section: str, context: dict[str, Any], errors: list[FieldError]) -> HttpResponse:
    """422 tells scripts and browsers alike that nothing was created. One types on in the first field that is wrong."""
    around = {"visit": visit, "frame": frame.of(visit), "section": section, "errors": by_field(errors)}
    focus = {"focus": errors[0].field} if errors else {}
    return render(visit.request, template, {**around, **context, **focus}, status=422 if errors else 200)
