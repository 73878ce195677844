"""The words of a call: what a verb is asked with and what it answers. `workloads.client` hands them on to callers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Literal

import orjson

from workloads.meta import wire
from workloads.store.objects import Joined, Row

JSON = dict[str, Any]
FieldValidation = Literal["Strict", "Warn", "Ignore"]
Subresource = Literal["", "status", "scale", "finalize"]
PatchType = Literal[
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
]


@dataclass(frozen=True)
class Answer:
    """What a write gives back. `warnings` become `Warning:` headers and notes on the page."""

    written: JSON | bytes = field(repr=False)
    """The object, or its stored bytes: who only passes it on need not read it."""
    warnings: tuple[str, ...] = ()
    created: bool = False

    @cached_property
    def obj(self) -> JSON:
        return wire.load(self.written) if isinstance(self.written, bytes) else self.written

    @property
    def data(self) -> bytes:
        return self.written if isinstance(self.written, bytes) else orjson.dumps(self.written)


@dataclass(frozen=True)
class Listing:
    """`items` in order of (namespace, name), as of `revision`. `remaining` is what `continue_token` will still give,
    or 0 where a selector makes that unknown."""

    items: list[JSON]
    revision: int
    continue_token: str = ""
    remaining: int = 0


@dataclass(frozen=True)
class Rows:
    """A `Listing` whose items are still the stored bytes: what the kube API joins into its answer."""

    rows: list[Row]
    revision: int
    continue_token: str = ""
    remaining: int = 0
    joined: Joined | None = None
    """Of all of them, where somebody may have joined them already."""


@dataclass(frozen=True)
class Freshness:
    """Of when an answer may be. By itself: of now, every write included that was answered before."""

    at_least: int | None = None
    """Not older than this revision; 0: any will do."""
    exactly: int | None = None
    """As it was at this revision."""


NEWEST = Freshness()


@dataclass(frozen=True)
class HostImage:
    """An image that a pod can start without a pull. `name` carries its tag."""

    name: str
    size_bytes: int


@dataclass(frozen=True)
class WriteOptions:
    dry_run: bool = False
    field_validation: FieldValidation = "Ignore"
    manager: str = "unknown"
    force: bool = False
    """Server-side apply only: take fields over from other managers."""
    has_applied: bool = False
    """What is written comes from an apply, which has worked out who manages what."""
    duplicates: tuple[str, ...] = ()
    """Paths of keys that stood twice in the manifest's text; the decoder knows, the dict does not."""
    doubts: tuple[str, ...] = ()
    """What else a strict decoder says of the text, as sentences."""
    api_version: str = ""
    """What the caller speaks, where a kind is served as several; "" is the stored one."""


@dataclass(frozen=True)
class DeleteOptions:
    grace_seconds: int | None = None
    propagation: Literal["Background", "Foreground", "Orphan"] | None = None
    uid: str | None = None
    resource_version: str | None = None
    dry_run: bool = False


@dataclass(frozen=True)
class LogOptions:
    container: str = ""
    follow: bool = False
    tail: int | None = None
    since: datetime | None = None
    timestamps: bool = False
    previous: bool = False
    limit_bytes: int | None = None
    attempt: int | None = None
    """This one, whether it is the newest or not. No option of Kubernetes' own."""


@dataclass(frozen=True)
class LogTarget:
    """Where the agent streams one container's log: a GET over the Unix socket."""

    socket: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True)
class ExecOptions:
    """For exec and attach (whose command is the container's own)."""

    command: tuple[str, ...] = ()
    container: str = ""
    """"": the pod's default, or its first."""
    stdin: bool = False
    stdout: bool = True
    stderr: bool = True
    tty: bool = False


@dataclass(frozen=True)
class SessionTarget:
    """Where the agent opens a session, and what it is asked for."""

    socket: str
    order: Mapping[str, Any]


@dataclass(frozen=True)
class ContainerFigure:
    """What one running container uses."""

    name: str
    cpu_nanocores: int
    memory_bytes: int


@dataclass(frozen=True)
class UsageStep:
    """What pods together used in the time from `at` on: nanocores, bytes, or bytes a second."""

    at: datetime
    average: float
    least: float
    most: float

    def __add__(self, other: UsageStep) -> UsageStep:
        """Of more pods. That all of them used most at the same moment is not known: `most` is no less than it was."""
        return UsageStep(self.at, self.average + other.average, self.least + other.least, self.most + other.most)


@dataclass(frozen=True)
class UsageHistory:
    """What some pods used together; `uids` are those that were measured. Times that nobody measured have no step."""

    step: timedelta
    uids: frozenset[str]
    cpu: Sequence[UsageStep]
    memory: Sequence[UsageStep]
    received: Sequence[UsageStep]
    sent: Sequence[UsageStep]


@dataclass(frozen=True)
class PodFigures:
    """What a running pod uses: CPU over the `window` that ended at `at`, memory as it was then."""

    namespace: str
    name: str
    uid: str
    labels: Mapping[str, str]
    at: datetime
    window: timedelta
    containers: tuple[ContainerFigure, ...]

    @property
    def cpu_nanocores(self) -> int:
        return sum(one.cpu_nanocores for one in self.containers)

    @property
    def memory_bytes(self) -> int:
        return sum(one.memory_bytes for one in self.containers)
