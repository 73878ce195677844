"""Bindings of roles as pages show them: who has which role where, and by what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from console import sections
from console.rows import Row
from iam import people
from iam.errors import NotAdministrator
from iam.identities import Identity
from iam.people import Holders
from workloads.client import JSON, Client
from workloads.kinds.namespaces import RBAC_LABEL
from workloads.meta.errors import Forbidden

KINDS = ("User", "Group", "ServiceAccount")
BINDINGS = ("RoleBinding", "ClusterRoleBinding")
ROLES = ("view", "edit", "admin", "cluster-admin")
"""ClusterRoles of every account, the weakest first."""
MOST = 500
"""Bindings read at most where all of them are shown at once."""


@dataclass(frozen=True)
class Subject:
    kind: str
    name: str
    namespace: str = ""
    """Of a ServiceAccount."""

    @classmethod
    def of(cls, subject: JSON) -> Subject:
        return cls(subject.get("kind", ""), subject.get("name", ""), subject.get("namespace", ""))

    @property
    def id(self) -> str:
        """As forms send it."""
        return f"{self.kind}/{self.namespace}/{self.name}"

    @property
    def url(self) -> str:
        """Its page; "" for what has none."""
        if self.kind == "ServiceAccount" and self.namespace:
            return sections.page_of(self.kind, self.namespace, self.name)
        is_served = self.kind in ("User", "Group") and not self.name.startswith("system:")
        return sections.page_of(self.kind, "", self.name) if is_served and "/" not in self.name else ""

    @property
    def words(self) -> str:
        return {
            "User": _("user"),
            "Group": _("group"),
            "ServiceAccount": _("ServiceAccount"),
        }.get(self.kind, self.kind)

    def is_nobody(self, known: Holders | None) -> bool:
        """Whether no user or group is called so; False where that is not known."""
        if known is None or self.kind not in ("User", "Group") or self.name.startswith("system:"):
            return False
        return self.name not in (known.users if self.kind == "User" else known.groups)


@dataclass(frozen=True)
class BindingRow(Row):
    known: Holders | None = None

    @property
    def role(self) -> str:
        return str((self.obj.get("roleRef") or {}).get("name", ""))

    @property
    def role_kind(self) -> str:
        return str((self.obj.get("roleRef") or {}).get("kind", ""))

    @property
    def role_words(self) -> str:
        return role_words(self.role) if self.role_kind == "ClusterRole" else ""

    @property
    def is_everywhere(self) -> bool:
        return not self.namespace

    @property
    def subjects(self) -> list[Subject]:
        return [Subject.of(one) for one in self.obj.get("subjects") or []]

    @property
    def shown(self) -> list[tuple[Subject, bool]]:
        """With whether it is nobody."""
        return [(one, one.is_nobody(self.known)) for one in self.subjects]

    def mentions(self, part: str) -> bool:
        """For filters: by its own name, its role and its subjects."""
        return any(part in text.lower() for text in (self.name, self.role, *(one.name for one in self.subjects)))


@dataclass(frozen=True)
class RuleRow:
    """One rule of a Role, as a table shows it."""

    what: tuple[str, ...]
    """`pods`, `deployments.apps`; addresses of what is no resource."""
    names: tuple[str, ...]
    """Of objects; () for all."""
    verbs: tuple[str, ...]


def rule_rows(rules: Any) -> list[RuleRow]:
    """Of what somebody may still be typing: what is no rule is left out."""
    found = [one for one in rules or [] if isinstance(one, dict)]
    return [RuleRow(_what(one), _texts(one, "resourceNames"), _texts(one, "verbs")) for one in found]


def _what(rule: JSON) -> tuple[str, ...]:
    groups = _texts(rule, "apiGroups") or ("",)
    return tuple(
        f"{resource}.{group}" if group else resource for resource in _texts(rule, "resources") for group in groups
    ) + _texts(rule, "nonResourceURLs")


def _texts(rule: JSON, field: str) -> tuple[str, ...]:
    found = rule.get(field)
    return tuple(map(str, found)) if isinstance(found, list) else ()


@dataclass(frozen=True)
class OwnRoleRow(Row):
    """A Role of a namespace. `held`: by namespace and Role, who has it."""

    held: Mapping[tuple[str, str], list[Subject]] = field(default_factory=dict)

    @property
    def rules(self) -> list[RuleRow]:
        return rule_rows(self.obj.get("rules"))

    @property
    def holders(self) -> list[Subject]:
        return self.held.get((self.namespace, self.name), [])

    def mentions(self, part: str) -> bool:
        """For filters: by its name, its namespace and what it speaks of."""
        said = (self.name, self.namespace, *(word for rule in self.rules for word in rule.what))
        return any(part in text.lower() for text in said)


def holders_of_roles(client: Client) -> dict[tuple[str, str], list[Subject]]:
    """Who has which Role, by its namespace and name; nobody where one may not see bindings."""
    try:
        found = client.list("RoleBinding", limit=MOST).items
    except Forbidden:
        return {}
    held: dict[tuple[str, str], list[Subject]] = {}
    for row in map(BindingRow, found):
        if row.role_kind == "Role":
            held.setdefault((row.namespace, row.role), []).extend(row.subjects)
    return held


@dataclass(frozen=True)
class Held:
    """A role that somebody has, and by which binding; `group` is the group it comes by, "" for directly."""

    row: BindingRow
    group: str


def role_words(name: str) -> str:
    """What a ClusterRole of every account gives; "" for others."""
    return {
        "view": _("Reads what is in the namespace, but no Secrets, Roles and RoleBindings."),
        "edit": _("The work in the namespace, Secrets included; no Roles and RoleBindings."),
        "admin": _("Everything in the namespace, its Roles and RoleBindings included."),
        "cluster-admin": _("Everything, the Namespace itself included."),
    }.get(name, "")


def switched_on(namespace: JSON) -> bool:
    return (namespace["metadata"].get("labels") or {}).get(RBAC_LABEL) == "true"


def known_names(by: Identity) -> Holders | None:
    """None for who may not know."""
    try:
        return people.everybody(by)
    except NotAdministrator:
        return None


def in_namespace(client: Client, namespace: str, known: Holders | None) -> list[BindingRow]:
    """RoleBindings there, and what ClusterRoleBindings give everywhere, where one may see those. Raises Forbidden."""
    found = client.list("RoleBinding", namespace, limit=MOST).items
    return [BindingRow(item, known) for item in (*found, *_everywhere(client))]


def held(rows: Iterable[BindingRow], user: str, groups: Iterable[str]) -> list[Held]:
    """Which of `rows` give something to a user, or to one of their groups."""
    return list(_held(rows, user, frozenset(groups)))


def of_person(client: Client, user: str, groups: Iterable[str]) -> list[Held] | None:
    """All roles of a user ("" for none) and of groups in the account; None for who may not see bindings."""
    try:
        found = client.list("RoleBinding", limit=MOST).items
    except Forbidden:
        return None
    rows = [BindingRow(item) for item in (*found, *_everywhere(client))]
    return held(rows, user, groups)


def own_roles(client: Client, namespace: str) -> list[str]:
    """Names of the namespace's own Roles; none for who may not list them."""
    try:
        return [item["metadata"]["name"] for item in client.list("Role", namespace, limit=MOST).items]
    except Forbidden:
        return []


def _everywhere(client: Client) -> list[Any]:
    try:
        return client.list("ClusterRoleBinding", limit=MOST).items
    except Forbidden:
        return []


def _held(rows: Iterable[BindingRow], user: str, groups: frozenset[str]) -> Iterator[Held]:
    for row in rows:
        for subject in row.subjects:
            if user and subject.kind == "User" and subject.name == user:
                yield Held(row, "")
            elif subject.kind == "Group" and subject.name in groups:
                yield Held(row, subject.name)
