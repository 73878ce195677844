"""What a list chooses by, in the store's own words, so that rows it leaves out are not loaded. All of it stands in the
index `object_summary`: choosing among 100,000 rows touches no object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection

from workloads.meta import selectors
from workloads.meta.selectors import Requirement


@dataclass(frozen=True)
class Sieve:
    """What is empty leaves nothing out. What stands in one tuple is an or, all of them together an and."""

    phases: tuple[str, ...] = ()
    not_phases: tuple[str, ...] = ()
    health: tuple[str, ...] = ()
    owner_kinds: tuple[str, ...] = ()
    """"" is of what nobody owns."""
    name_part: str = ""
    labels: tuple[Requirement, ...] = ()
    """Not `gt` and `lt`; see `of_labels`."""

    def __bool__(self) -> bool:
        return self != _ALL

    @property
    def terms(self) -> tuple[list[str], list[Any]]:
        """Conditions for a WHERE, and their values."""
        terms, values = list[str](), list[Any]()
        for column, wanted in (("phase", self.phases), ("health", self.health), ("owner_kind", self.owner_kinds)):
            if wanted:
                terms.append(f"{column} IN ({', '.join(['%s'] * len(wanted))})")
                values += wanted
        if self.not_phases:
            terms.append(f"phase NOT IN ({', '.join(['%s'] * len(self.not_phases))})")
            values += self.not_phases
        if self.name_part:
            terms.append(_HAS[connection.vendor].format("name"))
            values.append(self.name_part)
        for one in self.labels:
            term, more = _label(one)
            terms.append(term)
            values += more
        return terms, values


_ALL = Sieve()
_HAS = {"sqlite": "instr({}, %s) > 0", "postgresql": "position(%s in {}) > 0"}


def of_labels(selector: selectors.Selector) -> tuple[Requirement, ...]:
    """Those of its requirements that the store can ask."""
    return tuple(one for one in selector.requirements if one.operator not in ("gt", "lt"))


def _label(one: Requirement) -> tuple[str, list[Any]]:
    """The column is JSON without spaces, and neither keys nor values have a character that JSON would write in another
    way: a pair stands in it as it is, and nowhere else."""
    has = _HAS[connection.vendor].format("labels")
    if one.operator in ("exists", "!"):
        return (has if one.operator == "exists" else f"NOT ({has})"), [f'"{one.key}":']
    pairs = [f'"{one.key}":"{value}"' for value in sorted(one.values)]
    if one.operator == "in" and len(pairs) == 1 and connection.vendor == "postgresql":
        return "labels::jsonb @> %s::jsonb", [f"{{{pairs[0]}}}"]
    some = f"({' OR '.join([has] * len(pairs))})"
    return (some if one.operator == "in" else f"NOT {some}"), list(pairs)
