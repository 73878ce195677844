"""Who manages which fields: what `metadata.managedFields` says, before and after a write. Pure.

Every writer is known by its name, whether it applies or updates, the version it speaks and the subresource it writes.
An update takes what it changed away from everybody else. Who applies takes what it says, shares what is as it says, and
is refused what others said otherwise, unless it forces them; what it said last time and no longer says goes, unless
somebody else has it, too. The rules, and the shape, are those of upstream's structured-merge-diff.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, Protocol

import orjson

from workloads.meta import fieldsets, merging, times
from workloads.meta.errors import Cause, Conflict
from workloads.meta.fieldsets import LEAF, NOTHING, Fields
from workloads.meta.merging import Comparison
from workloads.meta.shapes import Shape

JSON = dict[str, Any]
Operation = Literal["Apply", "Update"]

APPLY: Final[Operation] = "Apply"
UPDATE: Final[Operation] = "Update"
BEFORE_FIRST_APPLY: Final = "before-first-apply"
"""Has what an object had that nobody managed, once somebody applies."""
ANCIENT: Final = "ancient-changes"
MOST_UPDATERS: Final = 10
"""Those who updated longest ago are folded into `ANCIENT` beyond."""

_IDENTITY: Final[Fields] = {
    "f:apiVersion": LEAF,
    "f:kind": LEAF,
    "f:metadata": {
        fieldsets.SELF: LEAF,
        **dict.fromkeys(
            (
                "f:name",
                "f:namespace",
                "f:creationTimestamp",
                "f:selfLink",
                "f:uid",
                "f:clusterName",
                "f:generation",
                "f:managedFields",
                "f:resourceVersion",
            ),
            LEAF,
        ),
    },
}
"""Is nobody's."""


class Name(NamedTuple):
    """`api_version` is "" for who applies: it stays the same manager in whatever version it speaks next."""

    manager: str
    operation: Operation
    api_version: str = ""
    subresource: str = ""

    @property
    def shown(self) -> str:
        """As a conflict names it."""
        text = orjson.dumps(self.manager).decode()
        if self.subresource:
            text += f" with subresource {orjson.dumps(self.subresource).decode()}"
        return f"{text} using {self.api_version}" if self.operation == UPDATE else text


@dataclass(frozen=True)
class Held:
    """What one manager has, in the words of `api_version`."""

    api_version: str
    fields: Fields
    time: str = ""


Managers = Mapping[Name, Held]


class Versions(Protocol):
    """How an object is said in the versions of its kind."""

    def shape(self, api_version: str) -> Shape: ...

    def said(self, obj: JSON, api_version: str) -> JSON | None:
        """`obj`, in whichever version it says it is, in this one; None when it is not served."""
        ...


def read(entries: Iterable[JSON]) -> dict[Name, Held]:
    """What stands in an object of ours."""
    found = {}
    for entry in entries:
        operation, version = entry["operation"], entry["apiVersion"]
        name = Name(
            entry.get("manager", ""),
            operation,
            version if operation == UPDATE else "",
            entry.get("subresource", ""),
        )
        found[name] = Held(version, entry.get("fieldsV1") or NOTHING, entry.get("time", ""))
    return found


def checked(entries: Any) -> dict[Name, Held]:
    """The same of what a stranger sent. Raises ValueError."""
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError("managedFields must be a list of entries")
    made = []
    for index, entry in enumerate(entries):
        if entry.get("operation") not in (APPLY, UPDATE):
            raise ValueError("operation must be `Apply` or `Update`")
        texts = [entry.get(part, "") for part in ("manager", "apiVersion", "subresource", "time", "fieldsType")]
        if not all(isinstance(text, str) for text in texts):
            raise ValueError(f"entry {index} of managedFields has something else where a string should be")
        if not entry.get("apiVersion"):
            raise ValueError("apiVersion must not be empty")
        if entry.get("fieldsType") != "FieldsV1":
            raise ValueError(f"invalid fieldsType in managed fields entry {index}")
        if entry.get("time"):
            times.parse(entry["time"])
        made.append({**entry, "fieldsV1": fieldsets.checked(entry.get("fieldsV1") or {})})
    return read(made)


def is_reset(entries: Any) -> bool:
    """`[{}]` asks for everything to be forgotten."""
    return isinstance(entries, list) and entries == [{}]


def written(managers: Managers) -> list[JSON]:
    """As `metadata.managedFields` lists them."""
    entries = [_entry(name, held) for name, held in managers.items()]
    return sorted(entries, key=_place)


def same_but_for_time(one: list[JSON], other: list[JSON]) -> bool:
    return len(one) == len(other) and _timeless(one) == _timeless(other)


