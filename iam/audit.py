"""The trail: who changed what, from where, and who was denied. Append-only, and each entry seals the one before it.

An entry's `digest` is the SHA-256 of its own words and of the digest of the account's entry before it. Whoever changes,
removes or inserts an entry in the database breaks the chain from there on, and `verify` says where. Somebody who writes
the whole chain anew is found out by a digest that was noted elsewhere (`manage.py audit` prints the newest).

A write's entry is made in the write's own transaction: one is never there without the other. What the service does by
itself (a controller's writes) is not in the trail: the log of changes and Events tell of that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson
from django.db import connection, transaction
from django.utils import timezone

from iam.identities import Identity
from iam.models import AuditEntry, AuditStart, User

JSON = dict[str, Any]
Outcome = Literal["done", "denied", "failed"]

LONGEST_CHANGES = 32 * 1024
"""Bytes of one entry's changes. What is more is cut, and says so."""
_CHAIN_LOCK = 7_251_002
"""PostgreSQL's advisory lock under which entries get their place. Taken after the store's own, never before."""


@dataclass(frozen=True)
class Target:
    """What a call was about. `kind` is a Kubernetes kind, or `User`, `AccessKey`, ... of the account itself."""

    kind: str
    name: str = ""
    namespace: str = ""
    subresource: str = ""


@dataclass(frozen=True)
class Verdict:
    """What `verify` found. `broken_at` is the first entry that is not what was written, or None."""

    entries: int
    broken_at: int | None
    head: str
    """The newest entry's digest; "" of an empty trail."""

    @property
    def is_whole(self) -> bool:
        return self.broken_at is None


def record(
    identity: Identity,
    action: str,
    target: Target,
    *,
    outcome: Outcome = "done",
    message: str = "",
    changes: Sequence[JSON] = (),
) -> None:
    """One more entry of `identity`'s account. `action` is as policies name it (`cci:deployment:update`). `changes` as
    `difference` gives them. Inside a transaction it is part of that one."""
    entry = AuditEntry(
        account=identity.account,
        at=timezone.now(),
        user=identity.user,
        door=identity.origin.door,
        address=identity.origin.address,
        agent=identity.origin.agent[:_LONGEST_AGENT],
        action=action,
        kind=target.kind,
        namespace=target.namespace,
        name=target.name,
        subresource=target.subresource,
        outcome=outcome,
        message=message[:_LONGEST_MESSAGE],
        changes=_fitting(changes),
    )
    with _in_line():
        newest = AuditEntry.objects.filter(account=entry.account).order_by("-id").values_list("digest", flat=True)
        entry.previous = newest.first() or _start(entry.account)
        entry.digest = _digest(entry)
        entry.save(force_insert=True)


def record_person(
    user: User, action: str, target: Target, *, outcome: Outcome = "done", message: str = "", address: str = ""
) -> None:
    """The same for what a person does with their own credentials, wherever they do it."""
    who = Identity(user.account.name, user.name).came("iam", address=address)
    record(who, action, target, outcome=outcome, message=message)


def verify(account: str) -> Verdict:
    """Reads the whole trail of an account, oldest first, and computes its chain again."""
    previous, count = _start(account), 0
    for entry in AuditEntry.objects.filter(account=account).order_by("id").iterator(chunk_size=1000):
        if entry.previous != previous or entry.digest != _digest(entry):
            return Verdict(count, broken_at=entry.pk, head=previous)
        previous, count = entry.digest, count + 1
    return Verdict(count, broken_at=None, head=previous)


def trim(older_than: datetime) -> int:
    """Forgets entries of before then; what is left is a chain of its own that begins where they ended. Returns how many
    went. The newest entry of an account stays."""
    gone = 0
    for account in AuditEntry.objects.order_by().values_list("account", flat=True).distinct():
        with _in_line():
            its = AuditEntry.objects.filter(account=account).order_by("-id")
            newest, last = its.first(), its.filter(at__lt=older_than).first()
            if last is None or last == newest:
                continue
            AuditStart.objects.update_or_create(account=account, defaults={"digest": last.digest})
            gone += AuditEntry.objects.filter(account=account, pk__lte=last.pk).delete()[0]
    return gone


def difference(before: Any, after: Any, *, hidden: Sequence[str] = ()) -> list[JSON]:
    """What changed, leaf by leaf: `{"path": "spec.replicas", "before": 1, "after": 3}`; a side is absent where there
    was nothing. Of what lies below a path of `hidden` it is told that it changed, not what it is."""
    below = tuple(f"{path}." for path in hidden)
    return [_masked(one) if one["path"].startswith(below) else one for one in _leaves("", before, after)]


def _masked(change: JSON) -> JSON:
    return {side: value if side == "path" else HIDDEN for side, value in change.items()}


HIDDEN = "(hidden)"
_NOTHING = object()
_LONGEST_AGENT, _LONGEST_MESSAGE = 200, 1000
_SEALED = ["account", "user", "door", "address", "agent", "action", "kind", "namespace", "name", "subresource"]
_SEALED += ["outcome", "message", "changes", "previous"]


def _leaves(path: str, before: Any, after: Any) -> Iterator[JSON]:
    if before == after:
        return
    before, after = _opened(before, after), _opened(after, before)
    if isinstance(before, dict) and isinstance(after, dict):
        for name in (*before, *(name for name in after if name not in before)):
            where = f"{path}.{name}" if path else str(name)
            yield from _leaves(where, before.get(name, _NOTHING), after.get(name, _NOTHING))
        return
    if isinstance(before, list) and isinstance(after, list):
        for place in range(max(len(before), len(after))):
            was, now = (side[place] if place < len(side) else _NOTHING for side in (before, after))
            yield from _leaves(f"{path}[{place}]", was, now)
        return
    sides = {"before": before, "after": after}
    yield {"path": path, **{side: value for side, value in sides.items() if value is not _NOTHING}}


def _opened(side: Any, other: Any) -> Any:
    """What is not there, as an empty one of what the other side is, so that each leaf is told by itself."""
    return type(other)() if side is _NOTHING and isinstance(other, dict | list) and other else side


def _fitting(changes: Iterable[JSON]) -> list[JSON]:
    kept, size = list[JSON](), 0
    for number, change in enumerate(changes := list(changes)):
        size += len(orjson.dumps(change))
        if size > LONGEST_CHANGES:
            return [*kept, {"path": f"... and {len(changes) - number} more changes, too long to keep"}]
        kept.append(change)
    return kept


def _digest(entry: AuditEntry) -> str:
    words = {name: getattr(entry, name) for name in _SEALED} | {"at": entry.at.isoformat()}
    return hashlib.sha256(orjson.dumps(words, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _start(account: str) -> str:
    return AuditStart.objects.filter(account=account).values_list("digest", flat=True).first() or ""


@contextmanager
def _in_line() -> Iterator[None]:
    """One at a time, until the transaction ends: SQLite has one writer anyway."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT pg_advisory_xact_lock({_CHAIN_LOCK})")
        yield
