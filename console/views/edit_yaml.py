"""Edit an object as YAML: what will change is shown before it is saved, by a dry run of the same update that is sent.

Who saves over somebody else's change is not lost and loses nothing: what one changed is put onto the newest version,
what the other changed is shown, and one looks and saves again. Where both changed the same field, both values are shown
and one chooses.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from console import frame, manifests, meetings, sections, threeway
from console.access import Visit, guarded
from console.forms import manifests as typed
from console.forms.drafts import FieldError, by_field
from console.meetings import Choice, Meeting
from console.threeway import Line
from console.views.create import form_page
from workloads.client import JSON, WriteOptions
from workloads.meta.errors import Conflict, NotFound, StatusError
from workloads.meta.manifests import ManifestError

_BOOKKEEPING = ("managedFields", "uid", "resourceVersion", "generation", "creationTimestamp", "selfLink")
_COUNTED = ("metadata", "annotations", "deployment.kubernetes.io/revision")


@dataclass
class Edit:
    """What the page shows. `base` is the object as it was when the text was made of it."""

    text: str
    base: str
    version: str
    errors: list[FieldError] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    """What saving would change."""
    warnings: tuple[str, ...] = ()
    meeting: Meeting | None = None
    """With what somebody else changed meanwhile."""
    choices: list[Choice] = field(default_factory=list)
    is_new: bool = False
    """Whether the meeting was found by this very request."""
    looked: bool = False
    saved: bool = False


@guarded("GET", "POST")
def edit(visit: Visit, *, kind: str, name: str, namespace: str = "") -> HttpResponse:
    if kind not in sections.EDITED or bool(namespace) != (kind in sections.PAGES):
        raise NotFound(_("There is no editor for this kind: use kubectl edit."))
    live = visit.client.get(kind, name, namespace)
    visit.client.require("update", kind, namespace or None)
    work = _opened(live)
    if visit.request.method == "POST":
        work = _posted(visit, live, visit.request.POST)
        if work.saved:
            messages.success(visit.request, _("%(kind)s %(name)s is changed.") % {"kind": kind, "name": name})
            return redirect(sections.page_of(kind, namespace, name))
    return _shown(visit, live, work)


edit.page = form_page("yaml")  # type: ignore[attr-defined]


def taken_over(visit: Visit, live: JSON, posted: Mapping[str, str]) -> HttpResponse:
    """The editor with what another page began: the fields that this one posts. Saves nothing."""
    return _shown(visit, live, _posted(visit, live, {**posted, "go": _unsaved(posted.get("go", ""))}))


def address(live: JSON) -> str:
    """Where the editor of this object stands."""
    where = {"kind": live["kind"], "name": live["metadata"]["name"]}
    if namespace := live["metadata"].get("namespace", ""):
        return reverse("console:namespaced-edit", kwargs={**where, "namespace": namespace})
    return reverse("console:edit", kwargs=where)


def _unsaved(go: str) -> str:
    return go if go.startswith((meetings.MINE, meetings.THEIRS)) else "check"


def _shown(visit: Visit, live: JSON, work: Edit) -> HttpResponse:
    kind, name, namespace = live["kind"], live["metadata"]["name"], live["metadata"].get("namespace", "")
    context = {
        "visit": visit,
        "frame": frame.of(visit),
        "section": sections.EDITED[kind],
        "edited": f"{kind}/{name}",
        "title": f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}",
        "kind": kind,
        "name": name,
        "namespace": namespace,
        "page": sections.page_of(kind, namespace, name),
        "here": address(live),
        "work": work,
        "errors": by_field(work.errors),
        "focus": "" if work.looked else "text",
    }
    return render(visit.request, "create/edit.html", context, status=422 if work.errors or work.is_new else 200)


def _opened(live: JSON) -> Edit:
    text = manifests.text(editable(live))
    return Edit(text=text, base=text, version=live["metadata"]["resourceVersion"])


def _posted(visit: Visit, live: JSON, posted: Mapping[str, str]) -> Edit:
    go = posted.get("go", "")
    work = Edit(posted.get("text", ""), posted.get("base", ""), posted.get("version", ""), looked=True)
    try:
        base = read(work.base, live)
        work.meeting = met_before(posted, base, live)
        mine = read(work.text, live)
    except ManifestError as error:
        work.errors = [FieldError("text", str(error))]
        work.choices = work.meeting.choices({}) if work.meeting else []
        return work
    if work.meeting and go.startswith((meetings.MINE, meetings.THEIRS)):
        mine = work.meeting.chosen(mine, go)
        work.text = manifests.text(mine)
    if work.version != live["metadata"]["resourceVersion"]:
        meet(work, mine, base, live)
        if work.is_new:
            return work
        mine = with_counted(live, mine)
    if work.meeting:
        work.choices = work.meeting.choices(mine)
    _try(visit, work, mine, live, save=go == "save")
    return work


def met_before(posted: Mapping[str, str], base: JSON, live: JSON) -> Meeting | None:
    """The meeting that the page shows already. Raises ManifestError."""
    older, mine = posted.get("older", ""), posted.get("mine", "")
    return Meeting(read(older, live), read(mine, live), base) if older and mine else None


def read(text: str, live: JSON) -> JSON:
    """The one object the text describes. Raises ManifestError."""
    metadata = live["metadata"]
    namespace = metadata.get("namespace", "")
    entries = typed.read(text, default_namespace=namespace)
    if len(entries) != 1:
        raise ManifestError(_("Here stands one object alone: take the other documents away."))
    entry = entries[0]
    if entry.manifest is None:
        raise ManifestError(entry.refusal)
    if entry.duplicates:
        raise ManifestError(_("%(field)s stands here twice.") % {"field": entry.duplicates[0]})
    if (entry.kind, entry.name, entry.namespace) != (live["kind"], metadata["name"], namespace):
        said = _("kind, metadata.name and metadata.namespace cannot be changed: this is %(title)s.")
        raise ManifestError(said % {"title": f"{live['kind']} {metadata['name']}"})
    if entry.manifest.get("apiVersion") != live["apiVersion"]:
        raise ManifestError(_("apiVersion: leave it as %(version)s.") % {"version": live["apiVersion"]})
    return entry.manifest


def meet(work: Edit, mine: JSON, base: JSON, live: JSON) -> None:
    """Somebody wrote meanwhile. Our changes are put onto theirs; a status alone is nobody's change."""
    now = editable(live)
    base, mine = (with_counted(now, one) for one in (base, mine))
    if threeway.changed(base, now):
        meeting = Meeting(base, mine, now)
        work.meeting, work.choices, work.is_new = meeting, meeting.choices(meeting.merged), True
        work.text = manifests.text(meeting.merged)
    work.base, work.version = manifests.text(now), live["metadata"]["resourceVersion"]


