"""One look at one Deployment: find or make its new ReplicaSet, size them all, say how it stands.

Nothing is remembered between looks. A ReplicaSet's name is computed from its template, so a second try finds what the
first one made; every size is computed anew from what the store holds, and written only if nobody wrote meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from workloads.client import Client, DeleteOptions
from workloads.controllers import hands, owners
from workloads.controllers.base import Controller, Result
from workloads.controllers.deployments import progress, revisions, rollout
from workloads.controllers.replicasets import claim, takers
from workloads.meta.errors import AlreadyExists, Conflict, NotFound, StatusError
from workloads.meta.keys import Key
from workloads.store import objects
from workloads.store.changes import Entry

logger = logging.getLogger(__name__)
JSON = dict[str, Any]

COMPONENT = "deployment-controller"
LOOK_AGAIN_AT_ONCE = 0.1
DEFAULT_HISTORY = 10


def controller() -> Controller:
    return Controller(
        name="deployments",
        queue="control",
        keys=keys,
        reconcile=reconcile,
        resync=lambda: hands.every_key("Deployment"),
    )


def keys(entry: Entry) -> Iterable[Key]:
    """The Deployment itself; a ReplicaSet's owner; for an orphan, whoever would take it; when a pod is gone, the
    Deployment above it (Recreate waits for the last old pod)."""
    if entry.key.kind == "Deployment":
        return [entry.key]
    if entry.key.kind == "Pod" and entry.type == "DELETED":
        return owners.unique(_above(entry))
    if entry.key.kind != "ReplicaSet":
        return []
    found = owners.unique(owners.controllers_in(entry, kind="Deployment"))
    replicaset = orjson.loads(entry.data)
    if entry.type != "DELETED" and owners.controller_of(replicaset) is None:
        found += takers("Deployment", entry.key, replicaset)
    return found


def _above(entry: Entry) -> Iterable[Key]:
    for key in owners.controllers_in(entry, kind="ReplicaSet"):
        with suppress(objects.Missing):
            ref = owners.controller_of(orjson.loads(objects.read(key).data))
            if ref is not None and ref["kind"] == "Deployment":
                yield Key(key.account, "Deployment", key.namespace, ref["name"])


def reconcile(key: Key) -> Result | None:
    door = hands.client("deployments", key.account)
    deployment = hands.read(door, key)
    if deployment is None:
        return None
    try:
        return _Look(door, deployment, now=datetime.now(UTC)).run()
    except (Conflict, NotFound) as race:
        logger.info("%s is looked at again: %s", key, race)
        return Result(LOOK_AGAIN_AT_ONCE)


@dataclass
class _Look:
    door: Client
    deployment: JSON
    now: datetime

    def run(self) -> Result | None:
        everybody = claim(self.door, self.deployment, kind="ReplicaSet")
        if owners.is_deleting(self.deployment):
            return self._count(everybody)
        paused = progress.paused_status(self.deployment, now=self.now)
        if paused is not None:
            self._save(paused)
        new, old = self._split(everybody)
        new = self._refresh(new, old) if new else None
        if self.deployment["spec"].get("paused"):
            return self._rest(new, old)
        if rollout.is_being_scaled(self.deployment, _all(new, old)):
            return self._scale(new, old)
        return self._roll(new, old) if rollout.is_rolling(self.deployment) else self._recreate(new, old)

    # The ways of a look

    def _count(self, everybody: list[JSON]) -> Result | None:
        new, _ = self._split(everybody)
        self._save(progress.counted(self.deployment, new=new, everybody=everybody, now=self.now))
        return None

    def _rest(self, new: JSON | None, old: list[JSON]) -> Result | None:
        """Paused: follows the number of replicas, starts nothing new."""
        new, old = self._resize(rollout.scaled_sizes(self.deployment, new=new, old=old), new, old)
        self._forget_history(old)
        return self._count(_all(new, old))

    def _scale(self, new: JSON | None, old: list[JSON]) -> Result | None:
        new, old = self._resize(rollout.scaled_sizes(self.deployment, new=new, old=old), new, old, renote=True)
        return self._count(_all(new, old)) or Result(LOOK_AGAIN_AT_ONCE)

    def _roll(self, new: JSON | None, old: list[JSON]) -> Result | None:
        new = new or self._make(old)
        size = rollout.new_size(self.deployment, new=new, old=old)
        if size != rollout.size(new):
            new = self._set_size(new, size)
            return self._say(new, old)
        sizes = rollout.old_sizes(self.deployment, new=new, old=old)
        _, old = self._resize(sizes, new, old)
        return self._say(new, old)

    def _recreate(self, new: JSON | None, old: list[JSON]) -> Result | None:
        """Every old pod is gone before the first new one is made."""
        alive = rollout.active(old)
        if alive:
            _, old = self._resize({rollout.name(one): 0 for one in alive}, new, old)
            return self._say(new, old)
        if self._old_pods_run(old):
            return self._say(new, old)
        new = new or self._make(old)
        wanted = rollout.wanted(self.deployment)
        if rollout.size(new) != wanted:
            new = self._set_size(new, wanted)
        return self._say(new, old)

    def _say(self, new: JSON | None, old: list[JSON]) -> Result | None:
        status = progress.rolled(self.deployment, new=new, everybody=_all(new, old), now=self.now)
        self._save(status)
        if progress.is_complete(self.deployment, status):
            self._forget_history(old)
        return Result(progress.seconds_to_deadline(self.deployment, status, now=self.now))

    # ReplicaSets

    def _split(self, everybody: list[JSON]) -> tuple[JSON | None, list[JSON]]:
        new = revisions.find_new(self.deployment, everybody)
        return new, [one for one in everybody if new is None or one["metadata"]["uid"] != new["metadata"]["uid"]]

    def _make(self, old: list[JSON]) -> JSON:
        """The ReplicaSet of the template. Its name may be taken by another one's: then the next hash is tried."""
        revision = revisions.next_revision(old)
        size = rollout.new_size(self.deployment, new=None, old=old)
        collisions = int((self.deployment.get("status") or {}).get("collisionCount", 0))
        manifest = revisions.replicaset_for(
            self.deployment,
            hash=revisions.template_hash(self.deployment["spec"]["template"], collisions=collisions),
            replicas=size,
            annotations=revisions.annotations_for(self.deployment, self._noted_size(), revision=revision),
        )
        try:
            made = self.door.create("ReplicaSet", manifest, self.deployment["metadata"]["namespace"]).obj
        except AlreadyExists:
            return self._take_or_collide(manifest)
        except StatusError as error:
            self._cannot_make(manifest, error)
            raise
        if size:
            self._tell("ScalingReplicaSet", f"Scaled up replica set {rollout.name(made)} from 0 to {size}")
        self._set_revision(revision)
        self._note(progress.CREATED, f'Created new replica set "{rollout.name(made)}"')
        return made

    def _take_or_collide(self, manifest: JSON) -> JSON:
        taken = self.door.get("ReplicaSet", rollout.name(manifest), self.deployment["metadata"]["namespace"])
        if owners.is_controlled_by(taken, self.deployment) and revisions.is_of(self.deployment, taken):
            return taken
        status = {**(self.deployment.get("status") or {})}
        status["collisionCount"] = int(status.get("collisionCount", 0)) + 1
        self._save(status)
        raise Conflict(f"the name {rollout.name(manifest)} is taken by another ReplicaSet")

    def _cannot_make(self, manifest: JSON, error: StatusError) -> None:
        message = f'Failed to create new replica set "{rollout.name(manifest)}": {error.message}'
        self._tell(progress.FAILED_CREATE, message, failed=True)
        status = {**(self.deployment.get("status") or {})}
        progress.note(status, "False", progress.FAILED_CREATE, message, now=self.now)
        self._save(status)

    def _refresh(self, new: JSON, old: list[JSON]) -> JSON:
        """Keeps revision, annotations and minReadySeconds of the new ReplicaSet and the Deployment in step."""
        revision = max(revisions.next_revision(old), revisions.revision_of(new))
        before = revisions.annotations_of(new)
        after = revisions.annotations_for(self.deployment, before, revision=revision)
        seconds = int(self.deployment["spec"].get("minReadySeconds", 0))
        if after != before or int(new["spec"].get("minReadySeconds", 0)) != seconds:
            new = self._patch(new, {"metadata": {"annotations": after}, "spec": {"minReadySeconds": seconds}})
        self._set_revision(revision)
        if not any(one["type"] == "Progressing" for one in (self.deployment.get("status") or {}).get("conditions", [])):
            self._note(progress.FOUND, f'Found new replica set "{rollout.name(new)}"')
        return new

    def _resize(
        self, sizes: rollout.Sizes, new: JSON | None, old: list[JSON], *, renote: bool = False
    ) -> tuple[JSON | None, list[JSON]]:
        """`renote` writes the wanted number on every active one, even where its size is right."""

        def resized(one: JSON) -> JSON:
            size = sizes.get(rollout.name(one), rollout.size(one))
            if size == rollout.size(one) and not (renote and size):
                return one
            return self._set_size(one, size)

        return (resized(new) if new else None), [resized(one) for one in old]

    def _set_size(self, replicaset: JSON, size: int) -> JSON:
        before = rollout.size(replicaset)
        noted = revisions.annotations_of(replicaset)
        if size == before and self._noted_size().items() <= noted.items():
            return replicaset
        patch = {"metadata": {"annotations": self._noted_size()}, "spec": {"replicas": size}}
        after = self._patch(replicaset, patch)
        if size != before:
            way = "up" if size > before else "down"
            message = f"Scaled {way} replica set {rollout.name(replicaset)} from {before} to {size}"
            self._tell("ScalingReplicaSet", message)
        return after

    def _noted_size(self) -> dict[str, str]:
        surge, _ = rollout.fenceposts(self.deployment)
        return revisions.size_annotations(replicas=rollout.wanted(self.deployment), surge=surge)

    def _patch(self, obj: JSON, patch: JSON) -> JSON:
        """Compare and set."""
        metadata = obj["metadata"]
        pinned = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
        whole = {**patch, "metadata": {**pinned, **patch.get("metadata", {})}}
        place = metadata["namespace"]
        return self.door.patch(obj["kind"], metadata["name"], whole, "application/merge-patch+json", place).obj

    def _old_pods_run(self, old: list[JSON]) -> bool:
        for one in old:
            pods = self.door.list("Pod", one["metadata"]["namespace"], owner_uid=one["metadata"]["uid"]).items
            if any((pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed") for pod in pods):
                return True
        return False

    def _forget_history(self, old: list[JSON]) -> None:
        limit = self.deployment["spec"].get("revisionHistoryLimit", DEFAULT_HISTORY)
        for one in revisions.beyond_history(old, limit=DEFAULT_HISTORY if limit is None else int(limit)):
            metadata = one["metadata"]
            with suppress(NotFound, Conflict):
                options = DeleteOptions(uid=metadata["uid"], propagation="Background")
                self.door.delete("ReplicaSet", metadata["name"], metadata["namespace"], options=options)

    # The Deployment itself

    def _set_revision(self, revision: int) -> None:
        if revisions.revision_of(self.deployment) != revision:
            annotations = {revisions.REVISION: str(revision)}
            self.deployment = self._patch(self.deployment, {"metadata": {"annotations": annotations}})

    def _note(self, reason: str, message: str) -> None:
        if not progress.has_deadline(self.deployment):
            return
        status = {**(self.deployment.get("status") or {})}
        progress.note(status, "True", reason, message, now=self.now)
        self._save(status)

    def _save(self, status: JSON) -> None:
        self.deployment = hands.put_status(self.door, self.deployment, status)

    def _tell(self, reason: str, message: str, *, failed: bool = False) -> None:
        hands.tell(
            self.door,
            self.deployment,
            component=COMPONENT,
            reason=reason,
            message=message,
            type="Warning" if failed else "Normal",
        )


def _all(new: JSON | None, old: list[JSON]) -> list[JSON]:
    return [*old, *([new] if new else [])]
