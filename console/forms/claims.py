"""Create a claim: one small form, one PersistentVolumeClaim."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from console.forms.drafts import JSON, FieldError, Fields, Whole, text
from workloads.kinds import claimspecs

_SIZE = Whole("", 10)
_PLACES = {
    "metadata.name": "name",
    "metadata.namespace": "namespace",
    "spec.accessModes": "mode",
    "spec.resources": "size",
    "spec.storageClassName": "storage_class",
}


@dataclass(frozen=True)
class ClaimDraft:
    namespace: str = ""
    name: str = ""
    storage_class: str = claimspecs.DEFAULT_CLASS
    mode: str = claimspecs.ONCE
    size: Whole = _SIZE

    @classmethod
    def read(cls, fields: Fields) -> ClaimDraft:
        return cls(
            namespace=text(fields, "namespace"),
            name=text(fields, "name"),
            storage_class=text(fields, "storage_class", claimspecs.DEFAULT_CLASS),
            mode=text(fields, "mode", claimspecs.ONCE),
            size=Whole.read(fields, "size", 10),
        )

    def problems(self) -> list[FieldError]:
        found = self.size.problems("size", _("The size"))
        if not self.name:
            said = _("Give the claim a name: lower-case letters, digits, “-” and “.”, at most 253.")
            found.append(FieldError("name", said))
        return found

    def manifests(self) -> list[JSON]:
        spec = {
            "accessModes": [self.mode],
            "storageClassName": self.storage_class,
            "resources": {"requests": {"storage": f"{self.size.value}Gi"}},
        }
        metadata = {"name": self.name, "namespace": self.namespace}
        return [{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}]

    def field_of(self, path: str) -> str:
        return next((field for start, field in _PLACES.items() if path.startswith(start)), "")
