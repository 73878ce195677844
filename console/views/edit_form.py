"""Change a workload in the form that creates one, filled from what is stored. What the form has no field for stays as
it is; before it is saved the page shows what changes, line by line, and what that does to the price.

Who changes it while somebody else does loses nothing: what one changed here is put onto the newest version, the other's
change is shown, and one looks and saves again. What no form can show is edited as YAML.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from billing.client import Rate
from console import manifests, meetings
from console.access import View, Visit, guarded
from console.forms import clones, readback
from console.forms.drafts import JSON, FieldError
from console.forms.edits import CronJobEdit, DeploymentEdit
from console.forms.readback import KEPT, StaysYaml
from console.forms.workloads import WorkloadDraft
from console.meetings import Choice, Meeting
from console.sections import page_of
from console.threeway import Line
from console.views import create_workload, draft_yaml, edit_yaml, wizard, workload_words
from console.views.create import form, form_page
from workloads.client import Client, WriteOptions
from workloads.meta.errors import BadRequest, Conflict, StatusError
from workloads.meta.manifests import ManifestError

_HIDDEN = tuple(f"metadata.annotations[{name}]" for name in clones.WRITTEN)
"""Kept, and not shown: the server's own."""


@dataclass
class _Work:
    """What the page shows beside the form. `base` is the object, as YAML, as it was when the form was filled."""

    live: JSON
    base: str
    version: str
    meeting: Meeting | None = None
    """With what somebody else changed meanwhile; `choices` are told with the draft that is shown."""
    choices: list[Choice] = field(default_factory=list)
    is_new: bool = False
    lines: list[Line] = field(default_factory=list)
    """What saving would change, once that was tried."""


def _editing(kind: type[WorkloadDraft], *, section: str) -> View:
    """The view of one kind's form."""

    @guarded("GET", "POST")
    def edit(visit: Visit, *, namespace: str, name: str) -> HttpResponse:
        visit.client.require("update", kind.KIND, namespace)
        live = visit.client.get(kind.KIND, name, namespace)
        if visit.request.method != "POST":
            return _opened(visit, kind, section, live)
        fields = visit.request.POST.dict()
        base, older, mine = (fields.pop(name, "").replace("\r\n", "\n") for name in ("base", "older", "mine"))
        work = _Work(live, base, fields.pop("version", ""))
        if older and mine:
            work.meeting = Meeting(*(_read(one, live) for one in (older, mine, base)))
        if fields.get("view") == draft_yaml.YAML:
            page, read = draft_yaml.returned(kind, fields)
            if read is None or fields.get("go") not in (*kind.STEPS, "view-form"):
                return _yaml(visit, section, page, work, fields)
            go = fields["go"] if fields["go"] in kind.STEPS else "restore"
            fields = read | {"go": go, "step": read.get("step", kind.STEPS[0])}
        elif fields.get("go") == "view-yaml":
            return _yaml(visit, section, draft_yaml.opened(kind, fields), work, fields)
        return _posted(visit, kind, section, work, fields)

    edit.page = form_page(section)  # type: ignore[attr-defined]
    return edit


deployment = _editing(DeploymentEdit, section="deployments")
cronjob = _editing(CronJobEdit, section="cronjobs")


def _opened(visit: Visit, kind: type[WorkloadDraft], section: str, live: JSON) -> HttpResponse:
    text = manifests.text(edit_yaml.editable(live))
    try:
        fields = _fields(kind, text, live)
    except StaysYaml as stays:
        said = _("The form cannot show all of it, so it is edited as YAML: %(why)s")
        messages.info(visit.request, said % {"why": str(stays)})
        return redirect(edit_yaml.address(live))
    work = _Work(live, text, live["metadata"]["resourceVersion"])
    return _shown(visit, section, kind.read(fields), kind.STEPS[0], work, [])


