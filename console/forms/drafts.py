"""What every draft has: its fields, its manifests, and the way back from an error's path to a field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from workloads.meta.errors import Cause

JSON = dict[str, Any]
Fields = Mapping[str, str]
"""What the browser posted: one text a name."""


class Draft(Protocol):
    """A form's content, valid or not. Nothing a person typed is lost by reading it."""

    def manifests(self) -> list[JSON]:
        """What will be sent, in order."""

    def problems(self) -> list[FieldError]:
        """What the server could not even be asked: text that is no number, an unclosed quotation mark."""

    def field_of(self, path: str) -> str:
        """The field at which an error with this path is shown; "" for the head of the form."""


@dataclass(frozen=True)
class FieldError:
    field: str
    message: str


def placed(draft: Draft, causes: Iterable[Cause]) -> list[FieldError]:
    """Every cause at its field, once: a rule that stands on two paths of one field is said one time."""
    found = [FieldError(draft.field_of(cause.field), cause.message) for cause in causes]
    return list(dict.fromkeys(found))


def by_field(errors: Iterable[FieldError]) -> dict[str, list[str]]:
    """For templates: field name -> its sentences, in order."""
    grouped: dict[str, list[str]] = {}
    for error in errors:
        grouped.setdefault(error.field, []).append(error.message)
    return grouped


def text(fields: Fields, name: str, default: str = "") -> str:
    return fields.get(name, default).strip()


def whole(fields: Fields, name: str, label: str, default: int) -> tuple[int, list[FieldError]]:
    """A whole number, or the default and what to do about it."""
    value = text(fields, name)
    if not value:
        return default, []
    try:
        return int(value), []
    except ValueError:
        return default, [FieldError(name, f"{label} is a whole number; “{value}” is not. Write digits only.")]
