"""Who asks. Every call into the control plane carries one of these; nothing acts without one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from iam import policies
from iam.policies import Statement

if TYPE_CHECKING:
    from iam.models import User

AUTHENTICATED = "system:authenticated"
MASTERS = "system:masters"
"""Administrators of the account: roles in namespaces do not limit them."""
_SERVICE_ACCOUNT = "system:serviceaccount:"


@dataclass(frozen=True)
class Origin:
    """Where a call comes from. `door` is `kube-api`, `console`, `rest`, `iam` or `host`; `agent` what the caller
    says it is (User-Agent)."""

    door: str = "host"
    address: str = ""
    agent: str = ""


@dataclass(frozen=True)
class Identity:
    """`account` scopes everything that is seen. `user` is the user's name, or `system:controller:<name>` for our own.

    `groups` are Kubernetes groups; `actions` are the IAM actions allowed in the whole account, `*` patterns included
    (`cci:*:*`); `statements` are what policies say beyond: denials, and what is allowed in some namespaces alone.
    """

    account: str
    user: str
    groups: tuple[str, ...] = ()
    actions: tuple[str, ...] = ("cci:*:*",)
    statements: tuple[Statement, ...] = ()
    origin: Origin = field(default=Origin(), compare=False)
    """For the audit trail; says nothing of what is allowed."""

    @property
    def is_controller(self) -> bool:
        return self.user.startswith("system:controller:")

    @property
    def is_service_account(self) -> bool:
        """It has no policy: roles alone say what it may."""
        return self.user.startswith(_SERVICE_ACCOUNT)

    @property
    def is_administrator(self) -> bool:
        """May manage the account's users, and with them everything."""
        return not self.is_service_account and self.may("iam:*:*")

    @classmethod
    def controller(cls, name: str, account: str) -> Identity:
        """One of the product's own hands at work inside `account`; may write status and finish deletions."""
        return cls(account=account, user=f"system:controller:{name}", groups=("system:controllers",))

    def came(self, door: str, *, address: str = "", agent: str = "") -> Identity:
        """The same, coming in by `door`."""
        return replace(self, origin=Origin(door, address, agent))

    def may(self, action: str, namespace: str | None = "") -> bool:
        """What policies say. `action` is `cci:<noun>:<verb>`, for example `cci:namespace:create`; `namespace` None asks
        for all namespaces at once, "" for what lies in none."""
        return policies.permits(self.actions, self.statements, action, namespace)


def identity_of(user: User) -> Identity:
    """A signed-in person, as the control plane sees them, with the policies of the person and of their groups."""
    from iam import attachments

    found = attachments.of(user)
    rights = policies.rights(found.documents)
    person = Identity(
        account=user.account.name,
        user=user.name,
        groups=(AUTHENTICATED, *found.groups),
        actions=rights.actions,
        statements=rights.statements,
    )
    return _as_master(person) if person.is_administrator else person


def _as_master(person: Identity) -> Identity:
    groups: Iterable[str] = (AUTHENTICATED, MASTERS, *person.groups[1:])
    return Identity(person.account, person.user, tuple(groups), person.actions, person.statements)
