"""Pods of the virtual node and their pods in CCI, made like each other: what is wanted goes there, what is seen comes
back. Each look at a pod reads what the mirrors have, does what is missing, and may be the last before a crash: names
follow from the cluster's objects, so the next look finds what the one before made.

Nothing in CCI is deleted because the cluster does not name it once: it must be gone from the mirror for
`ORPHAN_SECONDS`, and then the cluster is asked for that very pod.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import Callable
from typing import Any

from burst import names, statuses, times
from burst.api import STRATEGIC, Api, ApiError, Unreachable
from burst.copies import COLLECT_SECONDS, Copies
from burst.events import Events
from burst.mirrors import Key, Mirror, key_of, without_managers
from burst.node import Place
from burst.queues import Queue
from burst.refusals import Refused
from burst.tokens import Tokens
from burst.translate import Cluster, Translation, translate

JSON = dict[str, Any]

ORPHAN_SECONDS = 5.0
LOOK_AGAIN = 0.5
REFUSED_IN_CCI = "BurstRefusedByCCI"
_ENDED_GRACE = 0
_FOR_GOOD = (400, 422)
"""What CCI answers to a manifest that it will never take."""

log = logging.getLogger(__name__)


class Pods:
    def __init__(
        self,
        cluster_api: Api,
        cci: Api,
        cluster: Cluster,
        place: Place,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._from, self._cci, self._cluster, self._place, self._clock = cluster_api, cci, cluster, place, clock
        self.queue: Queue[Key] = Queue("pods", self.look)
        self.news: Queue[Key] = Queue("events", self.pass_on, workers=4)
        self.copies = Copies(cluster_api, cci, cluster, woken=self.queue.add)
        self.tokens = Tokens(cluster_api, self.copies, cluster)
        self.events = Events(cluster_api)
        node = f"spec.nodeName={names.NODE}"
        self.wanted = Mirror(cluster_api, "pods", changed=self._wanted_changed, field=node)
        label = f"{names.CLUSTER_LABEL}={cluster.id}"
        self.there = Mirror(cci, "pods", cluster.namespace, changed=self._there_changed, keep=_slim, label=label)
        self.told = Mirror(cci, "events", cluster.namespace, changed=self._event_changed, keep=_slim_event)
        self._missing_since: dict[Key, float] = {}
        """Pods in CCI that the cluster does not name, and since when."""
        self._refused: dict[Key, tuple[str, Refused]] = {}
        """Pods that were refused, as they were written: not again before they change."""
        self._told: dict[Key, tuple[str, str]] = {}
        """What status was written last, and what the cluster made of it: what it leaves out is not written for ever."""
        self._names: dict[str, Key] = {}
        """By the name in CCI."""
        self._passed_on: dict[Key, tuple[str, int]] = {}
        self._to_collect = asyncio.Event()
        self._to_collect.set()

    async def run(self) -> None:
        """For ever: both sides are followed, and what differs is looked at."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.wanted.run())
            tasks.create_task(self.there.run())
            tasks.create_task(self.copies.run())
            await self.wanted.listed.wait()
            await self.there.listed.wait()
            await self.copies.listed()
            tasks.create_task(self.queue.run())
            tasks.create_task(self.told.run())
            tasks.create_task(self.news.run())
            tasks.create_task(self._collecting())

    async def look(self, key: Key) -> float | None:
        """Seconds after which to look again. Raises ApiError."""
        pod, there = self.wanted.objects.get(key), self.of(key)
        if pod is None:
            return await self._orphan(key, there)
        self._missing_since.pop(key, None)
        if there is not None and _uid(there) != pod["metadata"]["uid"]:
            return await self._replace(key, pod, there)
        if statuses.is_deleting(pod):
            return await self._end(key, pod, there)
        if statuses.has_ended(pod):
            self.copies.release(key)
            return None
        if there is None:
            return await self._start(key, pod)
        await self._tell(pod, there)
        return await self._keep(key, pod, there)

    def of(self, key: Key) -> JSON | None:
        """The pod in CCI that runs for the cluster's."""
        found = self.there.objects.get((self._cluster.namespace, names.pod_name(*key)))
        return found if found and _labels(found).get(names.NAMESPACE_LABEL) == key[0] else None

    async def pass_on(self, key: Key) -> float | None:
        """An Event of a pod in CCI becomes one of its pod in the cluster."""
        event = self.told.objects.get(key)
        if event is None:
            self._passed_on.pop(key, None)
            return None
        about = event["involvedObject"]
        pod = self.wanted.objects.get(self._names.get(about.get("name", ""), ("", "")))
        there = self.there.objects.get((self._cluster.namespace, about.get("name", "")))
        if pod is None or there is None or about.get("uid") != there["metadata"]["uid"]:
            return None
        identity, count = event["metadata"]["uid"], int(event.get("count") or 1)
        if self._passed_on.get(key) == (identity, count) or _uid(there) != pod["metadata"]["uid"]:
            return None
        await self.events.tell(pod, identity, event | {"count": count})
        self._passed_on[key] = identity, count
        return None

    # --- one pod ------------------------------------------------------------------------------------------------

    async def _start(self, key: Key, pod: JSON) -> float | None:
        done = await self._translated(key, pod)
        if done is None:
            return None
        if statuses.was_started(pod):
            return await self._lost(pod)
        if not await self._sources_are_there(key, pod, done):
            return None
        await self._annotate(pod, done)
        renewal = await self._own_copies(pod, done)
        if await self._create(key, pod, done):
            return renewal
        return None

    async def _keep(self, key: Key, pod: JSON, there: JSON) -> float | None:
        """What may change of a pod that runs changes there, too: images, labels, annotations, tokens, sources."""
        if statuses.has_ended(there):
            self.copies.release(key)
            return None
        try:
            done = translate(pod, self._cluster)
        except Refused as refused:
            await self.events.warn(pod, refused.reason, refused.sentence)
            return None
        self.copies.use(key, done.sources)
        if patch := _difference(there, done.pod):
            patch.setdefault("metadata", {})["uid"] = there["metadata"]["uid"]
            await self._patch_there(pod, there, patch)
        return await self._own_copies(pod, done)

    async def _end(self, key: Key, pod: JSON, there: JSON | None) -> float | None:
        """The pod in CCI gets the grace that the cluster's has; then the cluster's pod goes."""
        metadata, grace = pod["metadata"], int(pod["metadata"].get("deletionGracePeriodSeconds") or 0)
        if there is not None:
            await self._tell(pod, there)
            left = there["metadata"].get("deletionGracePeriodSeconds")
            if not statuses.is_deleting(there) or (left is not None and left > grace):
                uid, name = there["metadata"]["uid"], there["metadata"]["name"]
                await self._cci.delete("pods", namespace=self._cluster.namespace, name=name, uid=uid, grace=grace)
            return None
        live = await self._cci.find("pods", self._cluster.namespace, names.pod_name(*key))
        if live is not None and _uid(live) == metadata["uid"]:
            return LOOK_AGAIN
        await self._cluster_delete(pod)
        return None

    async def _replace(self, key: Key, pod: JSON, there: JSON) -> float | None:
        """The pod in CCI is of another life of that name: it goes first, if the cluster itself names this one now. A
        mirror that is behind would take a newer life for an earlier one."""
        live = await self._from.find("pods", *key)
        if live is None or live["metadata"]["uid"] != pod["metadata"]["uid"]:
            return LOOK_AGAIN
        await self._delete_there(there, grace=_ENDED_GRACE)
        return LOOK_AGAIN

    async def _orphan(self, key: Key, there: JSON | None) -> float | None:
        self.copies.release(key)
        self._refused.pop(key, None)
        self._told.pop(key, None)
        if there is None or statuses.is_deleting(there):
            self._missing_since.pop(key, None)
            if there is None:
                self._to_collect.set()
            return None
        since = self._missing_since.setdefault(key, self._clock())
        if (left := since + ORPHAN_SECONDS - self._clock()) > 0:
            return left
        live = await self._from.find("pods", *key)
        if live is not None and live["metadata"]["uid"] == _uid(there):
            log.warning("the cluster's list leaves out %s/%s, which is there", *key)
            del self._missing_since[key]
            return ORPHAN_SECONDS
        self._missing_since.pop(key, None)
        log.info("%s/%s is no more in the cluster: its pod in CCI goes", *key)
        await self._delete_there(there)
        return None

    async def _lost(self, pod: JSON) -> float | None:
        """It ran before, and the mirror does not have it. CCI is asked before the pod is given up."""
        metadata = pod["metadata"]
        name = names.pod_name(metadata["namespace"], metadata["name"])
        live = await self._cci.find("pods", self._cluster.namespace, name)
        if live is not None and _uid(live) == metadata["uid"]:
            return LOOK_AGAIN
        await self.events.warn(pod, statuses.LOST, statuses.LOST_SENTENCE)
        await self._put_status(pod, statuses.lost(pod, now=times.text(times.now())))
        return None

    # --- its steps ----------------------------------------------------------------------------------------------

    async def _translated(self, key: Key, pod: JSON) -> Translation | None:
        """None for a pod that cannot run in CCI; that was told."""
        known = self._refused.get(key)
        if known is not None and known[0] == _written(pod):
            await self._tell_refusal(pod, known[1])
            return None
        try:
            done = translate(pod, self._cluster)
        except Refused as refused:
            await self._refuse(pod, refused)
            return None
        self.copies.use(key, done.sources)
        return done

    async def _refuse(self, pod: JSON, refused: Refused) -> None:
        log.info("%s/%s is refused: %s", *key_of(pod), refused)
        await self.events.warn(pod, refused.reason, refused.sentence)
        self._refused[key_of(pod)] = _written(pod), refused
        await self._tell_refusal(pod, refused)

    async def _tell_refusal(self, pod: JSON, refused: Refused) -> None:
        await self._put_status(pod, statuses.refused(pod, reason=refused.reason, sentence=refused.sentence))

    async def _sources_are_there(self, key: Key, pod: JSON, done: Translation) -> bool:
        """A pod whose ConfigMaps and Secrets are not there yet waits; it is woken when they come."""
        words = {source: self.copies.missing(source) for source in done.sources}
        missing = [source for source, word in words.items() if word]
        if missing:
            listed = ", ".join(f"{source.kind} {source.name}" for source in missing)
            await self.events.warn(
                pod, "FailedMount", f"it waits for what it uses and the cluster does not have: {listed}"
            )
        return not missing and None not in words.values()

    async def _annotate(self, pod: JSON, done: Translation) -> None:
        """The size it was rounded to is written on the cluster's pod, and what its profile says of pods in CCI."""
        wanted = {names.CPU_ANNOTATION: done.size.cpu_text(), names.MEMORY_ANNOTATION: done.size.memory_text()}
        metadata = pod["metadata"]
        if (cost := _annotations(pod).get(names.COST_THERE)) is not None:
            wanted[names.DELETION_COST] = cost
        if wanted.items() <= (metadata.get("annotations") or {}).items():
            return
        patch = {"metadata": {"uid": metadata["uid"], "annotations": wanted}}
        await self._from.patch("pods", patch, namespace=metadata["namespace"], name=metadata["name"])

    async def _own_copies(self, pod: JSON, done: Translation) -> float | None:
        """The pod's fields and its tokens are in CCI. Seconds until the tokens must be renewed."""
        metadata = pod["metadata"]
        if done.fields:
            name = names.fields_name(metadata["namespace"], metadata["name"], metadata["uid"])
            labels = {names.NAMESPACE_LABEL: metadata["namespace"], names.UID_LABEL: metadata["uid"]}
            await self.copies.write("ConfigMap", name, {"data": done.fields}, labels=labels, annotations={})
        return await self.tokens.ensure(pod, done)

    async def _create(self, key: Key, pod: JSON, done: Translation) -> bool:
        """Whether its pod is there now. Raises ApiError for what may go better later."""
        try:
            await self._cci.create("pods", done.pod, namespace=self._cluster.namespace)
            return True
        except ApiError as error:
            if error.conflict and error.reason == "AlreadyExists":
                return await self._is_ours(key, pod)
            if error.status in _FOR_GOOD:
                await self._refuse(pod, Refused(REFUSED_IN_CCI, error.message))
                return False
            await self.events.warn(
                pod, "BurstNotCreated", f"CCI did not take the pod, which is tried again: {error.message}"
            )
            raise

    async def _is_ours(self, key: Key, pod: JSON) -> bool:
        name = names.pod_name(*key)
        there = await self._cci.get("pods", self._cluster.namespace, name)
        if _uid(there) == pod["metadata"]["uid"]:
            return True
        other, theirs = _labels(there).get(names.NAMESPACE_LABEL), there["metadata"].get("annotations") or {}
        sentence = (
            f"the name {name} is taken in CCI by pod {theirs.get(names.POD_ANNOTATION, '?')} of namespace {other}; "
            "give one of them another name"
        )
        await self.events.warn(pod, "BurstNameTaken", sentence)
        self.queue.later(key, 30.0)
        return False

    async def _patch_there(self, pod: JSON, there: JSON, patch: JSON) -> None:
        try:
            name = there["metadata"]["name"]
            await self._cci.patch("pods", patch, namespace=self._cluster.namespace, name=name, form=STRATEGIC)
        except ApiError as error:
            if error.status not in _FOR_GOOD:
                raise
            await self.events.warn(pod, "BurstUpdateRefused", f"CCI did not take the change: {error.message}")

    async def _tell(self, pod: JSON, there: JSON) -> None:
        now = times.text(times.now())
        await self._put_status(pod, statuses.current(pod, there, address=self._place.address, now=now))

    async def _put_status(self, pod: JSON, status: JSON) -> None:
        """Against the revision that was read: a condition that somebody else wrote meanwhile is not lost."""
        changed, key = statuses.patch(pod.get("status") or {}, status), key_of(pod)
        if not changed or self._told.get(key) == (_digest(status), _digest(pod.get("status"))):
            return
        metadata = pod["metadata"]
        body = {
            "metadata": {"uid": metadata["uid"], "resourceVersion": metadata.get("resourceVersion")},
            "status": changed,
        }
        try:
            answer = await self._from.patch("pods", body, namespace=key[0], name=key[1], sub="status")
            self._told[key] = _digest(status), _digest(answer.get("status"))
        except ApiError as error:
            if error.not_found:
                return
            if not error.conflict:
                raise
            self.queue.later(key, LOOK_AGAIN)

    async def _delete_there(self, there: JSON, *, grace: int | None = None) -> None:
        metadata = there["metadata"]
        if statuses.is_deleting(there) and grace is None:
            return
        await self._cci.delete(
            "pods", namespace=self._cluster.namespace, name=metadata["name"], uid=metadata["uid"], grace=grace
        )

    async def _cluster_delete(self, pod: JSON) -> None:
        metadata = pod["metadata"]
        await self._own_copies_gone(metadata)
        await self._from.delete(
            "pods", namespace=metadata["namespace"], name=metadata["name"], uid=metadata["uid"], grace=_ENDED_GRACE
        )

    async def _own_copies_gone(self, metadata: JSON) -> None:
        given = metadata["namespace"], metadata["name"], metadata["uid"]
        await self.copies.remove("Secret", names.tokens_name(*given))
        await self.copies.remove("ConfigMap", names.fields_name(*given))

    # --- what changed -------------------------------------------------------------------------------------------

    def _wanted_changed(self, before: JSON | None, now: JSON | None) -> None:
        pod = now or before
        if pod is not None:
            key = key_of(pod)
            if now is None:
                self._names.pop(names.pod_name(*key), None)
            else:
                self._names[names.pod_name(*key)] = key
            self.queue.add(key)

    def _there_changed(self, before: JSON | None, now: JSON | None) -> None:
        there = now or before
        if there is None:
            return
        namespace, name = _labels(there).get(names.NAMESPACE_LABEL), _annotations(there).get(names.POD_ANNOTATION)
        if namespace and name:
            self.queue.add((namespace, name))
        if before is None:
            for key, event in self.told.objects.items():
                if event["involvedObject"].get("name") == there["metadata"]["name"]:
                    self.news.add(key)

    def _event_changed(self, before: JSON | None, now: JSON | None) -> None:
        event = now or before
        if event is not None and event["involvedObject"].get("kind") == "Pod":
            self.news.add(key_of(event))

    async def _collecting(self) -> None:
        """Once after the start, because the one before may have been killed, and whenever a pod has gone from CCI."""
        while True:
            await self._to_collect.wait()
            await asyncio.sleep(COLLECT_SECONDS)
            self._to_collect.clear()
            try:
                await self.collect()
            except (ApiError, *Unreachable) as error:
                log.info("copies are collected later: %s", error or type(error).__name__)
                self._to_collect.set()

    async def collect(self) -> None:
        """Copies that nobody needs go, when neither side has pods that could. Raises ApiError."""
        namespaces = {_labels(there).get(names.NAMESPACE_LABEL, "") for there in self.there.objects.values()}
        uids = {_uid(there) for there in self.there.objects.values()}
        uids |= {pod["metadata"]["uid"] for pod in self.wanted.objects.values()}
        await self.copies.collect(namespaces | {key[0] for key in self.wanted.objects}, uids)


