"""What every draft has: its fields, its manifests, and the way back from an error's path to a field."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from console.lowerwords import said
from workloads.meta.errors import Cause

JSON = dict[str, Any]
Fields = Mapping[str, str]
"""What the browser posted: one text a name."""

_ECHOES = (
    "metadata.labels[app]",
    "metadata.labels[kubernetes.io/metadata.name]",
    "spec.selector",
    "spec.template.metadata.labels",
    "spec.jobTemplate.spec.template.metadata.labels",
)
"""Where a name is written once more by the form itself: what is wrong there is said of the name already."""
_ASKED = re.compile(r"(?:Invalid|Unsupported) value: (?:\"(?:[^\"\\]|\\.)*\"|[^:]*): ", re.DOTALL)
_PATTERN = re.compile(r",? regex used for validation is '.*'(?=\))")


class Places(Protocol):
    """Knows at which field an error is shown."""

    def field_of(self, path: str) -> str:
        """The field of an error with this path; "" for the head of the form."""


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


@dataclass(frozen=True)
class Whole:
    """A whole number as it was typed; nothing typed is the default."""

    typed: str
    default: int

    @classmethod
    def read(cls, fields: Fields, name: str, default: int) -> Whole:
        return cls(text(fields, name), default)

    def __str__(self) -> str:
        return self.typed or str(self.default)

    @property
    def readable(self) -> bool:
        return re.fullmatch(r"-?[0-9]{1,9}", str(self)) is not None

    @property
    def value(self) -> int:
        """The default while what is typed is no number."""
        return int(str(self)) if self.readable else self.default

    def asked(self, name: str) -> JSON:
        """`{name: number}` when something is typed; what nobody typed is left to the control plane's own default."""
        return {name: self.value} if self.typed else {}

    def problems(self, name: str, label: str | Promise) -> list[FieldError]:
        if self.readable:
            return []
        said = _("%(label)s is a whole number of at most 9 digits; “%(typed)s” is not. Write digits only.")
        if len(self.typed) >= 40:
            said = _("%(label)s is a whole number of at most 9 digits; this is not. Write digits only.")
        return [FieldError(name, said % {"label": label, "typed": self.typed})]


def placed(draft: Places, causes: Iterable[Cause]) -> list[FieldError]:
    """Every cause at its field, once: a rule that stands on two paths of one field is said one time."""
    found = list(causes)
    direct = [cause for cause in found if not cause.field.startswith(_ECHOES)]
    return list(dict.fromkeys(FieldError(draft.field_of(cause.field), spoken(cause)) for cause in direct or found))


def together(problems: list[FieldError], refusals: Iterable[FieldError]) -> list[FieldError]:
    """What the form finds and what the server finds: one answer tells all. At a field the form's own word is enough."""
    said = {problem.field for problem in problems}
    return problems + [refusal for refusal in refusals if refusal.field not in said]


def spoken(cause: Cause) -> str:
    """The rule and the remedy, as a sentence beside the value they are about: kubectl's own words without the value and
    without the pattern behind them."""
    rule = _PATTERN.sub("", _ASKED.sub("", cause.message, count=1))
    return said(rule[:1].upper() + rule[1:])


def by_field(errors: Iterable[FieldError]) -> dict[str, list[str]]:
    """For templates: field name -> its sentences, in order."""
    grouped: dict[str, list[str]] = {}
    for error in errors:
        grouped.setdefault(error.field, []).append(error.message)
    return grouped


def text(fields: Fields, name: str, default: str = "") -> str:
    """Without NUL, which no store takes."""
    return fields.get(name, default).replace("\0", "").strip()


def rows(fields: Fields, prefix: str) -> list[int]:
    """The numbers of the rows that were posted as `<prefix><number>-<field>`."""
    pattern = re.compile(re.escape(prefix) + r"([0-9]{1,4})-")
    return sorted({int(match[1]) for name in fields if (match := pattern.match(name))})


def words(typed: str) -> list[str]:
    """A command as a shell splits it; one word while it is unfinished."""
    try:
        return shlex.split(typed)
    except ValueError:
        return [typed]


def words_problems(typed: str, field: str) -> Iterator[FieldError]:
    try:
        shlex.split(typed)
    except ValueError as error:
        said = _("%(error)s: words are split as in a shell, so close every quotation mark.")
        yield FieldError(field, said % {"error": str(error).rstrip(".")})


def gib(typed: str) -> str:
    """`2` and `2.0` are GiB; whatever carries a unit stays as typed."""
    if not re.fullmatch(r"[0-9]*\.?[0-9]+", typed):
        return typed
    return f"{typed.rstrip('0').rstrip('.') if '.' in typed else typed}Gi"
