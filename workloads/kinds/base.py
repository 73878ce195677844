"""What a kind is: one registry entry says everything the rest of the product needs to know about it.

A module of this package describes one family (pods, deployments, ...) and registers its kinds. Nothing here does I/O.

An object goes through a kind in this order: `schemas.check` (unknown fields, wrong types), `schemas.prune` (only known
fields, no nulls), `Kind.default`, `Kind.prepare`, `Kind.validate`. Each step may rely on those before it: `validate`
need not ask whether a list is a list or a default is there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from workloads.meta.errors import Cause

JSON = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """One column of the Table that `kubectl get` prints. `cell(obj, now)` gives str, int or bool."""

    name: str
    cell: Callable[[JSON, float], str | int | bool]
    type: str = "string"
    format: str = ""
    description: str = ""
    priority: int = 0
    """0 is always shown, 1 only with `-o wide`."""


@dataclass(frozen=True)
class Facts:
    """What the store keeps in columns beside the bytes."""

    phase: str = ""
    node: str = ""
    """Where it is: a pod's node, a Service's address."""
    about: str = ""
    """uid of what an object is about that has no owner: an Event's."""
    health: str = ""
    """How it does, in a word of `kinds.health`."""
    images: str = ""
    """Those that a pod's containers name, as `images.of_pod` writes them."""


@dataclass(frozen=True)
class Conversion:
    """How another version of a kind's own group says the same. Pure; neither changes what it is given."""

    schema: str
    shown: Callable[[JSON], JSON]
    """From the stored object to that version's."""
    stored: Callable[[JSON], JSON]
    """Back: metadata and spec. Raises BadRequest."""


@dataclass(frozen=True)
class Kind:
    """`name` is unique over all groups served and is the `kind` of a Key."""

    name: str
    plural: str
    group: str
    version: str
    schema: str
    """Definition name in the OpenAPI document, e.g. `io.k8s.api.apps.v1.Deployment`."""
    singular: str = ""
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = (
        "create",
        "delete",
        "deletecollection",
        "get",
        "list",
        "patch",
        "update",
        "watch",
    )
    subresources: tuple[str, ...] = ()
    """Of `status`, `scale`, `log`, ..."""
    also_served_as: tuple[tuple[str, str], ...] = ()
    """Other (group, version) pairs that show the same objects."""
    conversions: dict[str, Conversion] = field(default_factory=dict)
    """By apiVersion, for those of them whose fields differ."""
    noun: str = ""
    """The IAM noun: `cci:<noun>:<verb>`. Empty: the singular."""
    columns: tuple[Column, ...] = ()
    default: Callable[[JSON], None] = lambda obj: None
    """Fills defaults in place; must be idempotent."""
    validate: Callable[[JSON, JSON | None], list[Cause]] = lambda obj, old: []
    """All that is wrong with `obj`, `old` being what it replaces (None on create). Pure."""
    prepare: Callable[[JSON, JSON | None], None] = lambda obj, old: None
    """On create (`old` None) sets the initial status; on update drops what users may not set."""
    facts: Callable[[JSON], Facts] = lambda obj: Facts()
    has_generation: bool = True
    made_by_update: bool = False
    """A PUT makes what is not there."""
    needs_revision: bool = False
    """A PUT must say which revision it replaces."""
    is_confidential: bool = False
    """What it holds is never quoted, not even in the error that refuses it."""
    deprecation: str = ""
    """What everybody who uses it through the API is warned of."""
    own_conditions: frozenset[str] = frozenset()
    """Types of conditions that only the service writes; users may write others. Empty: the status is the service's."""
    fixed: tuple[JSON, ...] = ()
    """Objects that are there in every account and lie in no store: a kind that has some can be read, not written."""
    is_told: bool = False
    """Its objects are made from what the agent says of its host, for whoever asks; read, never written."""
    field_selectors: dict[str, Callable[[JSON], str]] = field(default_factory=dict)
    """Beyond `metadata.name` and `metadata.namespace`: path -> value."""
    phase_field: str = ""
    """Which of them says what the store keeps as `phase`, if one does."""

    @property
    def is_fixed(self) -> bool:
        """Whether its objects lie in no store."""
        return bool(self.fixed) or self.is_told

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def api_versions(self) -> tuple[str, ...]:
        """All that its objects may be written as, its own first."""
        others = (f"{group}/{version}" if group else version for group, version in self.also_served_as)
        return self.api_version, *others

    def shown(self, obj: JSON, api_version: str) -> JSON:
        """`obj` as `api_version`, one of those it is served as, says it."""
        if api_version == self.api_version:
            return obj
        conversion = self.conversions.get(api_version)
        return conversion.shown(obj) if conversion else {**obj, "apiVersion": api_version}

    def schema_of(self, api_version: str) -> str:
        conversion = self.conversions.get(api_version)
        return conversion.schema if conversion else self.schema

    @property
    def resource(self) -> str:
        """`deployments.apps`, `pods`: as errors name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural
