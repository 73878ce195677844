"""A role given to somebody in a namespace, or in every one, as it is typed: one binding with one subject."""

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
    """"" for every one; then a ServiceAccount is typed with its own, as `shop/robot`."""
    kind: str
    name: str
    role: str
    """`ClusterRole/view`."""

    @classmethod
    def read(cls, namespace: str, fields: Fields) -> RoleDraft:
        return cls(namespace, text(fields, "kind", "User"), text(fields, "name"), text(fields, "role"))

    @property
    def subject(self) -> Subject:
        if self.kind != "ServiceAccount":
            return Subject(self.kind, self.name)
        if self.namespace:
            return Subject(self.kind, self.name, self.namespace)
        place, _slash, name = self.name.partition("/")
        return Subject(self.kind, name, place)

    def problems(self) -> list[FieldError]:
        found = []
        if self.kind not in KINDS:
            found.append(FieldError("kind", _("Choose one of the list.")))
        if not self.name:
            found.append(FieldError("name", _("Name who gets the role.")))
        elif self.kind == "ServiceAccount" and not (self.subject.name and self.subject.namespace):
            found.append(FieldError("name", _("Write a ServiceAccount with its namespace: shop/robot.")))
        return found

    def clashes(self, known: Holders | None, rows: Iterable[BindingRow], roles: Iterable[str]) -> list[FieldError]:
        """With what is there: `rows` are the bindings, `roles` those that can be given, as `role` says them."""
        found = self.unknown(known)
        if self.role not in roles:
            found.append(FieldError("role", _("Choose a role.")))
        if row := self._same(rows):
            said = _("%(name)s has this role here already, by RoleBinding %(binding)s.")
            found.append(FieldError("role", said % {"name": self.name, "binding": row.name}))
        return found

    def unknown(self, known: Holders | None) -> list[FieldError]:
        if not self.name or not self.subject.is_nobody(known):
            return []
        said = _("There is no %(kind)s called %(name)s in this account: create it first, or correct the name.")
        return [FieldError("name", said % {"kind": self.subject.words, "name": self.name})]

    def subject_manifest(self) -> JSON:
        subject = self.subject
        if self.kind == "ServiceAccount":
            return {"kind": self.kind, "name": subject.name, "namespace": subject.namespace}
        return {"kind": self.kind, "name": subject.name, "apiGroup": GROUP}

    def manifests(self) -> list[JSON]:
        role_kind, _slash, role = self.role.partition("/")
        name = f"{role}-{self.kind.lower()}-{self.name.replace('/', '-')}"[:253]
        return [
            {
                "apiVersion": API_VERSION,
                "kind": "RoleBinding" if self.namespace else "ClusterRoleBinding",
                "metadata": {"name": name, **({"namespace": self.namespace} if self.namespace else {})},
                "roleRef": {"apiGroup": GROUP, "kind": role_kind, "name": role},
                "subjects": [self.subject_manifest()],
            }
        ]

    def field_of(self, path: str) -> str:
        return next((field for start, field in _PLACES.items() if path.startswith(start)), "")

    def _same(self, rows: Iterable[BindingRow]) -> BindingRow | None:
        for row in rows:
            if (
                row.namespace == self.namespace
                and f"{row.role_kind}/{row.role}" == self.role
                and self.subject in row.subjects
            ):
                return row
        return None
