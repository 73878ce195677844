"""A role given to somebody in a namespace, as it is typed: one RoleBinding with one subject."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from console.forms.drafts import JSON, FieldError, Fields, text
from console.rolerows import KINDS, BindingRow, Subject
from iam.people import Holders
from workloads.kinds.clusterroles import API_VERSION, GROUP

_PLACES = {"roleRef": "role", "subjects": "name", "metadata.name": "name"}


@dataclass(frozen=True)
class RoleDraft:
    namespace: str
    kind: str
    name: str
    role: str
    """`ClusterRole/view`."""

    @classmethod
    def read(cls, namespace: str, fields: Fields) -> RoleDraft:
        return cls(namespace, text(fields, "kind", "User"), text(fields, "name"), text(fields, "role"))

    @property
    def subject(self) -> Subject:
        return Subject(self.kind, self.name, self.namespace if self.kind == "ServiceAccount" else "")

    def problems(self) -> list[FieldError]:
        found = []
        if self.kind not in KINDS:
            found.append(FieldError("kind", _("Choose one of the list.")))
        if not self.name:
            found.append(FieldError("name", _("Name who gets the role.")))
        return found

    def clashes(self, known: Holders | None, rows: Iterable[BindingRow], roles: Iterable[str]) -> list[FieldError]:
        """With what is there: `rows` are the bindings, `roles` those that can be given, as `role` says them."""
        found = []
        if self.name and self.subject.is_nobody(known):
            said = _("There is no %(kind)s called %(name)s in this account: create it first, or correct the name.")
            found.append(FieldError("name", said % {"kind": self.subject.words, "name": self.name}))
        if self.role not in roles:
            found.append(FieldError("role", _("Choose a role.")))
        if row := self._same(rows):
            said = _("%(name)s has this role here already, by RoleBinding %(binding)s.")
            found.append(FieldError("role", said % {"name": self.name, "binding": row.name}))
        return found

    def manifests(self) -> list[JSON]:
        role_kind, _slash, role = self.role.partition("/")
        subject: JSON = {"kind": self.kind, "name": self.name}
        if self.kind == "ServiceAccount":
            subject["namespace"] = self.namespace
        else:
            subject["apiGroup"] = GROUP
        return [
            {
                "apiVersion": API_VERSION,
                "kind": "RoleBinding",
                "metadata": {"name": f"{role}-{self.kind.lower()}-{self.name}"[:253], "namespace": self.namespace},
                "roleRef": {"apiGroup": GROUP, "kind": role_kind, "name": role},
                "subjects": [subject],
            }
        ]

    def field_of(self, path: str) -> str:
        return next((field for start, field in _PLACES.items() if path.startswith(start)), "")

    def _same(self, rows: Iterable[BindingRow]) -> BindingRow | None:
        for row in rows:
            if not row.is_everywhere and f"{row.role_kind}/{row.role}" == self.role and self.subject in row.subjects:
                return row
        return None