def updated(
    managers: Managers,
    difference: Callable[[str], Comparison | None],
    *,
    name: Name,
    now: datetime,
) -> dict[Name, Held]:
    """After `name`, an updater, made a change. `difference` says it in the words of a version, or None when nobody
    speaks that any more; who spoke it is forgotten."""
    own, before = difference(name.api_version), managers.get(name)
    result = _lost(managers, difference, but=name)
    if own is None or own == merging.SAME:
        return result
    mine = fieldsets.difference(before.fields, own.removed) if before else NOTHING
    taken = fieldsets.difference(own.taken, _IDENTITY)
    fields = fieldsets.union(mine, taken)
    result.pop(name, None)
    if fields:
        if before is None or fields != before.fields:
            fields = fieldsets.ordered(fields)
        time = times.format_seconds(now) if taken or before is None else before.time
        result[name] = Held(name.api_version, fields, time)
    return _capped(result)


@dataclass(frozen=True)
class Applying:
    """One manager's apply. `config` is in the words of `api_version`, and free of `merging.problems`."""

    manager: str
    api_version: str
    config: JSON
    versions: Versions
    now: datetime
    subresource: str = ""
    force: bool = False
    ignored: Fields = field(default_factory=dict)
    """What this way of writing never changes, with everything below: status, or all but status."""

    @property
    def name(self) -> Name:
        return Name(self.manager, APPLY, "", self.subresource)

    @property
    def shape(self) -> Shape:
        return self.versions.shape(self.api_version)


def applied(live: JSON, managers: Managers, call: Applying) -> tuple[JSON, dict[Name, Held]]:
    """`live` (in the words of the call's version, without managedFields) with the config merged into it, and who then
    manages what. Raises Conflict."""
    merged, mine = merging.merged(live, call.config, call.shape), merging.fields_of(call.config, call.shape)
    said = Held(call.api_version, fieldsets.without_trees(mine, call.ignored), times.format_seconds(call.now))
    mine = fieldsets.difference(said.fields, _IDENTITY)
    last = managers.get(call.name)
    after = dict(managers)
    # whoever takes out all of the metadata that was theirs has said the name, which nobody is noted for
    new = _pruned(merged, {**managers, call.name: said}, last, call) if last and last.fields else merged
    after[call.name] = replace(said, fields=fieldsets.ordered(mine))
    difference = _differences(live, new, call)
    if not call.force:
        _refuse_conflicts(after, difference, but=call.name)
    after = _lost(after, difference, but=call.name)
    if not mine:
        after.pop(call.name, None)
    return new, after


def differences(old: JSON, new: JSON, versions: Versions, *, ignored: Fields) -> Callable[[str], Comparison | None]:
    """What changed, in the words of any version."""
    known: dict[str, Comparison | None] = {}

    def difference(api_version: str) -> Comparison | None:
        if api_version not in known:
            before, after = versions.said(old, api_version), versions.said(new, api_version)
            known[api_version] = (
                None
                if before is None or after is None
                else merging.compare(before, after, versions.shape(api_version)).without(ignored)
            )
        return known[api_version]

    return difference


def _differences(old: JSON, new: JSON, call: Applying) -> Callable[[str], Comparison | None]:
    return differences(old, new, call.versions, ignored=call.ignored)


def _lost(managers: Managers, difference: Callable[[str], Comparison | None], *, but: Name | None) -> dict[Name, Held]:
    """Managers without what somebody else set or took away; who has nothing left is not listed any more."""
    result = {}
    for name, held in managers.items():
        changed = difference(held.api_version) if name != but else merging.SAME
        if changed is None:
            continue
        left = held.fields
        for part in changed:
            left = fieldsets.difference(left, part)
        if left or name == but:
            result[name] = held if left is held.fields else Held(held.api_version, left, held.time)
    return result


def _refuse_conflicts(managers: Managers, difference: Callable[[str], Comparison | None], *, but: Name) -> None:
    found = []
    for name, held in sorted(managers.items(), key=lambda item: item[0]):
        changed = difference(held.api_version)
        if name == but or changed is None:
            continue
        for path in fieldsets.members(fieldsets.intersection(held.fields, changed.taken)):
            found.append((name, path))
    if found:
        raise conflict(found)


class ManagersConflict(Conflict):
    """Fields that are to be applied are others'."""

    def __init__(self, message: str, found: list[tuple[Name, fieldsets.Path]], causes: tuple[Cause, ...]) -> None:
        super().__init__(message, causes=causes)
        self.found = found


