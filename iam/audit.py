"""The trail: who changed what, from where, and who was denied. Append-only, and each entry seals the one before it.

An entry's `digest` is the SHA-256 of its own words and of the digest of the account's entry before it. Whoever changes,
removes or inserts an entry in the database breaks the chain from there on, and `verify` says where. Somebody who writes
the whole chain anew is found out by a digest that was noted elsewhere (`manage.py audit` prints the newest).

A write's entry is made in the write's own transaction: one is never there without the other. What the service does by
itself (a controller's writes) is not in the trail: the log of changes and Events tell of that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Literal

import orjson
from django.db import connection, transaction
from django.utils import timezone

from iam import sql
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
    entry(identity, action, target, outcome=outcome, message=message, changes=changes)()


def entry(
    identity: Identity,
    action: str,
    target: Target,
    *,
    outcome: Outcome = "done",
    message: str = "",
    changes: Sequence[JSON] = (),
) -> Callable[[], None]:
    """What `record` does, in two steps: now all that can be done without a lock, the rest when it is called."""
    words = {
        "account": identity.account,
        "user": identity.user[:_LONGEST_USER],
        "door": identity.origin.door,
        "address": identity.origin.address[:_LONGEST_ADDRESS],
        "agent": identity.origin.agent[:_LONGEST_AGENT],
        "action": action,
        "kind": target.kind,
        "namespace": target.namespace,
        "name": target.name,
        "subresource": target.subresource,
        "outcome": outcome,
        "message": message[:_LONGEST_MESSAGE],
    }
    words = {name: word.replace("\0", "\ufffd") for name, word in words.items()}
    return partial(_append, words, _storable(changes))


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
        if entry.previous != previous or entry.digest != _digest(_words(entry), entry.at):
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
    found: list[JSON] = []
    _find_changed(found, "", before, after)
    return [_masked(one) if one["path"].startswith(below) else one for one in found] if below else found


def _masked(change: JSON) -> JSON:
    return {side: value if side == "path" else HIDDEN for side, value in change.items()}


HIDDEN = "(hidden)"
_LONGEST_USER, _LONGEST_ADDRESS, _LONGEST_AGENT, _LONGEST_MESSAGE = 200, 45, 200, 1000
_SEALED = ["account", "user", "door", "address", "agent", "action", "kind", "namespace", "name", "subresource"]
_SEALED += ["outcome", "message", "changes", "previous"]


def _find_changed(found: list[JSON], path: str, before: Any, after: Any) -> None:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name, was in before.items():
            inner = f"{path}.{name}" if path else str(name)
            if name in after:
                _find_changed(found, inner, was, after[name])
            else:
                _find_leaves(found, inner, was, "before")
        for name, now in after.items():
            if name not in before:
                _find_leaves(found, f"{path}.{name}" if path else str(name), now, "after")
    elif isinstance(before, list) and isinstance(after, list):
        both = min(len(before), len(after))
        for place in range(both):
            _find_changed(found, f"{path}[{place}]", before[place], after[place])
        for place in range(both, len(before)):
            _find_leaves(found, f"{path}[{place}]", before[place], "before")
        for place in range(both, len(after)):
            _find_leaves(found, f"{path}[{place}]", after[place], "after")
    else:
        found.append({"path": path, "before": before, "after": after})


def _find_leaves(found: list[JSON], path: str, value: Any, side: Literal["before", "after"]) -> None:
    """Of what is there on one side alone."""
    if value and isinstance(value, dict):
        for name, inner in value.items():
            _find_leaves(found, f"{path}.{name}" if path else str(name), inner, side)
    elif value and isinstance(value, list):
        for place, inner in enumerate(value):
            _find_leaves(found, f"{path}[{place}]", inner, side)
    else:
        found.append({"path": path, side: value})


def _storable(changes: Sequence[JSON]) -> bytes:
    """As they are kept and sealed. PostgreSQL keeps no NUL in texts and JSON, and callers may send one: no write shall
    fail for its entry."""
    told = _sorted(changes)
    if len(told) > LONGEST_CHANGES:
        told = _sorted(_cut(changes))
    if b"\\u0000" in told:
        told = _sorted(orjson.loads(told.replace(b"\\u0000", b"\\ufffd")))
    return told


def _sorted(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _cut(changes: Sequence[JSON]) -> list[JSON]:
    kept, size = list[JSON](), 0
    for number, change in enumerate(changes):
        size += len(orjson.dumps(change))
        if size > LONGEST_CHANGES:
            return [*kept, {"path": f"... and {len(changes) - number} more changes, too long to keep"}]
        kept.append(change)
    return kept


def _words(entry: AuditEntry) -> JSON:
    return {name: getattr(entry, name) for name in _SEALED}


def _digest(words: JSON, at: datetime) -> str:
    return hashlib.sha256(_sorted({**words, "at": at.isoformat()})).hexdigest()


_NEWEST = "SELECT digest FROM iam_auditentry WHERE account = %s ORDER BY id DESC LIMIT 1"
_APPEND = f"""
    INSERT INTO iam_auditentry (at, digest, {", ".join(f'"{name}"' for name in _SEALED)})
    VALUES ({", ".join(["%s"] * (len(_SEALED) + 2))})"""  # noqa: S608


def _newest(account: str) -> str:
    found = sql.select(_NEWEST, [account])
    return str(found[0][0]) if found else _start(account)


def _append(words: Mapping[str, str], changes: bytes) -> None:
    """Every other write waits for it."""
    with _in_line():
        at, previous = timezone.now(), _newest(words["account"])
        digest = _digest({**words, "changes": orjson.Fragment(changes), "previous": previous}, at)
        kept = {**words, "changes": changes.decode(), "previous": previous}
        moment = connection.ops.adapt_datetimefield_value(at)
        sql.execute(_APPEND, [moment, digest, *(kept[name] for name in _SEALED)])


def _start(account: str) -> str:
    return AuditStart.objects.filter(account=account).values_list("digest", flat=True).first() or ""


@contextmanager
def _in_line() -> Iterator[None]:
    """One at a time, until the transaction ends: SQLite has one writer anyway. A failure undoes the whole."""
    with transaction.atomic(savepoint=False):
        if connection.vendor == "postgresql":
            sql.select(f"SELECT pg_advisory_xact_lock({_CHAIN_LOCK})")
        yield
