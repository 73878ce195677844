"""Choosing objects: label selectors (`app=web,tier in (a,b),!old`), selector objects (matchLabels, matchExpressions)
and field selectors (`status.phase!=Running`).

Parsing raises SelectorError with a sentence; what was parsed matches in plain Python.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from workloads.meta import causes, names
from workloads.meta.errors import Cause

JSON = dict[str, Any]
Operator = Literal["in", "notin", "exists", "!", "gt", "lt"]


class SelectorError(ValueError):
    """Not a selector; the text is a sentence."""


@dataclass(frozen=True)
class Requirement:
    """One condition on one label. `=` and `==` are `in` with one value, `!=` is `notin` with one."""

    key: str
    operator: Operator
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """A label that is missing satisfies `notin` and `!`, as in Kubernetes."""
        value = labels.get(self.key)
        match self.operator:
            case "in":
                return value in self.values
            case "notin":
                return value not in self.values
            case "exists":
                return value is not None
            case "!":
                return value is None
            case _:
                return self._compares(value)

    def _compares(self, value: str | None) -> bool:
        if value is None or not re.fullmatch(r"-?\d{1,19}", value, re.ASCII):
            return False
        (bound,) = self.values
        return int(value) > int(bound) if self.operator == "gt" else int(value) < int(bound)

    def __str__(self) -> str:
        match self.operator:
            case "exists":
                return self.key
            case "!":
                return f"!{self.key}"
            case "gt" | "lt":
                return f"{self.key}{'>' if self.operator == 'gt' else '<'}{''.join(self.values)}"
        if len(self.values) == 1:
            return f"{self.key}{'=' if self.operator == 'in' else '!='}{''.join(self.values)}"
        return f"{self.key} {self.operator} ({','.join(sorted(self.values))})"


@dataclass(frozen=True)
class Selector:
    """All requirements must hold; with none, everything matches."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(requirement.matches(labels) for requirement in self.requirements)

    def __str__(self) -> str:
        """The selector as a query string, which `parse` reads back."""
        return ",".join(str(requirement) for requirement in self.requirements)

    def __bool__(self) -> bool:
        return bool(self.requirements)


def parse(text: str) -> Selector:
    """A label selector as `kubectl -l` and `?labelSelector=` give it. Raises SelectorError."""
    return Selector(tuple(_requirement(tokens) for tokens in _terms(text)))


def from_object(selector: JSON | None) -> Selector | None:
    """`spec.selector` of a Deployment: matchLabels and matchExpressions together. None (no selector) selects nothing
    and stays None; `{}` selects everything. The object must have passed `validate_object`."""
    if selector is None:
        return None
    labels = selector.get("matchLabels") or {}
    found = [Requirement(key, "in", frozenset({value})) for key, value in sorted(labels.items())]
    for expression in selector.get("matchExpressions") or []:
        operator = _OBJECT_OPERATORS[expression["operator"]]
        found.append(Requirement(expression["key"], operator, frozenset(expression.get("values") or ())))
    return Selector(tuple(found))


def validate_object(selector: JSON, field: str) -> list[Cause]:
    """All that is wrong with a selector object standing at `field`."""
    found = []
    for key, value in (selector.get("matchLabels") or {}).items():
        found += [causes.invalid(f"{field}.matchLabels", key, text) for text in names.qualified_name(key)]
        found += [causes.invalid(f"{field}.matchLabels", value, text) for text in names.label_value(value)]
    for index, expression in enumerate(selector.get("matchExpressions") or []):
        found += _expression_causes(expression, f"{field}.matchExpressions[{index}]")
    return found


@dataclass(frozen=True)
class FieldRequirement:
    field: str
    equals: bool
    value: str


@dataclass(frozen=True)
class FieldSelector:
    """All requirements must hold; with none, everything matches."""

    requirements: tuple[FieldRequirement, ...] = ()

    def matches(self, value_of: Callable[[str], str]) -> bool:
        """`value_of(field)` gives the object's value, "" where it has none."""
        return all((value_of(term.field) == term.value) is term.equals for term in self.requirements)

    def exact(self, field: str) -> str | None:
        """The value `field` must have, if the selector pins it: a list can then look up instead of filter."""
        for term in self.requirements:
            if term.field == field and term.equals:
                return term.value
        return None

    def __bool__(self) -> bool:
        return bool(self.requirements)


def parse_fields(text: str, supported: Collection[str]) -> FieldSelector:
    """A field selector as `?fieldSelector=` gives it; a backslash escapes `,`, `=` and itself. Raises SelectorError,
    also for a field that is not in `supported`."""
    found = []
    for term in _split_unescaped(text):
        if not term.strip():
            continue
        match = _FIELD_TERM.fullmatch(term.strip())
        if not match:
            raise SelectorError(f"invalid field selector: {_quoted(term)}; can't understand it: write field=value")
        field, operator, value = match.groups()
        if field not in supported:
            raise SelectorError(f"field label not supported: {field}; supported are: {', '.join(sorted(supported))}")
        found.append(FieldRequirement(field, operator != "!=", _unescaped(value, term)))
    return FieldSelector(tuple(found))


