"""How endpoints are laid out in slices of at most a hundred, with as few slices changed as can be. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from workloads.controllers.endpoints.behind import Ports, frozen, thawed

JSON = dict[str, Any]

MOST = 100
"""Endpoints in a slice."""


@dataclass
class Plan:
    """What becomes of the slices there are, and what has to be added. `written` are whole contents, by name."""

    written: dict[str, JSON] = field(default_factory=dict)
    created: list[JSON] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)


@dataclass
class _Slice:
    name: str
    ports: Ports
    endpoints: list[JSON]
    was: list[JSON]

    @property
    def room(self) -> int:
        return MOST - len(self.endpoints)

    @property
    def is_changed(self) -> bool:
        return self.endpoints != self.was


def plan(wanted: Mapping[Ports, list[JSON]], existing: Iterable[JSON], *, empty: bool = True) -> Plan:
    """`wanted` are endpoints by their ports. `empty`: without any, one slice without endpoints stands for that."""
    known = [_Slice(_name(one), frozen(one.get("ports") or ()), [], list(one["endpoints"])) for one in existing]
    created: list[JSON] = []
    for ports, endpoints in wanted.items():
        created += _laid_out(ports, endpoints, [one for one in known if one.ports == ports])
    used = [one for one in known if one.endpoints]
    spare = [one for one in known if not one.endpoints]
    result = Plan(written={one.name: content(one.ports, one.endpoints) for one in used if one.is_changed})
    if empty and not used and not created:
        created.append(content((), []))
    for new in created:
        if spare:
            old = spare.pop(0)
            if new != content(old.ports, old.was):
                result.written[old.name] = new
        else:
            result.created.append(new)
    result.deleted = [one.name for one in spare]
    return result


def content(ports: Ports, endpoints: list[JSON]) -> JSON:
    return {"ports": thawed(ports), "endpoints": endpoints} if ports else {"endpoints": endpoints}


def _laid_out(ports: Ports, endpoints: list[JSON], known: list[_Slice]) -> Iterator[JSON]:
    """Everybody stays where they are; who is new goes where there is room, first where something changes anyway."""
    waiting = {_who(one): one for one in endpoints}
    for one in known:
        one.endpoints = [waiting.pop(_who(had)) for had in one.was if _who(had) in waiting]
    new = list(waiting.values())
    for one in sorted(known, key=lambda one: (not one.is_changed, one.room)):
        if one.endpoints:
            one.endpoints, new = one.endpoints + new[: one.room], new[one.room :]
    for start in range(0, len(new), MOST):
        yield content(ports, new[start : start + MOST])


def _who(endpoint: JSON) -> tuple[str, ...]:
    return (endpoint.get("targetRef") or {}).get("uid", ""), *endpoint["addresses"]


def _name(slice: JSON) -> str:
    return str(slice["metadata"]["name"])
