"""Create a ServiceAccount: one small form, one object."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from console.forms.drafts import JSON, FieldError, Fields, text

_PLACES = {"metadata.name": "name", "metadata.namespace": "namespace", "imagePullSecrets": "pull"}


@dataclass(frozen=True)
class AccountDraft:
    namespace: str = ""
    name: str = ""
    pull: str = ""
    """A Secret with a registry's login; "" for none."""
    mounts: bool = True

    @classmethod
    def read(cls, fields: Fields) -> AccountDraft:
        """A form that was not sent yet is one whose token is mounted."""
        mounts = not fields or bool(text(fields, "mounts"))
        return cls(text(fields, "namespace"), text(fields, "name"), text(fields, "pull"), mounts)

    def problems(self) -> list[FieldError]:
        if self.name:
            return []
        said = _("Give it a name: lower-case letters, digits, “-” and “.”, at most 253.")
        return [FieldError("name", said)]

    def manifests(self) -> list[JSON]:
        made: JSON = {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": self.name, "namespace": self.namespace},
        }
        if self.pull:
            made["imagePullSecrets"] = [{"name": self.pull}]
        if not self.mounts:
            made["automountServiceAccountToken"] = False
        return [made]

    def field_of(self, path: str) -> str:
        return next((field for start, field in _PLACES.items() if path.startswith(start)), "")
