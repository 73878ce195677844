"""Users, groups and policies of an account: every operation on them, for pages, forms and the REST API alike.

Who asks comes first (`by`) and must be an administrator of the account; nothing of another account is seen. Reading is
open to whoever has `IAM:*:get` and `IAM:*:list`. Raises the errors of `iam.errors`. A change is in force at once here,
and within two seconds in every other process.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar, cast

from django.db import transaction
from django.db.models import Q

from iam import accesskeys, attachments, audit, logins, policies, tokens
from iam.audit import Target
from iam.errors import Busy, Missing, NotAdministrator, Taken, WrongFields
from iam.identities import Identity, identity_of
from iam.models import Account, Attachment, Group, Policy, User
from iam.policies import SYSTEM, SystemPolicy

JSON = dict[str, Any]

SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 128
LONGEST_DESCRIPTION = 250
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.@-]{0,62}[A-Za-z0-9])?")
_NAME_RULE = "must have 1 to 64 letters, digits, '-', '_', '.' or '@', with a letter or digit at both ends"
_POLICY_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_. -]{0,62}[A-Za-z0-9])?")
_POLICY_NAME_RULE = "must have 1 to 64 letters, digits, spaces, '-', '_' or '.', with a letter or digit at both ends"

P = ParamSpec("P")
R = TypeVar("R")
Change = Callable[Concatenate[Identity, str, P], R]
_UNTOLD = ("password",)


def _audited(action: str, kind: str) -> Callable[[Change[P, R]], Change[P, R]]:
    """The change and its entry in the audit trail are one transaction; what is denied is in the trail, too."""

    def decorate(change: Change[P, R]) -> Change[P, R]:
        @wraps(change)
        def audited(by: Identity, name: str, *args: P.args, **given: P.kwargs) -> R:
            target = Target(kind, name[:253])
            try:
                with transaction.atomic():
                    done = change(by, name, *args, **given)
                    audit.record(by, action, target, changes=_told(given), message=", ".join(map(str, args)))
            except NotAdministrator as refusal:
                audit.record(by, action, target, outcome="denied", message=refusal.message)
                refusal.is_recorded = True
                raise
            return done

        return cast("Change[P, R]", audited)

    return decorate


def _told(given: Any) -> list[JSON]:
    """What was asked for, without what must not be read by others."""
    told = {name: audit.HIDDEN if name in _UNTOLD else value for name, value in given.items() if value not in ("", ())}
    return audit.difference({}, told)


class Holders(NamedTuple):
    """Names of users and groups: those who have a policy directly, or all there are."""

    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    @property
    def words(self) -> list[str]:
        """`bob`, `group devs`."""
        return sorted([*self.users, *(f"group {name}" for name in self.groups)])


def admit(by: Identity, action: str) -> None:
    """For doors that ask before they show a form. Raises NotAdministrator."""
    _admit(by, action)


# Users


def users(by: Identity, *, part: str = "", after: str = "", limit: int | None = None) -> list[User]:
    """By name: those whose name contains `part`, `limit` of them behind the one called `after`."""
    _admit(by, "iam:user:list")
    found = _users(by).filter(name__icontains=part, name__gt=after).order_by("name")
    return list(found.prefetch_related("groups__attachments", "attachments", "access_keys")[:limit])


def everybody(by: Identity) -> Holders:
    """The names of all users and groups."""
    _admit(by, "iam:user:list")
    _admit(by, "iam:group:list")
    users, groups = (
        tuple(found.order_by("name").values_list("name", flat=True)) for found in (_users(by), _groups(by))
    )
    return Holders(users, groups)


def user(by: Identity, name: str) -> User:
    _admit(by, "iam:user:get")
    return _user(by, name)


@_audited("iam:user:create", "User")
def create_user(
    by: Identity, name: str, *, password: str, groups: Sequence[str] = (), policies: Sequence[str] = ()
) -> User:
    """Without a policy, their own or a group's, a user may do nothing."""
    _admit(by, "iam:user:create")
    wrong = _name_problems(name) | _password_problems(password)
    wrong |= _unknown_groups(by, groups) | _unknown_policies(by, policies)
    _refuse(wrong)
    with transaction.atomic():
        if _users(by).filter(name=name).exists():
            raise Taken("user", name)
        made = User.objects.create_user(_account(by), name, password, policies=tuple(dict.fromkeys(policies)))
        made.groups.set(_groups(by).filter(name__in=groups))
    return made