def _posted(visit: Visit, kind: type[WorkloadDraft], section: str, work: _Work, fields: dict[str, str]) -> HttpResponse:
    go = fields.get("go", "")
    draft = draft_yaml.drafted(kind, fields)
    if go.startswith("leave-out-"):
        draft = draft_yaml.drafted(kind, fields | {KEPT: draft_yaml.left_out(fields, draft, go)})
    if go in ("confirm", "submit") or go.startswith((meetings.MINE, meetings.THEIRS)):
        try:
            draft, is_other = _met(kind, draft, work, go)
        except StaysYaml as stays:
            return _left_to_yaml(visit, draft, work, go, stays)
        fields = fields | {"go": "confirm", "step": kind.STEPS[0]} if is_other else fields
    step, errors, warnings = create_workload.walk(draft, fields, _Saving(visit.client, draft, work))
    if step == "done":
        return _done(visit, draft, work)
    draft, focus = create_workload.pressed(draft, go)
    wrong = create_workload.wrong(draft, _Saving(visit.client, draft, work)) if go == "look" else None
    return _shown(visit, section, draft, step, work, errors, warnings=warnings, focus=focus, wrong=wrong)


def _met(kind: type[WorkloadDraft], draft: WorkloadDraft, work: _Work, go: str) -> tuple[WorkloadDraft, bool]:
    """The draft with the value that was chosen, on top of what somebody else changed meanwhile; and whether one has to
    look at it. Raises StaysYaml, and then `work` is as it was: the newest version belongs to what is merged alone."""
    is_newest = work.version == work.live["metadata"]["resourceVersion"]
    if is_newest and work.meeting is None:
        return draft, False
    before = _manifest(draft)
    mine = work.meeting.chosen(before, go) if work.meeting else before
    met = edit_yaml.Edit("", work.base, work.version)
    if not is_newest:
        edit_yaml.meet(met, mine, _read(work.base, work.live), work.live)
    if met.is_new:
        draft = kind.read(_fields(kind, met.text, work.live))
        work.meeting, work.is_new = met.meeting, True
    elif mine is not before:
        draft = kind.read(_fields(kind, manifests.text(mine), work.live))
    work.base, work.version = met.base, met.version
    return draft, met.is_new or mine is not before


def _left_to_yaml(visit: Visit, draft: WorkloadDraft, work: _Work, go: str, stays: StaysYaml) -> HttpResponse:
    """The YAML editor, which puts both changes together itself."""
    said = _("The form cannot show all of it, so it is edited as YAML: %(why)s")
    messages.info(visit.request, said % {"why": str(stays)})
    met = work.meeting
    carried = {"older": met.older_text, "mine": met.mine_text} if met else {}
    written = {"text": manifests.text(_manifest(draft)), "base": work.base, "version": work.version, "go": go}
    answer = edit_yaml.taken_over(visit, work.live, {**written, **carried})
    answer["HX-Push-Url"] = edit_yaml.address(work.live)
    return answer


def _manifest(draft: WorkloadDraft) -> JSON:
    """What the draft says, with the defaults of the API."""
    (made,) = draft.manifests()
    return draft_yaml.settled(deepcopy(made))


@dataclass(frozen=True)
class _Saving:
    """The draft as an update of what is there."""

    client: Client
    draft: WorkloadDraft
    work: _Work

    def attempt(self) -> tuple[list[FieldError], tuple[str, ...]]:
        return self._update(dry_run=True)

    def do(self) -> tuple[list[FieldError], list[FieldError]]:
        refusals, _warnings = self._update(dry_run=False)
        return refusals, []

    def is_done(self) -> bool:
        return False

    def _update(self, *, dry_run: bool) -> tuple[list[FieldError], tuple[str, ...]]:
        live, (made,) = self.work.live, self.draft.manifests()
        metadata = live["metadata"]
        if self.draft.after() or self.draft.before() or made["metadata"]["name"] != metadata["name"]:
            return [FieldError("text", _("Here stands this one object alone, under its name."))], ()
        manifest = edit_yaml.with_counted(live, made)
        written = {"resourceVersion": self.work.version, "namespace": metadata["namespace"]}
        manifest = {**manifest, "metadata": {**manifest["metadata"], **written}}
        options = WriteOptions(dry_run=dry_run, field_validation="Strict", manager="console")
        try:
            answer = self.client.update(
                live["kind"], metadata["name"], manifest, metadata["namespace"], options=options
            )
        except Conflict:
            return [FieldError("", _("Somebody changed it in this very moment: press the button once more."))], ()
        except StatusError as refusal:
            said = create_workload.said_of(self.draft, refusal.causes)
            return said or [FieldError("", refusal.message)], ()
        self.work.lines = edit_yaml.difference(live, answer.obj)
        return [], create_workload.without_price(answer.warnings)