_OBJECT_OPERATORS: dict[str, Operator] = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}
_TOKEN = re.compile(r"\s*(==|!=|[=!(),<>]|[^\s=!(),<>]+)")
_FIELD_TERM = re.compile(r"([^=!\\]+)(==|=|!=)((?:[^=\\]|\\.)*)", re.DOTALL)
_MAX_LENGTH = 64 * 1024
_VALUED = {"=": "in", "==": "in", "!=": "notin", ">": "gt", "<": "lt"}


def _terms(text: str) -> list[list[str]]:
    """The tokens of each requirement, split at the commas outside parentheses."""
    tokens = _tokens(text)
    terms: list[list[str]] = [[]]
    depth = 0
    for part in tokens:
        depth += (part == "(") - (part == ")")
        if part == "," and depth == 0:
            terms.append([])
        else:
            terms[-1].append(part)
    if terms == [[]]:
        return []
    return terms


def _tokens(text: str) -> list[str]:
    if len(text) > _MAX_LENGTH:
        raise SelectorError(f"unable to parse requirement: a selector may have at most {_MAX_LENGTH} characters")
    return _TOKEN.findall(text)


def _requirement(tokens: list[str]) -> Requirement:
    match tokens:
        case ["!", key] if _word(key):
            return _checked(Requirement(key, "!"))
        case [key] if _word(key):
            return _checked(Requirement(key, "exists"))
        case [key, ("=" | "==" | "!=" | ">" | "<") as sign, *rest] if _word(key) and _is_value(rest):
            operator: Any = _VALUED[sign]
            return _checked(Requirement(key, operator, frozenset({"".join(rest)})))
        case [key, ("in" | "notin") as word, "(", *inner, ")"] if _word(key):
            operator = word
            return _checked(Requirement(key, operator, frozenset(_set(inner, tokens))))
    raise _misread(tokens)


def _word(part: str) -> bool:
    return not set(part) & set("=!(),<>")


def _is_value(tokens: list[str]) -> bool:
    """One word, or nothing at all: `app=` asks for the empty value."""
    return not tokens or (len(tokens) == 1 and _word(tokens[0]))


def _set(inner: list[str], tokens: list[str]) -> list[str]:
    """The values between the parentheses; two commas in a row hold an empty value, as upstream."""
    values = [""]
    for part in inner:
        if part == ",":
            values.append("")
        elif _word(part) and not values[-1]:
            values[-1] = part
        else:
            raise _misread(tokens)
    return values


def _misread(tokens: list[str]) -> SelectorError:
    return SelectorError(
        f"unable to parse requirement: {_quoted(' '.join(tokens))} is none of key, !key, key=value, key==value, "
        "key!=value, key in (a,b), key notin (a,b), key>1, key<1"
    )


def _checked(requirement: Requirement) -> Requirement:
    problems = [f"{_quoted(requirement.key)}: {text}" for text in names.qualified_name(requirement.key)]
    for value in requirement.values:
        problems += [f"values: {_quoted(value)}: {text}" for text in names.label_value(value)]
        if requirement.operator in ("gt", "lt") and not re.fullmatch(r"-?\d{1,19}", value, re.ASCII):
            problems.append(f"values: {_quoted(value)}: for '>' and '<' the value must be an integer")
    if problems:
        raise SelectorError(f"unable to parse requirement: {problems[0]}")
    return requirement


def _expression_causes(expression: JSON, field: str) -> list[Cause]:
    operator, values = expression.get("operator", ""), expression.get("values") or []
    key = expression.get("key", "")
    found = [causes.invalid(f"{field}.key", key, text) for text in names.qualified_name(key)]
    if operator not in _OBJECT_OPERATORS:
        return [*found, causes.unsupported(f"{field}.operator", operator, _OBJECT_OPERATORS)]
    if operator in ("In", "NotIn") and not values:
        found.append(causes.required(f"{field}.values", "must be specified when `operator` is 'In' or 'NotIn'"))
    if operator in ("Exists", "DoesNotExist") and values:
        found.append(
            causes.forbidden(f"{field}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
        )
    for index, value in enumerate(values):
        found += [causes.invalid(f"{field}.values[{index}]", value, text) for text in names.label_value(value)]
    return found


def _split_unescaped(text: str) -> list[str]:
    return re.findall(r"(?:[^,\\]|\\.|\\$)+", text, re.DOTALL)


def _unescaped(value: str, term: str) -> str:
    if re.search(r"\\(?![\\,=])", re.sub(r"\\\\", "", value)):
        raise SelectorError(f"invalid field selector: {_quoted(term)}: a backslash may only stand before , = and \\")
    return re.sub(r"\\([\\,=])", r"\1", value)


def _quoted(text: str) -> str:
    return causes.shown(text)
