"""Environment variables of a container in a form: one by one, and all keys of a ConfigMap or Secret at once.

Where a value comes from is one word, so that one list offers everything there is: `value` (typed), a key of FIELDS or
RESOURCES, or `configMap/<name>/<key>` and `secret/<name>/<key>`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from console.forms.drafts import JSON, FieldError, Fields, rows, text

VALUE = "value"
FIELDS = {
    "PodIP": "status.podIP",
    "PodName": "metadata.name",
    "Namespace": "metadata.namespace",
    "PodUID": "metadata.uid",
    "NodeName": "spec.nodeName",
    "HostIP": "status.hostIP",
    "ServiceAccount": "spec.serviceAccountName",
}
RESOURCES = {"LimitCPU": "limits.cpu", "LimitMemory": "limits.memory"}
BAGS = ("configMap", "secret")
"""How words that name a ConfigMap or a Secret begin."""


@dataclass(frozen=True)
class EnvDraft:
    name: str = ""
    source: str = VALUE
    value: str = ""

    @property
    def blank(self) -> bool:
        """A row that nobody filled in is no variable."""
        return self.source == VALUE and not (self.name or self.value)

    def manifest(self) -> JSON:
        if self.source in FIELDS:
            return {"name": self.name, "valueFrom": {"fieldRef": {"fieldPath": FIELDS[self.source]}}}
        if self.source in RESOURCES:
            return {"name": self.name, "valueFrom": {"resourceFieldRef": {"resource": RESOURCES[self.source]}}}
        if self.source == VALUE:
            return {"name": self.name, "value": self.value}
        bag, _sep, rest = self.source.partition("/")
        owner, _sep, key = rest.partition("/")
        return {"name": self.name, "valueFrom": {f"{bag}KeyRef": {"name": owner, "key": key}}}

    def problems(self) -> Iterator[FieldError]:
        if self.source not in (VALUE, *FIELDS, *RESOURCES) and self.source.partition("/")[0] not in BAGS:
            yield FieldError("source", _("Choose one of the list."))

    def field_of(self, rest: str) -> str:
        if rest.startswith("name"):
            return "name"
        return "value" if self.source == VALUE else "source"


@dataclass(frozen=True)
class EnvFromDraft:
    """`source` is `configMap/<name>` or `secret/<name>`."""

    source: str = ""
    prefix: str = ""

    @property
    def blank(self) -> bool:
        return not (self.source or self.prefix)

    def manifest(self) -> JSON:
        bag, _sep, name = self.source.partition("/")
        prefix: JSON = {"prefix": self.prefix} if self.prefix else {}
        return {**prefix, f"{bag}Ref": {"name": name}} if bag in BAGS else prefix

    def problems(self) -> Iterator[FieldError]:
        if self.source.partition("/")[0] not in BAGS:
            yield FieldError("source", _("Choose the ConfigMap or the Secret whose keys become variables."))

    def field_of(self, rest: str) -> str:
        return "prefix" if rest.startswith("prefix") else "source"


def variables(fields: Fields, prefix: str) -> Iterator[EnvDraft]:
    """Values keep the spaces around them."""
    for index in rows(fields, f"{prefix}env-"):
        row = f"{prefix}env-{index}-"
        yield EnvDraft(text(fields, row + "name"), text(fields, row + "source", VALUE), fields.get(row + "value", ""))


def sources(fields: Fields, prefix: str) -> Iterator[EnvFromDraft]:
    for index in rows(fields, f"{prefix}from-"):
        row = f"{prefix}from-{index}-"
        yield EnvFromDraft(text(fields, row + "source"), text(fields, row + "prefix"))
