"""The forms that create a Deployment, a Job, a CronJob or a bare pod from an image, in steps.

`view` says whether the form or its YAML is shown (`console.views.draft_yaml`), `go` what was pressed: a step, `submit`,
`look` (price and times), `namespace` (what there is to choose from), `restore` (a draft that a tab kept, on the step it
was left on), `view-yaml`, `view-form`, or a button that only changes the form (`console.forms.presses`, `leave-out-0`).
One goes on over steps without errors, and back always.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from console.access import View, Visit, guarded
from console.forms import access, presses, starts
from console.forms.barepods import BarePodDraft
from console.forms.deployments import DeploymentDraft
from console.forms.drafts import FieldError, by_field, placed, text, together
from console.forms.jobs import CronJobDraft, JobDraft
from console.forms.readback import KEPT
from console.forms.workloads import WorkloadDraft
from console.sections import page_of
from console.spans import parse
from console.views import draft_yaml, sending, wizard
from console.views.create import DRY, WET, admit, form, form_page, namespace_names, requested_namespace
from workloads.client import Client, WriteOptions
from workloads.meta import quantity
from workloads.meta.errors import AlreadyExists, Cause, NotFound, StatusError

PRICE_WARNING = "price in "
"""Begins what the page shows anyway, as figures."""
PRESSED_TWICE = timedelta(minutes=1)


def _wizard(kind: type[WorkloadDraft], *, section: str) -> View:
    """The view of one kind's form."""

    @guarded("GET", "POST")
    def create(visit: Visit) -> HttpResponse:
        namespaces, posted = namespace_names(visit), visit.request.POST
        if not namespaces and not posted:
            messages.info(visit.request, _("Workloads live in a namespace: request one first."))
            return redirect("console:namespace-create")
        if not posted:
            admit(visit, kind.KIND, namespaces)
            return _fresh(visit, kind, section, namespaces)
        fields = posted.dict()
        if fields.get("view") == draft_yaml.YAML:
            page, read = draft_yaml.returned(kind, fields)
            if read is None or fields.get("go") not in (*kind.STEPS, "view-form"):
                return _yaml(visit, section, page, namespaces, fields)
            fields = read | {"go": _next(kind, fields), "step": read.get("step", kind.STEPS[0])}
        elif fields.get("go") == "view-yaml":
            return _yaml(visit, section, draft_yaml.opened(kind, fields), namespaces, fields)
        return _form(visit, kind, section, namespaces, fields)

    create.page = form_page(section)  # type: ignore[attr-defined]
    return create


deployment_create = _wizard(DeploymentDraft, section="deployments")
job_create = _wizard(JobDraft, section="jobs")
cronjob_create = _wizard(CronJobDraft, section="cronjobs")
pod_create = _wizard(BarePodDraft, section="pods")


def _fresh(visit: Visit, kind: type[WorkloadDraft], section: str, namespaces: list[str]) -> HttpResponse:
    """Nothing was typed yet: empty, as one of the starts, or as a workload that is cloned."""
    asked, started = requested_namespace(visit.request), visit.request.GET.get("start", "")
    fields, typed = draft_yaml.cloned(visit, kind, asked)
    if typed:
        return _yaml(visit, section, draft_yaml.of_text(kind, fields, typed), namespaces, fields)
    draft = kind.read(fields or starts.fields(kind.KIND, started))
    draft = replace(draft, namespace=asked if asked in namespaces else namespaces[0])
    draft = _from_image(draft, text(visit.request.GET, "image"))
    context = wizard.workload_context(visit.client, draft, kind.STEPS[0], namespaces, [])
    context |= {"starts": () if fields else starts.STARTS.get(kind.KIND, ()), "started": started}
    context |= {"focus": wizard.first_field(draft, kind.STEPS[0]), "cloned": bool(fields)}
    return form(visit, f"create/{kind.KIND.lower()}.html", section, context, [])


