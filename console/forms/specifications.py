"""A row of the grid of pod specifications as an operator types it. The rules are the grid's own."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime

from django.utils.translation import gettext as _

from console.forms.drafts import FieldError, Fields, text
from console.lowerwords import said
from workloads.client import Numbered
from workloads.kinds import gridtexts
from workloads.kinds.grids import GENERAL, Row
from workloads.kinds.gridtexts import FIELDS, Unreadable


@dataclass(frozen=True)
class RowDraft:
    """`since` is what the browser's own field for a time gives, read as UTC; empty for at once."""

    flavor: str = GENERAL
    cpu: str = ""
    step: str = "0.25"
    memory: str = ""
    ratio: str = ""
    gpu: str = ""
    gpus: str = ""
    since: str = ""

    @classmethod
    def read(cls, given: Fields) -> RowDraft:
        return cls(**{field.name: text(given, field.name, str(field.default)) for field in fields(cls)})

    @classmethod
    def of(cls, one: Numbered) -> RowDraft:
        """As it stands, from the hour at which it will begin, if that is to come."""
        since = f"{one.since:%Y-%m-%dT%H:%M}" if one.state(datetime.now(UTC)) == "coming" else ""
        return cls(**gridtexts.fields_of(one.row), since=since)

    def problems(self) -> list[FieldError]:
        """What cannot even be read."""
        found = []
        try:
            self.row()
        except Unreadable as wrong:
            found.append(FieldError(wrong.field or "cpu", sentence(str(wrong))))
        return found + moment_problems(self.since)

    def row(self) -> Row:
        """Raises Unreadable."""
        return gridtexts.row_of({name: getattr(self, name) for name in FIELDS})


def sentence(rule: str) -> str:
    """A rule of the grid's own, in the page's language."""
    return said(f"{rule[:1].upper()}{rule[1:]}.")


def moment_of(typed: str) -> datetime | None:
    """None for nothing, and for what is no time (`moment_problems`)."""
    try:
        found = datetime.fromisoformat(typed)
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def moment_problems(typed: str) -> list[FieldError]:
    if not typed or moment_of(typed) is not None:
        return []
    return [FieldError("since", _("Give a day and a time, in UTC, or nothing for at once."))]
