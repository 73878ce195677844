"""The forms that create a Deployment, a Job or a CronJob from an image, in steps.

`go` says what was pressed: a step, `submit`, `look` (price and times), `namespace` (what there is to choose from),
`restore` (a draft that a tab kept, on the step it was left on), or a button that only changes the form
(`console.forms.presses`). One goes on over steps without errors, and back always.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from console.access import View, Visit, guarded
from console.forms import access, presses, starts
from console.forms.deployments import DeploymentDraft
from console.forms.drafts import FieldError, Fields, placed, text, together
from console.forms.jobs import CronJobDraft, JobDraft
from console.forms.workloads import WorkloadDraft
from console.sections import page_of
from console.spans import parse
from console.views import sending, wizard
from console.views.create import DRY, WET, form, form_page, namespace_names, requested_namespace
from workloads.client import Client, WriteOptions
from workloads.meta import quantity
from workloads.meta.errors import AlreadyExists, NotFound, StatusError

PRICE_WARNING = "price in "
"""Begins what the page shows anyway, as figures."""
PRESSED_TWICE = timedelta(minutes=1)


def _wizard(read: Callable[[Fields], WorkloadDraft], *, section: str) -> View:
    """The view of one kind's form."""

    @guarded("GET", "POST")
    def create(visit: Visit) -> HttpResponse:
        namespaces, posted = namespace_names(visit), visit.request.POST
        if not namespaces and not posted:
            messages.info(visit.request, _("Workloads live in a namespace: request one first."))
            return redirect("console:namespace-create")
        draft = read(posted)
        started = visit.request.GET.get("start", "") if not posted else ""
        if not posted:
            draft = read(starts.fields(draft.KIND, started))
            asked = requested_namespace(visit.request)
            draft = replace(draft, namespace=asked if asked in namespaces else namespaces[0])
            draft = _from_image(draft, text(visit.request.GET, "image"))
        step, errors, warnings = _walk(visit.client, draft, posted)
        if step == "done":
            return _done(visit, draft, errors)
        go = posted.get("go", "")
        draft, focus = _pressed(draft, go)
        focus = "namespace" if go == "namespace" else focus
        context = wizard.workload_context(visit.client, draft, step, namespaces, errors)
        context |= {"starts": () if posted else starts.STARTS.get(draft.KIND, ()), "started": started}
        context |= {"warnings": warnings, "focus": focus or wizard.first_field(draft, step)}
        return form(visit, f"create/{draft.KIND.lower()}.html", section, context, errors)

    create.page = form_page(section)  # type: ignore[attr-defined]
    return create


deployment_create = _wizard(DeploymentDraft.read, section="deployments")
job_create = _wizard(JobDraft.read, section="jobs")
cronjob_create = _wizard(CronJobDraft.read, section="cronjobs")


def _from_image(draft: WorkloadDraft, image: str) -> WorkloadDraft:
    """With `image` in its first container; as it was for none."""
    if not image:
        return draft
    first, *others = draft.pod.containers
    return replace(draft, pod=replace(draft.pod, containers=(replace(first, image=image), *others)))


def _pressed(draft: WorkloadDraft, go: str) -> tuple[WorkloadDraft, str]:
    if isinstance(draft, DeploymentDraft):
        reached, focus = access.pressed(draft.access, go)
        if focus:
            return replace(draft, access=reached), focus
    pod, focus = presses.pressed(draft.pod, go)
    return replace(draft, pod=pod), focus


def _done(visit: Visit, draft: WorkloadDraft, errors: list[FieldError]) -> HttpResponse:
    """To the workload's page. `errors` are those of what should have been made after it."""
    words = {"kind": draft.KIND, "name": draft.name}
    messages.success(visit.request, _("%(kind)s %(name)s was created.") % words)
    for error in errors:
        said = _("It runs, but nobody reaches it as you asked: %(why)s Add the access here.")
        messages.error(visit.request, said % {"why": error.message})
    if errors:
        return redirect("console:deployment-access", namespace=draft.namespace, name=draft.name)
    return redirect(_where(draft))