@_audited("iam:user:update", "User")
def set_password(by: Identity, name: str, *, password: str) -> None:
    """Every token that the user has is revoked, and every session ends."""
    _admit(by, "iam:user:update")
    found = _user(by, name)
    _refuse(_password_problems(password))
    with transaction.atomic():
        found.set_password(password)
        found.save(update_fields=["password"])
        tokens.revoke_all(found, by=by)


def change_own_password(user: User, *, current: str, password: str, address: str = "") -> None:
    """Needs no policy. Every token is revoked, every session ends. Raises WrongFields; TooManyTries
    of `iam.logins` after too many wrong ones."""
    same = {"password": "must be another one than the current password"} if password == current else {}
    _refuse(_password_problems(password) or same)
    try:
        logins.check(user.account.name, user.name, current, address=address)
    except logins.WrongLogin:
        raise WrongFields({"current": "this is not your password: type the one you sign in with"}) from None
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password"])
        tokens.revoke_all(user)
        target = Target("User", user.name)
        audit.record_person(user, "iam:user:update", target, message="own password", address=address)


@_audited("iam:user:update", "User")
def set_active(by: Identity, name: str, *, active: bool) -> User:
    """Who is not active cannot sign in; the tokens they had are revoked, and stay so."""
    _admit(by, "iam:user:update")
    found = _user(by, name)
    found.is_active = active
    with transaction.atomic():
        _keeping_an_administrator(by, lambda: found.save(update_fields=["is_active"]))
        if not active:
            tokens.revoke_all(found, by=by)
    return found


@_audited("iam:user:update", "User")
def unlock(by: Identity, name: str) -> None:
    """Wrong passwords that were counted for this user are forgotten: the next try need not wait."""
    _admit(by, "iam:user:update")
    logins.forgive(by.account, _user(by, name).name)


@_audited("iam:user:update", "User")
def revoke_tokens(by: Identity, name: str) -> int:
    """All that speak for the user. Returns how many."""
    _admit(by, "iam:user:update")
    return tokens.revoke_all(_user(by, name), by=by)


@_audited("iam:accesskey:update", "User")
def disable_key(by: Identity, name: str, ak: str) -> None:
    """Of another user; enabling and deleting are its owner's. Raises Missing."""
    _admit(by, "iam:accesskey:update")
    try:
        accesskeys.disable(_user(by, name), ak, by=by)
    except accesskeys.UnknownKey:
        raise Missing("access key", ak) from None


@_audited("iam:user:delete", "User")
def delete_user(by: Identity, name: str) -> None:
    _admit(by, "iam:user:delete")
    found = _user(by, name)
    if found.name == by.user:
        raise Busy("you cannot delete yourself: ask another administrator")
    _keeping_an_administrator(by, found.delete)


def identity_named(account: str, name: str) -> Identity | None:
    """What the control plane makes of the active user called `name`; None when there is none."""
    active = User.objects.select_related("account").filter(account__name=account, is_active=True)
    found = active.filter(name__in=_askable([name])).first()
    return identity_of(found) if found else None


# Groups


def groups(by: Identity, *, part: str = "", after: str = "", limit: int | None = None) -> list[Group]:
    """By name, as `users`."""
    _admit(by, "iam:group:list")
    found = _groups(by).filter(name__icontains=part, name__gt=after).order_by("name")
    return list(found.prefetch_related("members", "attachments")[:limit])


def group(by: Identity, name: str) -> Group:
    _admit(by, "iam:group:get")
    return _group(by, name)


