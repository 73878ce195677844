"""Pods as the log tells of them, and the log itself: the real store's table, written without the control plane."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import orjson

from billing import instants
from billing.instants import Instant
from workloads.meta.keys import Key, Uid
from workloads.store.changes import ChangeType, Entry

START = instants.parse("2026-02-03T10:09:06.000000Z")
SECOND = instants.SECOND


def at(text: str) -> Instant:
    """`at("10:09:06")` on the day of the tests."""
    return instants.parse(f"2026-02-03T{text}Z")


@dataclass
class Pod:
    """A pod's life as the log shows it. Marks are set by the test; `entry` takes a picture."""

    uid: str = "11111111-1111-1111-1111-111111111111"
    name: str = "web-1"
    namespace: str = "shop"
    account: str = "acme"
    specification: str = "2.00_4.0"
    owner: dict[str, Any] | None = None
    marks: dict[str, Instant] = field(default_factory=dict)
    restarts: int = 0
    terminated_at: Instant | None = None
    cards: dict[str, str] = field(default_factory=dict)

    def object(self) -> dict[str, Any]:
        metadata: dict[str, Any] = {
            "name": self.name,
            "namespace": self.namespace,
            "uid": self.uid,
            "annotations": {"resource.cci.io/pod-size-specs": self.specification},
        }
        if self.owner:
            metadata["ownerReferences"] = [{**self.owner, "controller": True, "apiVersion": "apps/v1"}]
        state: dict[str, Any] = {"running": {}}
        if self.terminated_at is not None:
            state = {"terminated": {"finishedAt": instants.text(self.terminated_at)}}
        status = {
            "lifecycle": {name: instants.text(mark) for name, mark in self.marks.items()},
            "containerStatuses": [
                {"name": "app", "containerID": "docker://c0ffee", "restartCount": self.restarts, "state": state}
            ],
        }
        spec = {"containers": [{"name": "app", "resources": {"limits": self.cards}}]}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}

    def entry(self, type: ChangeType, *, revision: int, at: Instant = START) -> Entry:
        return Entry(
            revision=revision,
            type=type,
            key=Key(self.account, "Pod", self.namespace, self.name),
            uid=Uid(self.uid),
            data=orjson.dumps(self.object()),
            previous=None,
            at=instants.moment(at),
        )


class Log:
    """Appends to the real log."""

    def __init__(self) -> None:
        self.revisions = itertools.count(1)
        self.entries: list[Entry] = []

    def add(self, pod: Pod, *, at: Instant = START) -> None:
        self.write(pod.entry("ADDED", revision=next(self.revisions), at=at))

    def change(self, pod: Pod, *, at: Instant = START, **marks: Instant) -> None:
        pod.marks.update(marks)
        self.write(pod.entry("MODIFIED", revision=next(self.revisions), at=at))

    def delete(self, pod: Pod, *, at: Instant = START, **marks: Instant) -> None:
        pod.marks.update(marks)
        self.write(pod.entry("DELETED", revision=next(self.revisions), at=at))

    def own(self, kind: str, uid: str, owner: dict[str, Any], *, account: str = "acme") -> None:
        metadata = {"name": "x", "uid": uid, "ownerReferences": [{**owner, "controller": True}]}
        key = Key(account, kind, "shop", "x")
        data = orjson.dumps({"kind": kind, "metadata": metadata})
        self.write(Entry(next(self.revisions), "ADDED", key, Uid(uid), data, None, instants.moment(START)))

    def write(self, entry: Entry) -> None:
        from workloads.store.models import Change

        Change.objects.create(
            revision=entry.revision, type=entry.type, uid=entry.uid, data=entry.data, at=entry.at, **entry.key._asdict()
        )
        self.entries.append(entry)
