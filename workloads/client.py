"""THE FRONT DOOR. kube API, console, controllers and tests come in here and nowhere else.

Every write goes the one way: authorize -> default -> validate -> pod specification -> quota -> budget -> store + log.
A `Client` sees exactly one account: its identity's. Objects are plain dicts as the API shows them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from iam.identities import Identity

JSON = dict[str, Any]
FieldValidation = Literal["Strict", "Warn", "Ignore"]
PatchType = Literal[
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
]


@dataclass(frozen=True)
class Answer:
    """What a write gives back. `warnings` become `Warning:` headers and notes on the page."""

    obj: JSON
    warnings: tuple[str, ...] = ()
    created: bool = False


@dataclass(frozen=True)
class Listing:
    """`items` in order of (namespace, name), as of `revision`. `remaining` is what `continue_token` will still give."""

    items: list[JSON]
    revision: int
    continue_token: str = ""
    remaining: int = 0


@dataclass(frozen=True)
class WriteOptions:
    dry_run: bool = False
    field_validation: FieldValidation = "Ignore"
    manager: str = "unknown"
    force: bool = False
    """Server-side apply only: take fields over from other managers."""
    duplicates: tuple[str, ...] = ()
    """Paths of keys that stood twice in the manifest's text; the decoder knows, the dict does not."""


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


@dataclass(frozen=True)
class Client:
    """The door, opened for one identity."""

    identity: Identity
    options: WriteOptions = field(default_factory=WriteOptions)

    def get(self, kind: str, name: str, namespace: str = "") -> JSON:
        """Raises NotFound, Forbidden."""
        raise NotImplementedError

    def list(
        self,
        kind: str,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        owner_uid: str | None = None,
        limit: int | None = None,
        continue_token: str = "",
    ) -> Listing:
        """`namespace=None` spans the account. Raises BadRequest on a bad selector, Expired on an old token."""
        raise NotImplementedError

    def create(self, kind: str, manifest: JSON, namespace: str = "", *, options: WriteOptions | None = None) -> Answer:
        """Raises Invalid, AlreadyExists, BadRequest, Forbidden, NotFound (no such namespace), QuotaReached."""
        raise NotImplementedError

    def update(
        self,
        kind: str,
        name: str,
        manifest: JSON,
        namespace: str = "",
        *,
        subresource: Literal["", "status", "scale"] = "",
        options: WriteOptions | None = None,
    ) -> Answer:
        """Replaces spec and metadata, or with `subresource="status"` status alone. With a resourceVersion in the
        manifest it is compare-and-set (Conflict); without, last one wins. An unchanged object writes nothing."""
        raise NotImplementedError

    def patch(
        self,
        kind: str,
        name: str,
        patch: JSON | Sequence[Any],
        patch_type: PatchType,
        namespace: str = "",
        *,
        subresource: Literal["", "status", "scale"] = "",
        options: WriteOptions | None = None,
    ) -> Answer:
        """Applies the patch to the newest object and retries on races unless the patch pins a resourceVersion.
        `application/apply-patch+yaml` creates what is missing."""
        raise NotImplementedError

    def delete(self, kind: str, name: str, namespace: str = "", *, options: DeleteOptions | None = None) -> JSON:
        """Marks or removes. Returns the object as it now is (with deletionTimestamp) or the last state when gone.
        Pods get `deletionGracePeriodSeconds` and are removed by the node tier when their containers have stopped
        (a controller identity with `grace_seconds=0` removes at once)."""
        raise NotImplementedError

    def delete_collection(
        self,
        kind: str,
        namespace: str,
        *,
        label_selector: str = "",
        field_selector: str = "",
        options: DeleteOptions | None = None,
    ) -> Listing:
        raise NotImplementedError

    def record_event(
        self, obj: JSON, *, type: Literal["Normal", "Warning"], reason: str, message: str, component: str
    ) -> None:
        """Writes or counts up the Event that `kubectl describe` shows under `obj`. Same (object, reason, message,
        component) folds into one Event with a count."""
        raise NotImplementedError

    def logs(self, namespace: str, pod: str, options: LogOptions) -> Iterator[bytes]:
        """Streams from the agent. Raises NotFound, BadRequest (container must be named; container is waiting)."""
        raise NotImplementedError

    def count(self, kind: str, namespace: str | None = None) -> int:
        raise NotImplementedError


def labels_of(obj: Mapping[str, Any]) -> dict[str, str]:
    return dict(obj.get("metadata", {}).get("labels") or {})