@_audited("iam:group:create", "Group")
def create_group(by: Identity, name: str, *, description: str = "", policies: Sequence[str] = ()) -> Group:
    _admit(by, "iam:group:create")
    _refuse(_name_problems(name) | _description_problems(description) | _unknown_policies(by, policies))
    with transaction.atomic():
        made, is_new = Group.objects.get_or_create(
            account=_account(by), name=name, defaults={"description": description}
        )
        if not is_new:
            raise Taken("group", name)
        Attachment.objects.bulk_create(Attachment(group=made, policy=policy) for policy in dict.fromkeys(policies))
    return made


@_audited("iam:group:update", "Group")
def describe_group(by: Identity, name: str, description: str) -> Group:
    _admit(by, "iam:group:update")
    found = _group(by, name)
    _refuse(_description_problems(description))
    found.description = description
    found.save(update_fields=["description"])
    return found


@_audited("iam:group:delete", "Group")
def delete_group(by: Identity, name: str) -> None:
    """Its members lose what they had by it. RoleBindings that name it stay, and give nobody anything."""
    _admit(by, "iam:group:delete")
    found = _group(by, name)
    _keeping_an_administrator(by, found.delete)


@_audited("iam:group:update", "Group")
def add_member(by: Identity, group_name: str, user_name: str) -> Group:
    """Adding a member again changes nothing."""
    _admit(by, "iam:group:update")
    found, member = _group(by, group_name), _user(by, user_name)
    found.members.add(member)
    return found


@_audited("iam:group:update", "Group")
def remove_member(by: Identity, group_name: str, user_name: str) -> Group:
    _admit(by, "iam:group:update")
    found, member = _group(by, group_name), _user(by, user_name)
    _keeping_an_administrator(by, lambda: found.members.remove(member))
    return found


def regroup(by: Identity, user_name: str, joined: Iterable[str], left: Iterable[str]) -> None:
    """Makes a user a member of some groups and takes them out of others, all or none of it."""
    _admit(by, "iam:group:update")
    with transaction.atomic():
        for name in joined:
            add_member(by, name, user_name)
        for name in left:
            remove_member(by, name, user_name)


def enlist(by: Identity, group_name: str, user_names: Iterable[str]) -> None:
    """Several new members at once, all or none of them. Raises WrongFields that names those who are not there."""
    _admit(by, "iam:group:update")
    _group(by, group_name)
    names = list(dict.fromkeys(user_names))
    unknown = set(names) - set(_users(by).filter(name__in=_askable(names)).values_list("name", flat=True))
    wrong = f"there is no user {', '.join(sorted(unknown))}" if unknown else "" if names else "name at least one user"
    _refuse({"users": wrong} if wrong else {})
    with transaction.atomic():
        for name in names:
            add_member(by, group_name, name)


# Policies


def custom_policies(by: Identity) -> list[Policy]:
    """By name; the system policies are `policies.SYSTEM`."""
    _admit(by, "iam:policy:list")
    return list(_policies(by).order_by("name"))


def policy(by: Identity, name: str) -> Policy | SystemPolicy:
    _admit(by, "iam:policy:get")
    return SYSTEM.get(name) or _policy(by, name)


def own_policy(by: Identity, name: str) -> Policy:
    """One that the account wrote itself. Raises Busy for the system's: nobody changes those."""
    _admit(by, "iam:policy:get")
    return _policy(by, name)


@_audited("iam:policy:create", "Policy")
def create_policy(by: Identity, name: str, *, document: Any, description: str = "") -> Policy:
    _admit(by, "iam:policy:create")
    _refuse(policy_problems(name, document=document, description=description))
    if name in SYSTEM:
        raise Taken("policy", name)
    with transaction.atomic():
        made, is_new = Policy.objects.get_or_create(
            account=_account(by), name=name, defaults={"description": description, "document": document}
        )
        if not is_new:
            raise Taken("policy", name)
    return made


