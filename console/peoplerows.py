"""Users and groups as pages show them: what is in effect and by which way, and what is the matter with somebody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from console.states import State
from iam import logins, people
from iam.identities import Identity
from iam.models import Group, User
from iam.policies import SYSTEM


@dataclass(frozen=True)
class Given:
    """A policy in effect: attached to the user, to groups of theirs, or to both."""

    policy: str
    directly: bool
    groups: tuple[str, ...]

    @property
    def is_system(self) -> bool:
        return self.policy in SYSTEM


@dataclass(frozen=True)
class UserRow:
    user: User
    waits_until: datetime | None = None
    """Too many wrong passwords: until when the next try waits, at least from one address."""

    @property
    def name(self) -> str:
        return self.user.name

    @property
    def id(self) -> str:
        return f"user-{self.user.pk}"

    @property
    def groups(self) -> list[str]:
        return sorted(group.name for group in self.user.groups.all())

    @property
    def own(self) -> list[str]:
        """Policies attached directly."""
        return people.attached_to(self.user)

    @property
    def given(self) -> list[Given]:
        """All policies in effect, by name."""
        ways: dict[str, list[str]] = {policy: [] for policy in self.own}
        for group in self.user.groups.all():
            for policy in people.attached_to(group):
                ways.setdefault(policy, []).append(group.name)
        return [Given(policy, policy in self.own, tuple(sorted(ways[policy]))) for policy in sorted(ways)]

    @property
    def keys(self) -> int:
        """Access keys that are active."""
        return sum(key.active for key in self.user.access_keys.all())

    @property
    def last_sign_in(self) -> datetime | None:
        """By password or by an access key."""
        used = [key.last_used for key in self.user.access_keys.all()]
        return max((at for at in (self.user.last_login, *used) if at is not None), default=None)

    @property
    def state(self) -> State:
        if not self.user.is_active:
            return State(_("Disabled"), _("cannot sign in"), tone="idle", shape="hollow")
        if self.waits_until is not None:
            said, advice = _("too many wrong passwords"), _("Unlock, if it was the user; else reset the password.")
            return State(_("Locked"), said, "warn", "triangle", retry_at=self.waits_until, advice=advice)
        if not self.given:
            said, advice = _("no policy, so everything is refused"), _("Attach a policy, or add the user to a group.")
            return State(_("No rights"), said, "warn", "triangle", advice=advice)
        return State(_("Active"), tone="ok")


@dataclass(frozen=True)
class GroupRow:
    group: Group

    @property
    def name(self) -> str:
        return self.group.name

    @property
    def id(self) -> str:
        return f"group-{self.group.pk}"

    @property
    def members(self) -> list[str]:
        return sorted(member.name for member in self.group.members.all())

    @property
    def policies(self) -> list[Given]:
        return [Given(policy, True, ()) for policy in people.attached_to(self.group)]


def of_users(by: Identity, users: Iterable[User]) -> list[UserRow]:
    found = list(users)
    waits = logins.waiting(by.account, [user.name for user in found])
    return [UserRow(user, waits.get(user.name)) for user in found]
