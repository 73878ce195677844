"""What a follower wants to see of the log, and how an entry looks to it. Pure.

Most entries are none of a follower's business; that is decided from the key alone. JSON is parsed only for selectors,
and once for all followers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import orjson

from workloads.kinds import registry
from workloads.meta import selectors
from workloads.meta.errors import BadRequest
from workloads.meta.keys import Key
from workloads.store.changes import Entry
from workloads.store.stamps import stamp

JSON = dict[str, Any]


@dataclass(frozen=True)
class WatchEvent:
    """`data` is the object as JSON bytes (resourceVersion included); for BOOKMARK it is b"" and only `revision` speaks.
    DELETED is also what a follower with a selector gets when an object stops matching."""

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
    revision: int
    key: Key | None
    data: bytes
    _shown: dict[Hashable, bytes] = field(default_factory=dict, compare=False, repr=False)

    def shown(self, form: Hashable, show: Callable[[WatchEvent], bytes]) -> bytes:
        """What `show` makes of it, made once for all followers that want this form."""
        found = self._shown.get(form)
        if found is None:
            found = self._shown[form] = show(self)
        return found


class Sighting:
    """An entry on its way to many followers: what several of them ask for is made once."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self._seen: dict[str, WatchEvent] = {}

    @cached_property
    def event(self) -> WatchEvent:
        """As a follower without a selector sees it."""
        return self.seen_as(self.entry.type, self.entry.data)

    @cached_property
    def gone(self) -> WatchEvent:
        """As a follower sees it whose selector has stopped matching: the last state that did, at this revision."""
        return self.seen_as("DELETED", stamp(self.entry.previous or self.entry.data, self.entry.revision))

    @cached_property
    def now(self) -> JSON | None:
        """The object after the change; None when there is none."""
        return None if self.entry.type == "DELETED" else orjson.loads(self.entry.data)

    @cached_property
    def before(self) -> JSON | None:
        """The object before the change; None when there was none."""
        return None if self.entry.previous is None else orjson.loads(self.entry.previous)

    def seen_as(self, type: Literal["ADDED", "MODIFIED", "DELETED"], data: bytes) -> WatchEvent:
        """One event for all who see it so."""
        if type not in self._seen:
            self._seen[type] = WatchEvent(type, revision=self.entry.revision, key=self.entry.key, data=data)
        return self._seen[type]


@dataclass(frozen=True)
class Interest:
    account: str
    kinds: frozenset[str]
    namespace: str | None
    name: str | None
    labels: selectors.Selector
    fields: selectors.FieldSelector

    @classmethod
    def of(
        cls,
        account: str,
        kinds: Collection[str],
        *,
        namespace: str | None,
        name: str | None,
        label_selector: str,
        field_selector: str,
    ) -> Interest:
        """Raises BadRequest, also for a field that one of the kinds cannot be selected by."""
        try:
            labels = selectors.parse(label_selector)
            fields = selectors.parse_fields(field_selector, _fields_of(kinds))
        except selectors.SelectorError as error:
            raise BadRequest(str(error)) from None
        return cls(account, frozenset(kinds), namespace=namespace, name=name, labels=labels, fields=fields)

    def concerns(self, key: Key) -> bool:
        """Whether the key alone allows it."""
        return (
            key.account == self.account
            and key.kind in self.kinds
            and self.namespace in (None, key.namespace)
            and self.name in (None, key.name)
        )

    def view(self, sighting: Sighting) -> WatchEvent | None:
        """The entry as this follower sees it: objects appear when they start to match and go when they stop."""
        if not self.concerns(sighting.entry.key):
            return None
        if not self.labels and not self.fields:
            return sighting.event
        was, is_now = self._matches(sighting, sighting.before), self._matches(sighting, sighting.now)
        if is_now:
            return sighting.seen_as("MODIFIED" if was else "ADDED", sighting.entry.data)
        if not was:
            return None
        return sighting.event if sighting.entry.type == "DELETED" else sighting.gone

    def _matches(self, sighting: Sighting, obj: JSON | None) -> bool:
        if obj is None:
            return False
        key = sighting.entry.key
        labels = obj.get("metadata", {}).get("labels") or {}
        return self.labels.matches(labels) and self.fields.matches(lambda field: _field(field, key, obj))


_FIELDS_OF_ALL = ("metadata.name", "metadata.namespace")


def _fields_of(kinds: Collection[str]) -> set[str]:
    """Fields every one of the kinds can be selected by."""
    each = [set(registry.kind(kind).field_selectors) for kind in kinds]
    return set.intersection(*each).union(_FIELDS_OF_ALL) if each else set(_FIELDS_OF_ALL)


def _field(field: str, key: Key, obj: JSON) -> str:
    if field == "metadata.name":
        return key.name
    if field == "metadata.namespace":
        return key.namespace
    return registry.kind(key.kind).field_selectors[field](obj)