def policy_problems(name: str, *, document: Any, description: str = "") -> JSON:
    """What would be wrong with such a policy, by field; the document's fields by their paths in it."""
    wrong = {} if _POLICY_NAME.fullmatch(name) else {"name": _POLICY_NAME_RULE}
    return wrong | _description_problems(description) | policies.problems(document)


@_audited("iam:policy:update", "Policy")
def change_policy(
    by: Identity, name: str, *, document: Any = None, description: str | None = None, since: datetime | None = None
) -> Policy:
    """What is None stays as it is. `since` is when it was changed last, as the caller knows it: Busy when somebody did
    so later."""
    _admit(by, "iam:policy:update")
    found = _policy(by, name)
    if since is not None and found.changed != since:
        raise Busy("somebody changed it meanwhile: look at it in another tab, then save what it shall be")
    wrong = {} if description is None else _description_problems(description)
    _refuse(wrong | ({} if document is None else policies.problems(document)))
    found.document = found.document if document is None else document
    found.description = found.description if description is None else description
    _keeping_an_administrator(by, found.save)
    return found


@_audited("iam:policy:delete", "Policy")
def delete_policy(by: Identity, name: str) -> None:
    """Raises Busy while somebody has it."""
    _admit(by, "iam:policy:delete")
    found = _policy(by, name)
    with transaction.atomic():
        found_at = _holders(by, name).words
        if found_at:
            raise Busy(f'policy "{name}" is attached to {", ".join(found_at[:10])}: detach it first')
        found.delete()


@_audited("iam:policy:update", "Policy")
def attach(by: Identity, policy_name: str, *, user: str = "", group: str = "") -> None:
    """To a user or to a group. Attaching again changes nothing."""
    _admit(by, "iam:policy:update")
    _known_policy(by, policy_name)
    holder: Any = _holder(by, user, group)
    Attachment.objects.get_or_create(policy=policy_name, **holder)


@_audited("iam:policy:update", "Policy")
def detach(by: Identity, policy_name: str, *, user: str = "", group: str = "") -> None:
    """Raises Missing when it is not attached there."""
    _admit(by, "iam:policy:update")
    found = Attachment.objects.filter(policy__in=_askable([policy_name]), **_holder(by, user, group))
    if not found.exists():
        raise Missing("policy", policy_name)
    _keeping_an_administrator(by, found.delete)


def holders(by: Identity, name: str) -> Holders:
    """Who has the policy called `name` directly."""
    _admit(by, "iam:policy:get")
    return _holders(by, name)


def regive(by: Identity, added: Iterable[str], removed: Iterable[str], *, user: str = "", group: str = "") -> None:
    """Attaches and detaches policies of a user or of a group, all or none of it."""
    _admit(by, "iam:policy:update")
    with transaction.atomic():
        for name in added:
            attach(by, name, user=user, group=group)
        for name in removed:
            detach(by, name, user=user, group=group)


def all_holders(by: Identity) -> dict[str, Holders]:
    """Of every policy that somebody has."""
    _admit(by, "iam:policy:list")
    mine = Attachment.objects.filter(Q(user__account__name=by.account) | Q(group__account__name=by.account))
    found: dict[str, Holders] = {}
    for policy, user, group in mine.values_list("policy", "user__name", "group__name").order_by("policy"):
        users, groups = found.get(policy, Holders())
        found[policy] = Holders((*users, user), groups) if user else Holders(users, (*groups, group))
    return {policy: Holders(tuple(sorted(held.users)), tuple(sorted(held.groups))) for policy, held in found.items()}


def attached_to(holder: User | Group) -> list[str]:
    """The names of the policies that a user or a group has directly."""
    return sorted(one.policy for one in holder.attachments.all())


def effective(by: Identity, name: str) -> attachments.Found:
    """All that a user has: groups, policies of both ways, documents."""
    return attachments.of(user(by, name))


# Rules


