"""The forms that create from fields: a namespace, a Deployment from an image.

A form never loses what was typed: every answer shows the whole draft again, with each sentence of the control plane at
the field that caused it. The rules are the server's alone (a dry run of the same create that kubectl would send).
`console.views.wizard` says what stands on the pages.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from console import frame
from console.access import Visit, guarded
from console.forms.deployments import STEPS, ContainerDraft, DeploymentDraft, EnvDraft
from console.forms.drafts import Draft, FieldError, by_field, placed, together
from console.forms.namespaces import NamespaceDraft
from console.forms.sizes import SizeDraft
from console.pages import Page
from console.spans import parse
from console.views import wizard
from workloads.client import Client, WriteOptions
from workloads.meta import quantity
from workloads.meta.errors import AlreadyExists, NotFound, StatusError

DRY = WriteOptions(dry_run=True, manager="console")
WET = WriteOptions(manager="console")
PRICE_WARNING = "price: "
"""Begins what the page shows anyway, as figures."""
PRESSED_TWICE = timedelta(minutes=1)


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
    return _form(visit, "create/namespace.html", "namespaces", context, errors)


namespace_create.page = form_page("namespaces")  # type: ignore[attr-defined]


@guarded("GET", "POST")
def deployment_create(visit: Visit) -> HttpResponse:
    """Four steps of one form. `go` says what was pressed: a step, `submit`, `look` (price), a size to take, a row to
    add or remove."""
    namespaces, posted = namespace_names(visit), visit.request.POST
    if not namespaces and not posted:
        messages.info(visit.request, _("Workloads live in a namespace: request one first."))
        return redirect("console:namespace-create")
    draft = DeploymentDraft.read(posted)
    if not posted:
        asked = requested_namespace(visit.request)
        draft = replace(draft, namespace=asked if asked in namespaces else namespaces[0])
    step, errors, warnings = _walk(visit.client, draft, posted)
    if step == "done":
        messages.success(visit.request, _("Deployment %(name)s was created.") % {"name": draft.name})
        return redirect("console:deployment", namespace=draft.namespace, name=draft.name)
    draft, focus = _with_rows(draft, posted.get("go", ""))
    context = wizard.deployment_context(visit.client, draft, step, namespaces)
    context |= {"warnings": warnings, "focus": focus or wizard.first_field(step)}
    return _form(visit, "create/deployment.html", "deployments", context, errors)


deployment_create.page = form_page("deployments")  # type: ignore[attr-defined]


def namespace_names(visit: Visit) -> list[str]:
    """Where something can be created: not in what is being deleted."""
    items = visit.client.list("Namespace").items
    return [item["metadata"]["name"] for item in items if "deletionTimestamp" not in item["metadata"]]


def requested_namespace(request: HttpRequest) -> str:
    return request.POST.get("namespace") or request.GET.get("namespace", "")


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


def _walk(client: Client, draft: DeploymentDraft, posted: QueryDict) -> tuple[str, list[FieldError], tuple[str, ...]]:
    """The step to show ("done" once created), what is wrong, and what the server remarks. Going back is always allowed;
    going on only over steps without errors."""
    here, go = posted.get("step", STEPS[0]), posted.get("go", "")
    here = here if here in STEPS else STEPS[0]
    if go not in (*STEPS, "submit"):
        return here, [], ()
    if go in STEPS and STEPS.index(go) <= STEPS.index(here):
        return go, [], ()
    refusals, warnings = _check(client, draft, options=DRY)
    errors = together(draft.problems(), refusals)
    if not errors and go == "submit":
        errors, warnings = _check(client, draft, options=WET)
    if errors and go == "submit" and _is_there_as_asked(client, draft):
        return "done", [], ()
    target = len(STEPS) if go == "submit" else STEPS.index(go)
    blocking = [error for error in errors if STEPS.index(draft.step_of(error.field) or here) < target]
    if blocking:
        steps = (draft.step_of(error.field) or here for error in blocking)
        return min(steps, key=STEPS.index), blocking, ()
    return ("done" if go == "submit" else go), [], warnings


def _check(
    client: Client, draft: DeploymentDraft, *, options: WriteOptions
) -> tuple[list[FieldError], tuple[str, ...]]:
    (manifest,) = draft.manifests()
    refusals: list[FieldError] = []
    warnings: tuple[str, ...] = ()
    try:
        warnings = client.create("Deployment", manifest, draft.namespace, options=options).warnings
    except AlreadyExists:
        sentence = _("%(namespace)s has a Deployment of this name already: choose another name.")
        refusals = [FieldError("name", sentence % {"namespace": draft.namespace})]
    except NotFound:
        sentence = _("There is no namespace %(namespace)s (any more): choose another one.")
        refusals = [FieldError("namespace", sentence % {"namespace": draft.namespace})]
    except StatusError as refusal:
        refusals = placed(draft, refusal.causes) or [FieldError("", refusal.message)]
    return refusals, tuple(warning for warning in warnings if not warning.startswith(PRICE_WARNING))


def _is_there_as_asked(client: Client, draft: DeploymentDraft) -> bool:
    """The button was pressed twice: the first press made it a moment ago, exactly as this one asks."""
    try:
        found = client.get("Deployment", draft.name, draft.namespace)
    except StatusError:
        return False
    age = datetime.now(UTC) - parse(found["metadata"]["creationTimestamp"])
    return age < PRESSED_TWICE and _holds(found, draft.manifests()[0])


def _holds(found: Any, asked: Any) -> bool:
    """Whether everything in `asked` stands in `found`, which may say more, and quantities in other words."""
    if isinstance(asked, dict):
        return isinstance(found, dict) and all(name in found and _holds(found[name], asked[name]) for name in asked)
    if isinstance(asked, list):
        return isinstance(found, list) and len(found) == len(asked) and all(map(_holds, found, asked))
    return found == asked or _same_quantity(found, asked)


def _same_quantity(found: Any, asked: Any) -> bool:
    """`500m` is `0.5`."""
    try:
        return quantity.parse(found) == quantity.parse(asked)
    except quantity.QuantityError:
        return False


def _with_rows(draft: DeploymentDraft, go: str) -> tuple[DeploymentDraft, str]:
    """Takes a size, adds or removes a container or a variable, as the pressed button says; and where one types on."""
    if go.startswith("size-"):
        return replace(draft, size=SizeDraft.of(go.removeprefix("size-"))), "size"
    words_of_go = go.split("-")
    action = "-".join(words_of_go[:2])
    numbers = [int(word) for word in words_of_go[2:] if len(word) < 4 and word.isascii() and word.isdigit()]
    containers = list(draft.containers)
    focus = ""
    if action == "add-container":
        containers.append(ContainerDraft(_free_name(containers)))
        focus = f"containers-{len(containers) - 1}-image"
    elif numbers and numbers[0] < len(containers):
        index = numbers[0]
        if action == "remove-container" and len(containers) > 1:
            del containers[index]
            focus = f"containers-{max(0, index - 1)}-image"
        elif action == "add-env":
            containers[index] = replace(containers[index], env=(*containers[index].env, EnvDraft()))
            focus = f"containers-{index}-env-{len(containers[index].env) - 1}-name"
        elif action == "remove-env" and len(numbers) > 1:
            kept = [variable for row, variable in enumerate(containers[index].env) if row != numbers[1]]
            containers[index] = replace(containers[index], env=tuple(kept))
            focus = f"add-env-{index}"
    return replace(draft, containers=tuple(containers)), focus


def _free_name(containers: list[ContainerDraft]) -> str:
    taken = {container.name for container in containers}
    return next(name for number in range(len(taken) + 1) if (name := f"container-{number}") not in taken)


def _form(visit: Visit, template: str, section: str, context: dict[str, Any], errors: list[FieldError]) -> HttpResponse:
    """422 tells scripts and browsers alike that nothing was created. One types on in the first field that is wrong."""
    around = {"visit": visit, "frame": frame.of(visit), "section": section, "errors": by_field(errors)}
    focus = {"focus": errors[0].field} if errors else {}
    return render(visit.request, template, {**around, **context, **focus}, status=422 if errors else 200)
