"""The forms that create: a namespace, a Deployment from an image, anything from YAML.

A form never loses what was typed: every answer shows the whole draft again, with each sentence of the control plane at
the field that caused it. The rules are the server's alone (a dry run of the same create that kubectl would send).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import yaml
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from billing.client import Rate
from console import frame
from console.access import Visit, guarded
from console.forms.deployments import ENV_SOURCES, STEPS, ContainerDraft, DeploymentDraft, EnvDraft
from console.forms.drafts import Draft, FieldError, by_field, placed
from console.forms.namespaces import NamespaceDraft, free_addresses
from console.sizes import Size
from workloads.client import Client, WriteOptions
from workloads.kinds import podspecs
from workloads.meta.errors import AlreadyExists, Invalid, StatusError

DRY = WriteOptions(dry_run=True, manager="console")
WET = WriteOptions(manager="console")


@guarded("GET", "POST")
def namespace_create(visit: Visit) -> HttpResponse:
    """Two objects, one button; a Network that is refused takes its new namespace back."""
    draft = NamespaceDraft.read(visit.request.POST) if visit.request.method == "POST" else NamespaceDraft()
    errors: list[FieldError] = []
    if visit.request.POST.get("go") == "submit":
        errors = draft.problems() or _make_namespace(visit.client, draft)
        if not errors:
            messages.success(visit.request, _("Namespace %(name)s is being made ready.") % {"name": draft.name})
            return redirect("console:namespace", namespace=draft.name)
    context = {
        "draft": draft,
        "errors": by_field(errors),
        "free": free_addresses(draft.cidr) if draft.cidr else None,
        "advanced_open": any(error.field in ("warm_pool_size", "recycle_hours") for error in errors),
    }
    return _form(visit, "create/namespace.html", "namespaces", context, failed=bool(errors))


@guarded("GET", "POST")
def deployment_create(visit: Visit) -> HttpResponse:
    """Four steps of one form. `go` says what was pressed: a step, `submit`, `look` (price), a row to add or remove."""
    namespaces = _namespaces(visit)
    if not namespaces:
        messages.info(visit.request, _("Workloads live in a namespace: request one first."))
        return redirect("console:namespace-create")
    posted = visit.request.POST
    draft = DeploymentDraft.read(posted)
    if not posted:
        asked = requested_namespace(visit.request)
        draft = replace(draft, namespace=asked if asked in namespaces else namespaces[0])
    step, errors, warnings = _walk(visit.client, draft, posted)
    if step == "done":
        messages.success(visit.request, _("Deployment %(name)s was created.") % {"name": draft.name})
        return redirect("console:deployment", namespace=draft.namespace, name=draft.name)
    draft = _with_rows(draft, posted.get("go", ""))
    context = {**_deployment_context(draft, step, posted, namespaces), "errors": by_field(errors), "warnings": warnings}
    return _form(visit, "create/deployment.html", "deployments", context, failed=bool(errors))


def _make_namespace(client: Client, draft: NamespaceDraft) -> list[FieldError]:
    namespace, network = draft.manifests()
    errors = _attempt(client, draft, "Namespace", namespace, options=DRY)
    if errors:
        return errors
    errors = _attempt(client, draft, "Namespace", namespace, options=WET)
    if errors:
        return errors
    errors = _attempt(client, draft, "Network", network, namespace=draft.name, options=WET)
    if errors:
        client.delete("Namespace", draft.name)
    return errors


def _attempt(
    client: Client, draft: Draft, kind: str, manifest: dict[str, Any], *, options: WriteOptions, namespace: str = ""
) -> list[FieldError]:
    """Creates, or says at which field why not."""
    try:
        client.create(kind, manifest, namespace, options=options)
    except Invalid as refusal:
        return placed(draft, refusal.causes)
    except AlreadyExists:
        return [FieldError("name", _("There is one with this name already: choose another name."))]
    except StatusError as refusal:
        return placed(draft, refusal.causes) or [FieldError("", refusal.message)]
    return []


def _walk(client: Client, draft: DeploymentDraft, posted: QueryDict) -> tuple[str, list[FieldError], tuple[str, ...]]:
    """The step to show ("done" once created), what is wrong, and what the server remarks. Going back is always allowed;
    going on only over steps without errors."""
    here, go = posted.get("step", STEPS[0]), posted.get("go", "")
    here = here if here in STEPS else STEPS[0]
    if go not in (*STEPS, "submit"):
        return here, [], ()
    if go in STEPS and STEPS.index(go) <= STEPS.index(here):
        return go, [], ()
    errors, warnings = _check(client, draft, options=DRY)
    target = len(STEPS) if go == "submit" else STEPS.index(go)
    blocking = [error for error in errors if STEPS.index(draft.step_of(error.field)) < target]
    if blocking:
        return min((draft.step_of(error.field) for error in blocking), key=STEPS.index), blocking, ()
    if go != "submit":
        return go, [], warnings
    errors, _warnings = _check(client, draft, options=WET)
    return ("confirm", errors, ()) if errors else ("done", [], ())


def _check(
    client: Client, draft: DeploymentDraft, *, options: WriteOptions
) -> tuple[list[FieldError], tuple[str, ...]]:
    if problems := draft.problems():
        return problems, ()
    (manifest,) = draft.manifests()
    try:
        answer = client.create("Deployment", manifest, draft.namespace, options=options)
    except Invalid as refusal:
        return placed(draft, refusal.causes), ()
    except AlreadyExists:
        sentence = _("%(namespace)s has a Deployment of this name already: choose another name.")
        return [FieldError("name", sentence % {"namespace": draft.namespace})], ()
    except StatusError as refusal:
        return placed(draft, refusal.causes) or [FieldError("", refusal.message)], ()
    return [], answer.warnings


def _with_rows(draft: DeploymentDraft, go: str) -> DeploymentDraft:
    """Adds or removes a container or a variable, as the pressed button says."""
    words_of_go = go.split("-")
    action, numbers = "-".join(words_of_go[:2]), [int(word) for word in words_of_go[2:] if word.isdigit()]
    containers = list(draft.containers)
    if action == "add-container":
        taken = {container.name for container in containers}
        free = next(name for number in range(99) if (name := f"container-{number}") not in taken)
        containers.append(ContainerDraft(free))
    elif numbers and numbers[0] < len(containers):
        index = numbers[0]
        if action == "remove-container" and len(containers) > 1:
            del containers[index]
        elif action == "add-env":
            containers[index] = replace(containers[index], env=(*containers[index].env, EnvDraft()))
        elif action == "remove-env" and len(numbers) > 1:
            kept = [variable for row, variable in enumerate(containers[index].env) if row != numbers[1]]
            containers[index] = replace(containers[index], env=tuple(kept))
    return replace(draft, containers=tuple(containers))


@dataclass(frozen=True)
class SizeCard:
    value: str
    title: str
    rate: Rate | None


@dataclass(frozen=True)
class StepItem:
    name: str
    title: str
    current: bool
    done: bool


def _deployment_context(
    draft: DeploymentDraft, step: str, posted: QueryDict, namespaces: Sequence[str]
) -> dict[str, Any]:
    titles = {
        "basic": _("Basic information"),
        "access": _("Access"),
        "advanced": _("Advanced"),
        "confirm": _("Confirm"),
    }
    at = STEPS.index(step)
    cards = _size_cards()
    chosen = posted.get("size", draft.size)
    (manifest,) = draft.manifests()
    return {
        "draft": draft,
        "step": step,
        "steps": [StepItem(name, titles[name], name == step, STEPS.index(name) < at) for name in STEPS],
        "previous_step": STEPS[at - 1] if at else "",
        "next_step": STEPS[at + 1] if at + 1 < len(STEPS) else "submit",
        "next_title": titles[STEPS[at + 1]] if at + 1 < len(STEPS) else "",
        "namespaces": [(name, name) for name in namespaces],
        "sizes": cards,
        "size_choice": chosen if chosen in {card.value for card in cards} else "free",
        "size_cores": posted.get("size_cores", "4"),
        "size_gib": posted.get("size_gib", "16"),
        "size_words": _size_words(draft),
        "rate": _rate(draft),
        "containers": [_container_item(index, container) for index, container in enumerate(draft.containers)],
        "pull_policies": [
            ("IfNotPresent", _("when it is not on this host")),
            ("Always", _("at every start")),
            ("Never", _("never: use what is here")),
        ],
        "env_sources": [("value", _("a value")), *((name, name) for name in ENV_SOURCES)],
        "yaml": yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True),
        "command": _kubectl(draft),
    }


def _container_item(index: int, container: ContainerDraft) -> dict[str, Any]:
    prefix = f"containers-{index}-"
    return {
        "index": index,
        "prefix": prefix,
        "draft": container,
        "start_open": bool(container.command or container.args or container.working_dir),
        "env": [{"prefix": f"{prefix}env-{row}-", "draft": variable} for row, variable in enumerate(container.env)],
    }


def _size_cards() -> list[SizeCard]:
    values = ("0.25_1.0", "0.50_1.0", "1.00_2.0", "2.00_4.0")
    sizes = {value: Size.parse(value) for value in values}
    return [SizeCard(value, str(size), size.rate()) for value, size in sizes.items() if size]


def _rate(draft: DeploymentDraft) -> Rate | None:
    """None while the size is none that can be had."""
    specification, size = podspecs.parse(draft.size), Size.parse(draft.size)
    if specification is None or size is None or draft.replicas < 0:
        return None
    if not podspecs.on_grid(specification, podspecs.DEFAULT.of("general-computing")):
        return None
    return size.rate(pods=draft.replicas)


def _size_words(draft: DeploymentDraft) -> str:
    return str(Size.parse(draft.size) or "?")


def _kubectl(draft: DeploymentDraft) -> str:
    image = draft.containers[0].reference or "IMAGE"
    place = f"kubectl -n {draft.namespace or 'NAMESPACE'} create \\\n"
    return f"{place}  deployment {draft.name or 'NAME'} \\\n  --image={image} --replicas={draft.replicas}"


def _namespaces(visit: Visit) -> list[str]:
    """Where something can be created: not in what is being deleted."""
    items = visit.client.list("Namespace").items
    return [item["metadata"]["name"] for item in items if "deletionTimestamp" not in item["metadata"]]


def _form(visit: Visit, template: str, section: str, context: dict[str, Any], *, failed: bool) -> HttpResponse:
    """422 tells scripts and browsers alike that nothing was created."""
    around = {"visit": visit, "frame": frame.of(visit), "section": section}
    return render(visit.request, template, {**around, **context}, status=422 if failed else 200)


def namespace_choices(visit: Visit) -> list[tuple[str, str]]:
    return [(name, name) for name in _namespaces(visit)]


def requested_namespace(request: HttpRequest) -> str:
    return request.POST.get("namespace") or request.GET.get("namespace", "")


def page_of(kind: str, namespace: str, name: str) -> str:
    """Where the console shows an object; "" for kinds without a page of their own."""
    if kind == "Namespace":
        return reverse("console:namespace", kwargs={"namespace": name})
    pages = {"Deployment": "console:deployment", "Pod": "console:pod"}
    return reverse(pages[kind], kwargs={"namespace": namespace, "name": name}) if kind in pages else ""