def _where(draft: WorkloadDraft) -> str:
    """Its page; while its kind has none, where its pods will be."""
    return page_of(draft.KIND, draft.namespace, draft.name) or wizard.list_of("Pod", draft.namespace)


def _walk(client: Client, draft: WorkloadDraft, posted: QueryDict) -> tuple[str, list[FieldError], tuple[str, ...]]:
    """The step to show ("done" once the workload is there), what is wrong, and what the server remarks."""
    steps = draft.STEPS
    here, go = posted.get("step", steps[0]), posted.get("go", "")
    here = here if here in steps else steps[0]
    if go == "restore":
        here, go = steps[0], here
    if go not in (*steps, "submit"):
        return here, [], ()
    if go in steps and steps.index(go) <= steps.index(here):
        return go, [], ()
    refusals, warnings = _try(client, draft)
    errors = together(draft.problems(), refusals)
    if not errors and go == "submit":
        errors, later = _make(client, draft)
        if not errors:
            return "done", later, ()
    if errors and go == "submit" and _is_there_as_asked(client, draft):
        return "done", [], ()
    target = len(steps) if go == "submit" else steps.index(go)
    blocking = [error for error in errors if steps.index(draft.step_of(error.field) or here) < target]
    if blocking:
        wrong = (draft.step_of(error.field) or here for error in blocking)
        return min(wrong, key=steps.index), blocking, ()
    return go, [], warnings


def _try(client: Client, draft: WorkloadDraft) -> tuple[list[FieldError], tuple[str, ...]]:
    """A dry run of everything."""
    refusals, warnings = _check(client, draft, options=DRY)
    others = sending.send(client, [*draft.before(), *draft.after()], options=DRY)
    return refusals + others.refusals, warnings + others.warnings


def _make(client: Client, draft: WorkloadDraft) -> tuple[list[FieldError], list[FieldError]]:
    """Why the workload was not made, and once it is, what of the rest was not."""
    first = sending.send(client, draft.before(), options=WET)
    refusals = first.refusals
    if not refusals:
        refusals, _warnings = _check(client, draft, options=WET)
    if not refusals:
        return [], sending.send(client, draft.after(), options=WET).refusals
    made = [FieldError("", _("%(what)s was made already.") % {"what": what}) for what in first.made]
    return refusals + made, []


def _check(client: Client, draft: WorkloadDraft, *, options: WriteOptions) -> tuple[list[FieldError], tuple[str, ...]]:
    (manifest,) = draft.manifests()
    refusals: list[FieldError] = []
    warnings: tuple[str, ...] = ()
    try:
        warnings = client.create(draft.KIND, manifest, draft.namespace, options=options).warnings
    except AlreadyExists:
        words = {"namespace": draft.namespace, "kind": draft.KIND}
        sentence = _("%(namespace)s has a %(kind)s of this name already: choose another name.")
        refusals = [FieldError("name", sentence % words)]
    except NotFound:
        sentence = _("There is no namespace %(namespace)s (any more): choose another one.")
        refusals = [FieldError("namespace", sentence % {"namespace": draft.namespace})]
    except StatusError as refusal:
        refusals = placed(draft, refusal.causes) or [FieldError("", refusal.message)]
    return refusals, tuple(warning for warning in warnings if not warning.startswith(PRICE_WARNING))


def _is_there_as_asked(client: Client, draft: WorkloadDraft) -> bool:
    """The button was pressed twice: the first press made it a moment ago, exactly as this one asks."""
    try:
        return all(_is_there(client, manifest) for manifest in draft.everything)
    except StatusError:
        return False


def _is_there(client: Client, asked: dict[str, Any]) -> bool:
    metadata = asked["metadata"]
    found = client.get(asked["kind"], metadata["name"], metadata.get("namespace", ""))
    age = datetime.now(UTC) - parse(found["metadata"]["creationTimestamp"])
    return age < PRESSED_TWICE and _holds(found, asked)


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