def with_counted(newest: JSON, obj: JSON) -> JSON:
    """`obj`, with what controllers count on it (the revision) as it is now: this is nobody's change, either."""
    found = threeway.at(newest, _COUNTED)
    return obj if threeway.is_gone(found) else threeway.onto(obj, {_COUNTED: found})


def _try(visit: Visit, work: Edit, mine: JSON, live: JSON, *, save: bool) -> None:
    """A dry run, whose difference is shown; and when asked for, the update itself."""
    kind, name, namespace = live["kind"], live["metadata"]["name"], live["metadata"].get("namespace", "")
    manifest = deepcopy(mine)
    manifest.setdefault("metadata", {})["resourceVersion"] = work.version
    options = WriteOptions(dry_run=not save, field_validation="Strict", manager="console")
    try:
        answer = visit.client.update(kind, name, manifest, namespace, options=options)
    except Conflict:
        newest = visit.client.get(kind, name, namespace)
        meet(work, mine, read(work.base, live), newest)
        if not work.is_new:
            work.errors = [FieldError("", _("Its status changed in this very moment: save once more."))]
        return
    except StatusError as refusal:
        work.errors = [FieldError("text", _said(cause.field, cause.message)) for cause in refusal.causes]
        work.errors = work.errors or [FieldError("text", refusal.message)]
        return
    work.lines = difference(live, answer.obj)
    work.warnings, work.saved = answer.warnings, save


def difference(live: JSON, after: JSON) -> list[Line]:
    """What `after` says otherwise than what is stored, in the order of that."""
    before = editable(live)
    return threeway.difference(manifests.text(before), manifests.text(threeway.ordered_as(before, editable(after))))


def _said(field: str, message: str) -> str:
    return f"{field}: {message}" if field else message


def editable(obj: Mapping[str, Any]) -> JSON:
    """Without what nobody writes: status and the bookkeeping of metadata."""
    metadata = {name: value for name, value in obj["metadata"].items() if name not in _BOOKKEEPING}
    return {name: metadata if name == "metadata" else value for name, value in obj.items() if name != "status"}