def _admit(by: Identity, action: str) -> None:
    """Whoever may change people could make themselves anything, so all changes ask for the whole right."""
    reads = action.rpartition(":")[2] in ("get", "list")
    if by.is_service_account or not (by.may(action) and (reads or by.is_administrator)):
        raise NotAdministrator(action)


def _keeping_an_administrator(by: Identity, change: Callable[[], Any]) -> None:
    """Makes the change, or none of it: an account that nobody can manage any more would be lost. Raises Busy."""
    with transaction.atomic():
        Account.objects.select_for_update().get(name=by.account)
        change()
        people = User.objects.select_related("account").filter(account__name=by.account, is_active=True)
        if not any(identity_of(one).is_administrator for one in people.iterator()):
            raise Busy("the account would be left without an administrator: give somebody else the policy first")


def _refuse(wrong: JSON) -> None:
    if wrong:
        raise WrongFields(wrong)


def _name_problems(name: str) -> JSON:
    return {} if _NAME.fullmatch(name) else {"name": _NAME_RULE}


def _password_problems(password: str) -> JSON:
    if SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD and password.strip():
        return {}
    return {"password": f"must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters"}


def _description_problems(description: str) -> JSON:
    if "\0" in description:
        return {"description": "must not have a NUL character: type it anew"}
    if len(description) <= LONGEST_DESCRIPTION:
        return {}
    return {"description": f"must have at most {LONGEST_DESCRIPTION} characters, this has {len(description)}"}


def _unknown_groups(by: Identity, names: Iterable[str]) -> JSON:
    unknown = set(names) - set(_groups(by).filter(name__in=_askable(names)).values_list("name", flat=True))
    return {"groups": f"there is no group {', '.join(sorted(unknown))}"} if unknown else {}


def _unknown_policies(by: Identity, names: Iterable[str]) -> JSON:
    unknown = set(names) - set(SYSTEM)
    unknown -= set(_policies(by).filter(name__in=_askable(unknown)).values_list("name", flat=True))
    return {"policies": f"there is no policy {', '.join(sorted(unknown))}"} if unknown else {}


# What is there


def _askable(names: Iterable[str]) -> list[str]:
    """Without those that nobody has, and that some databases cannot even be asked for."""
    return [name for name in names if "\0" not in name]


def _account(by: Identity) -> Account:
    found = Account.objects.filter(name=by.account).first()
    if found is None:
        raise Missing("account", by.account)
    return found


def _users(by: Identity) -> Any:
    return User.objects.select_related("account").filter(account__name=by.account)


def _groups(by: Identity) -> Any:
    return Group.objects.filter(account__name=by.account)


def _policies(by: Identity) -> Any:
    return Policy.objects.filter(account__name=by.account)


def _user(by: Identity, name: str) -> User:
    found: User | None = _users(by).filter(name__in=_askable([name])).first()
    if found is None:
        raise Missing("user", name)
    return found


def _group(by: Identity, name: str) -> Group:
    found: Group | None = _groups(by).filter(name__in=_askable([name])).first()
    if found is None:
        raise Missing("group", name)
    return found


def _policy(by: Identity, name: str) -> Policy:
    if name in SYSTEM:
        raise Busy(f'policy "{name}" belongs to the service and cannot be changed: write one of your own')
    found: Policy | None = _policies(by).filter(name__in=_askable([name])).first()
    if found is None:
        raise Missing("policy", name)
    return found


def _known_policy(by: Identity, name: str) -> None:
    if name not in SYSTEM:
        _policy(by, name)


def _holder(by: Identity, user: str, group: str) -> dict[str, User | Group]:
    if bool(user) == bool(group):
        raise WrongFields({"user": "name a user or a group, one of them"})
    return {"user": _user(by, user)} if user else {"group": _group(by, group)}


def _holders(by: Identity, policy: str) -> Holders:
    users, groups = (
        tuple(found.filter(attachments__policy=policy).order_by("name").values_list("name", flat=True))
        for found in (_users(by), _groups(by))
    )
    return Holders(users, groups)
