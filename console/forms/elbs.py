"""Create an ELB: a name, and an address if it has to be a certain one."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from console.forms.drafts import JSON, FieldError, Fields, text
from console.forms.workloads import DESCRIPTION_ANNOTATION, LONGEST_DESCRIPTION

_PLACES = {
    "metadata.name": "name",
    "metadata.annotations": "description",
    "spec.address": "address",
}


@dataclass(frozen=True)
class ElbDraft:
    name: str = ""
    address: str = ""
    description: str = ""

    @classmethod
    def read(cls, fields: Fields) -> ElbDraft:
        return cls(text(fields, "name"), text(fields, "address"), text(fields, "description"))

    def problems(self) -> list[FieldError]:
        found = []
        if not self.name:
            found.append(FieldError("name", _("Give the ELB a name: lower-case letters, digits and “-”, at most 63.")))
        if len(self.description) > LONGEST_DESCRIPTION:
            words = {"most": LONGEST_DESCRIPTION, "has": len(self.description)}
            found.append(FieldError("description", _("At most %(most)d characters; this has %(has)d.") % words))
        return found

    def manifests(self) -> list[JSON]:
        metadata: JSON = {"name": self.name}
        if self.description:
            metadata["annotations"] = {DESCRIPTION_ANNOTATION: self.description}
        spec = {"address": self.address} if self.address else {}
        return [{"apiVersion": "networking.cci.io/v1beta1", "kind": "ELB", "metadata": metadata, "spec": spec}]

    def field_of(self, path: str) -> str:
        return next((field for start, field in _PLACES.items() if path.startswith(start)), "")
