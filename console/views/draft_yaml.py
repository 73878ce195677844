"""The other view of a form's draft: the YAML it makes, and the way back. Writes nothing.

While the YAML is shown, the form's fields wait in one field of the page (`fields`); the text is in `text`. While the
form is shown, the text it was read from waits in `typed`, so that comments and order are there again as long as the
form says the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from console import manifests
from console.access import Visit
from console.forms import clones, readback
from console.forms.drafts import JSON, Fields
from console.forms.readback import KEPT, StaysYaml
from console.forms.workloads import WorkloadDraft
from workloads.kinds import registry, schemas
from workloads.meta.errors import BadRequest

FORM, YAML = "form", "yaml"
_ASIDE = ("csrfmiddlewaretoken", "go", "view", "typed")
_LONGEST = 300_000
"""Characters of a text that the form carries along."""


@dataclass(frozen=True)
class Page:
    """The YAML as it is shown. `draft` is the last one that could be read."""

    text: str
    fields: str
    draft: WorkloadDraft
    reasons: tuple[str, ...] = ()


def opened(kind: type[WorkloadDraft], posted: Mapping[str, str]) -> Page:
    """The form's draft as YAML."""
    draft = drafted(kind, posted)
    typed = posted.get("typed", "")
    said = typed if typed and readback.texts_alike(draft.everything, typed, draft.namespace) else text_of(draft)
    return Page(said, json.dumps({name: value for name, value in posted.items() if name not in _ASIDE}), draft)


def returned(kind: type[WorkloadDraft], posted: Mapping[str, str]) -> tuple[Page, dict[str, str] | None]:
    """The page with the YAML that somebody typed, and the fields it becomes; None where it stays YAML."""
    typed, waiting = posted.get("text", "").replace("\r\n", "\n"), posted.get("fields", "")
    before = _waiting(waiting)
    try:
        fields = readback.read(kind, typed, before)
    except StaysYaml as stays:
        return Page(typed, waiting, drafted(kind, before), stays.reasons), None
    carried = {"typed": typed} if len(typed) <= _LONGEST else {}
    return Page(typed, waiting, drafted(kind, fields)), {**fields, **carried}


def of_text(kind: type[WorkloadDraft], fields: dict[str, str], typed: str) -> Page:
    """A text that no fields can say."""
    page, _read = returned(kind, {"text": typed, "fields": json.dumps(fields)})
    return page


def cloned(visit: Visit, kind: type[WorkloadDraft], namespace: str) -> tuple[dict[str, str], str]:
    """What `?clone=Deployment/web` begins with: fields, and a text where no fields can say it. Raises NotFound."""
    asked, _slash, name = visit.request.GET.get("clone", "").partition("/")
    if asked != kind.KIND or not name:
        return {}, ""
    manifest = clones.of(visit.client.get(asked, name, namespace))
    typed = manifests.text(manifest)
    try:
        return readback.plain(kind, readback.read(kind, typed, {"namespace": namespace}), settled), ""
    except StaysYaml:
        return {"namespace": namespace}, typed


def settled(manifest: JSON) -> JSON:
    """With the defaults of the Kubernetes API; as it is where a value is of a type that the API refuses."""
    kind = registry.kind(manifest["kind"])
    if not schemas.check(kind, manifest).mismatches:
        kind.default(manifest)
    return manifest


def text_of(draft: WorkloadDraft) -> str:
    return "---\n".join(manifests.text(manifest) for manifest in draft.everything)


def drafted(kind: type[WorkloadDraft], fields: Fields) -> WorkloadDraft:
    """Raises BadRequest for what this page never sent."""
    try:
        return kind.read(fields)
    except ValueError as error:
        said = _("kept: %(why)s. Load the form again.")
        raise BadRequest(said % {"why": error}) from None


def kept_items(draft: WorkloadDraft) -> list[dict[str, Any]]:
    """For the page: what is kept from YAML, with the number its button says."""
    overruled = draft.overruled
    items: list[dict[str, Any]] = []
    for number, change in enumerate(draft.kept.changes):
        where = change.words if change.kind == draft.KIND else f"{change.kind} {change.words}"
        sort = "order" if change.order else "gone" if change.is_gone else "value"
        items.append({"number": number, "words": where, "sort": sort, "overruled": change in overruled})
    first = len(draft.kept.changes)
    return items + [
        {"number": first + at, "words": extra.title, "sort": "whole", "overruled": False}
        for at, extra in enumerate(draft.kept.extras)
    ]


def left_out(fields: Fields, draft: WorkloadDraft, go: str) -> str:
    """The `kept` of the form after the button `leave-out-3`."""
    number = go.removeprefix("leave-out-")
    if not go.startswith("leave-out-") or not number.isdecimal():
        return fields.get(KEPT, "")
    return draft.kept.without(int(number)).text()


def _waiting(fields: str) -> dict[str, str]:
    try:
        found = json.loads(fields or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise BadRequest(_("fields: not as this page sent them. Load the form again."))
    return {str(name): str(value) for name, value in found.items()}