def conflict(found: list[tuple[Name, fieldsets.Path]]) -> ManagersConflict:
    """In the words that kubectl prints its advice under."""
    causes = tuple(
        Cause(fieldsets.shown(path), f"conflict with {name.shown}", "FieldManagerConflict") for name, path in found
    )
    if len(found) == 1:
        [(name, path)] = found
        message = f"Apply failed with 1 conflict: conflict with {name.shown}: {fieldsets.shown(path)}"
        return ManagersConflict(message, found, causes)
    lines = []
    for name in dict.fromkeys(name for name, _ in found):
        lines.append(f"conflicts with {name.shown}:")
        lines += [f"- {fieldsets.shown(path)}" for other, path in found if other == name]
    return ManagersConflict(f"Apply failed with {len(found)} conflicts: " + "\n".join(lines), found, causes)


def _pruned(merged: JSON, managers: Managers, last: Held, call: Applying) -> JSON:
    """Without what the manager applied last time and does not any more, and nobody else has."""
    at_last = call.versions.said(merged, last.api_version)
    if at_last is None:
        return merged
    shape = call.versions.shape(last.api_version)
    gone = merging.with_named(last.fields, shape)
    pruned = merging.without(at_last, gone, shape)
    pruned = _with_owned(at_last, pruned, managers, call)
    pruned = _with_dangling(at_last, pruned, last, call)
    return call.versions.said(pruned, call.api_version) or merged


def _with_owned(merged: JSON, pruned: JSON, managers: Managers, call: Applying) -> JSON:
    """Puts back what some manager has, this one's new config included."""
    by_version: dict[str, Fields] = {}
    for held in managers.values():
        by_version[held.api_version] = fieldsets.union(by_version.get(held.api_version, NOTHING), held.fields)
    for api_version, owned in by_version.items():
        now_merged, now_pruned = call.versions.said(merged, api_version), call.versions.said(pruned, api_version)
        if now_merged is None or now_pruned is None:
            continue
        shape = call.versions.shape(api_version)
        kept = fieldsets.union(_named_fields(now_pruned, shape), merging.with_named(owned, shape))
        gone = fieldsets.difference(_named_fields(now_merged, shape), kept)
        merged, pruned = now_merged, merging.without(now_merged, gone, shape)
    return pruned


def _with_dangling(merged: JSON, pruned: JSON, last: Held, call: Applying) -> JSON:
    """Puts back what nobody has: only what this manager had goes."""
    at_last = call.versions.said(pruned, last.api_version)
    if at_last is None:
        return merged
    shape = call.versions.shape(last.api_version)
    missing = fieldsets.difference(_named_fields(merged, shape), _named_fields(at_last, shape))
    return merging.without(merged, fieldsets.intersection(missing, merging.with_named(last.fields, shape)), shape)


def _named_fields(obj: JSON, shape: Shape) -> Fields:
    return merging.with_named(merging.fields_of(obj, shape), shape)


def _entry(name: Name, held: Held) -> JSON:
    entry: JSON = {"manager": name.manager, "operation": name.operation, "apiVersion": held.api_version}
    if held.time:
        entry["time"] = held.time
    entry |= {"fieldsType": "FieldsV1", "fieldsV1": held.fields}
    if name.subresource:
        entry["subresource"] = name.subresource
    return entry


def _place(entry: JSON) -> tuple[str, ...]:
    return (
        entry["operation"],
        entry.get("time", ""),
        entry["manager"],
        entry["apiVersion"],
        entry.get("subresource", ""),
    )


def _timeless(entries: list[JSON]) -> list[JSON]:
    """In an order that does not depend on times."""
    bare = [{part: value for part, value in entry.items() if part != "time"} for entry in entries]
    return sorted(bare, key=_place)


def _capped(managers: dict[Name, Held]) -> dict[Name, Held]:
    """The updaters of longest ago fold into one for each version, until there are not too many."""
    updaters = [name for name in managers if name.operation == UPDATE]
    if len(updaters) <= MOST_UPDATERS:
        return managers
    result, left, first = dict(managers), len(updaters), dict[str, Name]()
    for name in sorted(updaters, key=lambda one: (managers[one].time, one)):
        if left <= MOST_UPDATERS:
            break
        version = name.api_version
        if version not in first:
            first[version] = name
            continue
        bucket = Name(ANCIENT, UPDATE, version)
        if bucket not in result:
            result[bucket] = result.pop(first[version])
        if name != bucket:
            folded = result.pop(name)
            fields = fieldsets.ordered(fieldsets.union(result[bucket].fields, folded.fields))
            result[bucket] = replace(folded, fields=fields)
            left -= 1
    return result
