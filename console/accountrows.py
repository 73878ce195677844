"""ServiceAccounts as lists and details show them: the roles they have, and the Secrets their pods pull images with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from console.rolerows import MOST, BindingRow
from console.rows import Row
from workloads.client import JSON, Client
from workloads.kinds.serviceaccounts import DEFAULT
from workloads.meta.errors import Forbidden

Bindings = Mapping[str, list[BindingRow]]
"""By namespace; those of "" hold everywhere."""
_EVERYBODY = "system:serviceaccounts"


@dataclass(frozen=True)
class AccountRow(Row):
    roles: list[BindingRow] | None = field(default=None)
    """None for who may not see bindings."""

    @property
    def is_default(self) -> bool:
        """Pods that name no ServiceAccount run under it; it is made anew when it goes."""
        return self.name == DEFAULT

    @property
    def pulls(self) -> list[str]:
        return [str(one.get("name", "")) for one in self.obj.get("imagePullSecrets") or []]

    @property
    def mounts_token(self) -> bool:
        return self.obj.get("automountServiceAccountToken") is not False

    @property
    def role_names(self) -> list[str]:
        return list(dict.fromkeys(row.role for row in self.roles or []))


def account_row(account: JSON, known: Bindings | None) -> AccountRow:
    metadata = account["metadata"]
    if known is None:
        return AccountRow(account)
    rows = [*known.get(metadata["namespace"], []), *known.get("", [])]
    return AccountRow(account, list(held(rows, metadata["namespace"], metadata["name"])))


def bindings(client: Client, scope: str | None) -> Bindings | None:
    """All bindings at once, MOST at most; None for who may not see them."""
    try:
        found = [*client.list("RoleBinding", scope, limit=MOST).items]
    except Forbidden:
        return None
    with suppress(Forbidden):
        found += client.list("ClusterRoleBinding", limit=MOST).items
    by_namespace: dict[str, list[BindingRow]] = {}
    for row in map(BindingRow, found):
        by_namespace.setdefault(row.namespace, []).append(row)
    return by_namespace


def held(rows: Iterable[BindingRow], namespace: str, name: str) -> Iterable[BindingRow]:
    """Those that give something to a ServiceAccount, by itself or by a group that every one of them is in."""
    groups = {_EVERYBODY, f"{_EVERYBODY}:{namespace}"}
    for row in rows:
        for subject in row.subjects:
            is_itself = (subject.kind, subject.name) == ("ServiceAccount", name)
            is_in = subject.kind == "Group" and subject.name in groups
            if is_in or (is_itself and subject.namespace in ("", namespace)):
                yield row
                break