def _form(
    visit: Visit, kind: type[WorkloadDraft], section: str, namespaces: list[str], fields: dict[str, str]
) -> HttpResponse:
    draft, go = draft_yaml.drafted(kind, fields), fields.get("go", "")
    if go.startswith("leave-out-"):
        draft = draft_yaml.drafted(kind, fields | {KEPT: draft_yaml.left_out(fields, draft, go)})
    step, errors, warnings = walk(draft, fields, _Creation(visit.client, draft))
    if step == "done":
        return _done(visit, draft, errors)
    draft, focus = pressed(draft, go)
    focus = "namespace" if go == "namespace" else focus
    context = wizard.workload_context(visit.client, draft, step, namespaces, errors)
    context |= {"warnings": warnings, "focus": focus or wizard.first_field(draft, step)}
    if go == "look":
        context["wrong"] = _taken(visit.client, draft) | wrong(draft, _Creation(visit.client, draft))
    return form(
        visit, f"create/{kind.KIND.lower()}.html", section, context | {"typed": fields.get("typed", "")}, errors
    )


def _yaml(
    visit: Visit, section: str, page: draft_yaml.Page, namespaces: list[str], fields: Mapping[str, str]
) -> HttpResponse:
    """What cannot be shown in the form is said when somebody asks for the form, and beside the text."""
    draft, went = page.draft, fields.get("go", "")
    context = wizard.workload_context(visit.client, draft, draft.STEPS[0], namespaces, [])
    asked = went not in ("", "look", "restore", "view-yaml")
    errors = [FieldError("text", reason) for reason in page.reasons] if asked else []
    context |= {
        "view": draft_yaml.YAML,
        "page": page,
        "focus": "text",
        "step": "yaml",
        "confirm_title": wizard.step_titles()["confirm"],
    }
    return form(visit, f"create/{draft.KIND.lower()}.html", section, context, errors)


def _next(kind: type[WorkloadDraft], fields: Mapping[str, str]) -> str:
    """Which step the text goes on to: the one that was pressed, or the one where the form was left."""
    return fields["go"] if fields["go"] in kind.STEPS else "restore"


def _from_image(draft: WorkloadDraft, image: str) -> WorkloadDraft:
    """With `image` in its first container; as it was for none."""
    if not image:
        return draft
    first, *others = draft.pod.containers
    return replace(draft, pod=replace(draft.pod, containers=(replace(first, image=image), *others)))


def pressed(draft: WorkloadDraft, go: str) -> tuple[WorkloadDraft, str]:
    if isinstance(draft, DeploymentDraft):
        reached, focus = access.pressed(draft.access, go)
        if focus:
            return replace(draft, access=reached), focus
    pod, focus = presses.pressed(draft.pod, go)
    return replace(draft, pod=pod), focus


def _done(visit: Visit, draft: WorkloadDraft, errors: list[FieldError]) -> HttpResponse:
    """To the workload's page. `errors` are those of what should have been made after it."""
    words = {"kind": draft.KIND, "name": draft.name}
    said = _("%(kind)s %(name)s was created.") % words
    if isinstance(draft, DeploymentDraft) and draft.access.reach == access.PUBLIC and not errors:
        said = f"{said} {_('Where it is reached stands on its tab Access.')}"
    messages.success(visit.request, said)
    for error in errors:
        said = _("It runs, but nobody reaches it as you asked: %(why)s Add the access here.")
        messages.error(visit.request, said % {"why": error.message})
    if errors:
        return redirect("console:deployment-access", namespace=draft.namespace, name=draft.name)
    return redirect(_where(draft))


def _where(draft: WorkloadDraft) -> str:
    """Its page; while its kind has none, where its pods will be."""
    return page_of(draft.KIND, draft.namespace, draft.name) or wizard.list_of("Pod", draft.namespace)


class Hand(Protocol):
    """What is done with a draft at the end of its steps."""

    def attempt(self) -> tuple[list[FieldError], tuple[str, ...]]:
        """What the server would refuse, and what it remarks."""

    def do(self) -> tuple[list[FieldError], list[FieldError]]:
        """Why it was not done; and once it is, what of the rest was not."""

    def is_done(self) -> bool:
        """Whether it stands there as it is asked for, by a press a moment ago."""


@dataclass(frozen=True)
class _Creation:
    client: Client
    draft: WorkloadDraft

    def attempt(self) -> tuple[list[FieldError], tuple[str, ...]]:
        return _try(self.client, self.draft)

    def do(self) -> tuple[list[FieldError], list[FieldError]]:
        return _make(self.client, self.draft)

    def is_done(self) -> bool:
        return _is_there_as_asked(self.client, self.draft)