def _labels(pod: JSON) -> JSON:
    return dict(pod["metadata"].get("labels") or {})


def _annotations(pod: JSON) -> JSON:
    return dict(pod["metadata"].get("annotations") or {})


def _uid(there: JSON) -> str:
    """Of the cluster's pod that a pod in CCI runs for."""
    return str(_labels(there).get(names.UID_LABEL, ""))


def _slim(pod: JSON) -> JSON:
    """What is asked of a pod in CCI: whose it is, its images, its status."""
    pod = without_managers(pod)
    spec = pod["spec"]
    images = {
        part: [{"name": one["name"], "image": one.get("image", "")} for one in spec[part]]
        for part in ("containers", "initContainers")
        if part in spec
    }
    return {"metadata": pod["metadata"], "spec": images, "status": pod.get("status") or {}}


def _slim_event(event: JSON) -> JSON:
    kept = ("involvedObject", "type", "reason", "message", "count", "firstTimestamp", "lastTimestamp")
    metadata = {name: event["metadata"].get(name) for name in ("name", "namespace", "uid")}
    return {"metadata": metadata} | {name: event[name] for name in kept if event.get(name)}


def _difference(there: JSON, wanted: JSON) -> JSON:
    """The strategic merge patch for what may change of a pod that runs; {} where nothing does."""
    patch: JSON = {}
    for part in ("labels", "annotations"):
        has, should = there["metadata"].get(part) or {}, wanted["metadata"].get(part) or {}
        changed: JSON = {name: text for name, text in should.items() if has.get(name) != text}
        changed |= {name: None for name in has if name not in should and not _is_cci(name)}
        if changed:
            patch.setdefault("metadata", {})[part] = changed
    for part in ("containers", "initContainers"):
        has = {one["name"]: one["image"] for one in there["spec"].get(part) or []}
        images = [
            {"name": one["name"], "image": one["image"]}
            for one in wanted["spec"].get(part) or []
            if has.get(one["name"]) not in (None, one["image"])
        ]
        if images:
            patch.setdefault("spec", {})[part] = images
    return patch


def _written(pod: JSON) -> str:
    """A digest of what people wrote: not the status, and not what the add-on notes on it."""
    metadata = pod["metadata"]
    own = (names.CPU_ANNOTATION, names.MEMORY_ANNOTATION, names.DELETION_COST)
    annotations = {name: text for name, text in _annotations(pod).items() if name not in own}
    return _digest([metadata["uid"], metadata.get("labels"), annotations, pod["spec"]])


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _is_cci(name: str) -> bool:
    """Labels and annotations that CCI itself writes."""
    return ".cci.io/" in name or name.startswith(("cci.io/", "k8s.", "kubernetes.io/"))
