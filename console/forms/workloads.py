"""What the forms of all workloads have in common: a name in a namespace, a description, and pods."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

from django.utils.translation import gettext as _

from console.forms.drafts import JSON, FieldError, Fields, text
from console.forms.kept import Change, Kept
from console.forms.parts import Part
from console.forms.podtemplates import PodDraft

DESCRIPTION_ANNOTATION = "description"
LONGEST_DESCRIPTION = 250
_PLACES = {
    "metadata.namespace": "namespace",
    "metadata.name": "name",
    "metadata.labels": "name",
    "spec.selector": "name",
    f"metadata.annotations[{DESCRIPTION_ANNOTATION}]": "description",
}


@dataclass(frozen=True)
class WorkloadDraft:
    """A `Draft` in steps. A form without anything in it says what its `read({})` gives."""

    name: str
    namespace: str
    description: str
    pod: PodDraft
    kept: Kept = field(default=Kept(), kw_only=True)
    """What the YAML says beyond the form."""

    KIND: ClassVar[str]
    STEPS: ClassVar[tuple[str, ...]]
    TEMPLATE: ClassVar[str] = "spec.template"
    """Where the pod template stands; "" for a pod, which is one itself."""
    PLACES: ClassVar[dict[str, str]] = {}
    """Path -> field, of what only this kind has."""
    ON_STEP: ClassVar[dict[str, str]] = {}
    """Field -> its step, for those that do not stand on the first one."""

    @classmethod
    def read(cls, fields: Fields) -> Self:
        raise NotImplementedError

    @property
    def pods(self) -> int | None:
        """How many run side by side; None while that cannot be read."""
        raise NotImplementedError

    def manifests(self) -> list[JSON]:
        return [self._whole(self._manifest())]

    def before(self) -> list[Part]:
        """What else is made, before the workload."""
        return [*self._parts(self._first()), *self._extras(first=True)]

    def after(self) -> list[Part]:
        """What else is made, once the workload is there."""
        return [*self._parts(self._last()), *self._extras(first=False)]

    @property
    def overruled(self) -> list[Change]:
        """What was kept from YAML and the form says otherwise now."""
        form = [self._manifest(), *(part.manifest for part in (*self._first(), *self._last()))]
        found = [change for made in form for change in self.kept.overruled(made, self._renamed)]
        there = {made["kind"] for made in form}
        return found + [change for change in self.kept.changes if change.kind not in there]

    @property
    def everything(self) -> list[JSON]:
        """All that will be sent, in order."""
        before, after = ([part.manifest for part in parts] for parts in (self.before(), self.after()))
        return [*before, *self.manifests(), *after]

    def problems(self) -> list[FieldError]:
        found = []
        if not self.name:
            said = _("Give the workload a name: lower-case letters, digits and “-”, at most 63.")
            found.append(FieldError("name", said))
        if len(self.description) > LONGEST_DESCRIPTION:
            said = _("At most %(most)d characters; this has %(has)d.") % {
                "most": LONGEST_DESCRIPTION,
                "has": len(self.description),
            }
            found.append(FieldError("description", said))
        return found + self.pod.problems()

    def field_of(self, path: str) -> str:
        """What is kept has no field."""
        if self.keeps(path):
            return ""
        within = f"{self.TEMPLATE}." if self.TEMPLATE else ""
        if path.startswith(within) and (found := self.pod.field_of(path.removeprefix(within))):
            return found
        return next((field for start, field in {**_PLACES, **self.PLACES}.items() if path.startswith(start)), "")

    def keeps(self, path: str) -> bool:
        """Whether this part of the workload is kept from YAML."""
        return bool(self.kept) and self.kept.covers(path, self.manifests()[0], self._renamed)

    def step_of(self, field: str) -> str:
        """On which of STEPS the field stands; "" for the head of the form, which stands on all."""
        return self.ON_STEP.get(field, self.STEPS[0]) if field else ""

    def _manifest(self) -> JSON:
        """The workload as the form alone says it."""
        raise NotImplementedError

    def _first(self) -> list[Part]:
        return []

    def _last(self) -> list[Part]:
        return []

    def _whole(self, manifest: JSON) -> JSON:
        return self.kept.onto(manifest, self._renamed)

    def _parts(self, parts: list[Part]) -> list[Part]:
        return [replace(part, manifest=self._whole(part.manifest)) for part in parts]

    def _extras(self, *, first: bool) -> list[Part]:
        return [Part(extra.manifest, {"": ""}, extra.title) for extra in self.kept.extras if extra.first == first]

    @property
    def _renamed(self) -> dict[str, str]:
        return {one.origin: one.name for one in self.pod.containers if one.origin}

    def _metadata(self) -> JSON:
        metadata: JSON = {"name": self.name, "namespace": self.namespace, "labels": self._labels()}
        if self.description:
            metadata["annotations"] = {DESCRIPTION_ANNOTATION: self.description}
        return metadata

    def _labels(self) -> JSON:
        return {"app": self.name}


def head(fields: Fields) -> dict[str, Any]:
    """Raises ValueError for a `kept` that no form gave."""
    said = {name: text(fields, name) for name in ("name", "namespace", "description")}
    return {**said, "kept": Kept.read(fields.get("kept", ""))}