def wrong(draft: WorkloadDraft, hand: Hand) -> dict[str, list[str]]:
    """Field -> what is wrong there, while somebody types; the page shows it at fields they have been to."""
    refusals, _warnings = hand.attempt()
    return by_field(together(draft.problems(), refusals))


def _taken(client: Client, draft: WorkloadDraft) -> dict[str, list[str]]:
    """Told before the rest is right, too: a dry run says it last."""
    try:
        client.get(draft.KIND, draft.name, draft.namespace)
    except StatusError:
        return {}
    return {"name": [_is_taken(draft)]}


def _is_taken(draft: WorkloadDraft) -> str:
    words = {"namespace": draft.namespace, "kind": draft.KIND}
    return _("%(namespace)s has a %(kind)s of this name already: choose another name.") % words


def walk(draft: WorkloadDraft, posted: Mapping[str, str], hand: Hand) -> tuple[str, list[FieldError], tuple[str, ...]]:
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
    refusals, warnings = hand.attempt()
    errors = together(draft.problems(), refusals)
    if not errors and go == "submit":
        errors, later = hand.do()
        if not errors:
            return "done", later, ()
    if errors and go == "submit" and hand.is_done():
        return "done", [], ()
    target = len(steps) if go == "submit" else steps.index(go)
    blocking = [error for error in errors if steps.index(draft.step_of(error.field) or here) < target]
    if blocking:
        wrong = (draft.step_of(error.field) or here for error in blocking)
        return min(wrong, key=steps.index), blocking, ()
    return go, [], warnings


def _try(client: Client, draft: WorkloadDraft) -> tuple[list[FieldError], tuple[str, ...]]:
    """A dry run of everything."""
    options = _options(draft, DRY)
    refusals, warnings = _check(client, draft, options=options)
    others = sending.send(client, [*draft.before(), *draft.after()], options=options)
    return refusals + others.refusals, warnings + others.warnings


def _make(client: Client, draft: WorkloadDraft) -> tuple[list[FieldError], list[FieldError]]:
    """Why the workload was not made, and once it is, what of the rest was not."""
    options = _options(draft, WET)
    first = sending.send(client, draft.before(), options=options)
    refusals = first.refusals
    if not refusals:
        refusals, _warnings = _check(client, draft, options=options)
    if not refusals:
        return [], sending.send(client, draft.after(), options=options).refusals
    made = [FieldError("", _("%(what)s was made already.") % {"what": what}) for what in first.made]
    return refusals + made, []


def _options(draft: WorkloadDraft, options: WriteOptions) -> WriteOptions:
    """What comes from YAML may have fields that there are not: these are refused, as “Create from YAML” does."""
    return replace(options, field_validation="Strict") if draft.kept else options


def _check(client: Client, draft: WorkloadDraft, *, options: WriteOptions) -> tuple[list[FieldError], tuple[str, ...]]:
    (manifest,) = draft.manifests()
    refusals: list[FieldError] = []
    warnings: tuple[str, ...] = ()
    try:
        warnings = client.create(draft.KIND, manifest, draft.namespace, options=options).warnings
    except AlreadyExists:
        refusals = [FieldError("name", _is_taken(draft))]
    except NotFound:
        sentence = _("There is no namespace %(namespace)s (any more): choose another one.")
        refusals = [FieldError("namespace", sentence % {"namespace": draft.namespace})]
    except StatusError as refusal:
        refusals = said_of(draft, refusal.causes) or [FieldError("", refusal.message)]
    return refusals, without_price(warnings)


def without_price(warnings: Iterable[str]) -> tuple[str, ...]:
    return tuple(warning for warning in warnings if not warning.startswith(PRICE_WARNING))


def said_of(draft: WorkloadDraft, causes: Sequence[Cause]) -> list[FieldError]:
    """At their fields; of what is kept from YAML, with the path, at the head."""
    kept = [cause for cause in causes if draft.keeps(cause.field)]
    headed = [FieldError("", f"{cause.field}: {cause.message}") for cause in kept]
    return headed + placed(draft, [cause for cause in causes if cause not in kept])


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
