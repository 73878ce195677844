"""Who asks. Every call into the control plane carries one of these; nothing acts without one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iam.models import User


@dataclass(frozen=True)
class Identity:
    """`account` scopes everything that is seen. `user` is the user's name, or `system:controller:<name>` for our own.

    `groups` are Kubernetes groups; `actions` are the IAM actions allowed, `*` patterns included (`cci:*:*`).
    """

    account: str
    user: str
    groups: tuple[str, ...] = ()
    actions: tuple[str, ...] = ("cci:*:*",)

    @property
    def is_controller(self) -> bool:
        return self.user.startswith("system:controller:")

    @classmethod
    def controller(cls, name: str, account: str) -> Identity:
        """One of the product's own hands at work inside `account`; may write status and finish deletions."""
        return cls(account=account, user=f"system:controller:{name}", groups=("system:controllers",))

    def may(self, action: str) -> bool:
        """`action` is `cci:<noun>:<verb>`, for example `cci:namespace:create`."""
        return any(_matches(pattern, action) for pattern in self.actions)


def identity_of(user: User) -> Identity:
    """A signed-in person, as the control plane sees them. Every user of an account may do everything in it."""
    return Identity(account=user.account.name, user=user.name, groups=("system:authenticated",))


def _matches(pattern: str, action: str) -> bool:
    want, have = pattern.split(":"), action.split(":")
    return len(want) == len(have) and all(w in ("*", h) for w, h in zip(want, have, strict=True))