def _shown(
    visit: Visit,
    section: str,
    draft: WorkloadDraft,
    step: str,
    work: _Work,
    errors: list[FieldError],
    *,
    warnings: tuple[str, ...] = (),
    focus: str = "",
    wrong: Mapping[str, list[str]] | None = None,
) -> HttpResponse:
    context = wizard.workload_context(visit.client, draft, step, [draft.namespace], errors)
    first = "replicas" if draft.KIND == "Deployment" else "description"
    if work.meeting:
        work.choices = work.meeting.choices(_manifest(draft))
    focus = focus or (first if step == "basic" else wizard.first_field(draft, step))
    context |= {"warnings": warnings, "focus": focus, "wrong": wrong, **_beside(draft, work)}
    context["kept"] = [one for one in context["kept"] if one["words"] not in _HIDDEN]
    return form(visit, f"create/{draft.KIND.lower()}.html", section, context, errors)


def _yaml(visit: Visit, section: str, page: draft_yaml.Page, work: _Work, fields: Mapping[str, str]) -> HttpResponse:
    draft, went = page.draft, fields.get("go", "")
    context = wizard.workload_context(visit.client, draft, draft.STEPS[0], [draft.namespace], [])
    is_asked = went not in ("", "look", "restore", "view-yaml")
    errors = [FieldError("text", reason) for reason in page.reasons] if is_asked else []
    shown = {"view": draft_yaml.YAML, "page": page, "focus": "text", "step": "yaml"}
    context |= {**shown, "confirm_title": wizard.step_titles()["confirm"], **_beside(draft, work)}
    return form(visit, f"create/{draft.KIND.lower()}.html", section, context, errors)


def _beside(draft: WorkloadDraft, work: _Work) -> dict[str, Any]:
    """What an edit shows beyond what a creation does."""
    kind, metadata = type(draft), work.live["metadata"]
    return {
        "edit": work,
        "price_change": workload_words.price_change(_rate(kind, work.live), wizard.rate_of(draft)),
        "edited": f"{kind.KIND}/{metadata['name']}",
        "back": page_of(kind.KIND, metadata["namespace"], metadata["name"]),
        "as_yaml": edit_yaml.address(work.live),
    }


def _done(visit: Visit, draft: WorkloadDraft, work: _Work) -> HttpResponse:
    metadata = work.live["metadata"]
    words = {"kind": draft.KIND, "name": metadata["name"]}
    messages.success(visit.request, _("%(kind)s %(name)s is changed.") % words)
    return redirect(page_of(draft.KIND, metadata["namespace"], metadata["name"]))


def _rate(kind: type[WorkloadDraft], live: JSON) -> Rate | None:
    """What it costs as it is stored."""
    try:
        return wizard.rate_of(kind.read(_fields(kind, manifests.text(edit_yaml.editable(live)), live)))
    except StaysYaml:
        return None


def _fields(kind: type[WorkloadDraft], text: str, live: JSON) -> dict[str, str]:
    """Raises StaysYaml."""
    namespace = live["metadata"]["namespace"]
    return readback.plain(kind, readback.read(kind, text, {"namespace": namespace}), draft_yaml.settled)


def _read(text: str, live: JSON) -> JSON:
    try:
        return edit_yaml.read(text, live)
    except ManifestError as error:
        said = _("base: %(why)s. Load the form again.")
        raise BadRequest(said % {"why": error}) from None
