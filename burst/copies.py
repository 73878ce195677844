"""ConfigMaps and Secrets of the cluster, copied into CCI for the pods that use them, and kept like their sources.

Each source is followed by a watch of its own, for as long as a pod uses it, as a kubelet does. A copy is written when
its digest differs; a source that goes away leaves its copy to the pods that run with it, and new ones wait.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable
from typing import Any

from burst import names
from burst.api import Api, ApiError
from burst.mirrors import Key, Mirror
from burst.queues import Queue
from burst.translate import Cluster, Source

JSON = dict[str, Any]

DIGEST_ANNOTATION = "burst.cci.io/digest"
COLLECT_SECONDS = 60.0
"""How long a copy must be of no use before it goes."""
_PLURALS = {"ConfigMap": "configmaps", "Secret": "secrets"}
_OF_ITS_OWN = ("kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token")
"""Types of Secret that mean something to a cluster; their copies are Opaque."""

log = logging.getLogger(__name__)


class Copies:
    """`woken(pod)` is called for each pod that waits for a source, when something of it has changed."""

    def __init__(self, cluster_api: Api, cci: Api, cluster: Cluster, *, woken: Callable[[Key], None]) -> None:
        self._from, self._cci, self._cluster, self._woken = cluster_api, cci, cluster, woken
        self._users: dict[Source, set[Key]] = {}
        self._used_by: dict[Key, tuple[Source, ...]] = {}
        self._following: dict[Source, tuple[Mirror, asyncio.Task[None]]] = {}
        label = f"{names.CLUSTER_LABEL}={cluster.id}"
        self.there = {
            kind: Mirror(cci, plural, cluster.namespace, changed=self._copy_changed, keep=_metadata_alone, label=label)
            for kind, plural in _PLURALS.items()
        }
        """What is in CCI, without the data."""
        self.queue: Queue[Source] = Queue("copies", self._copy, workers=8)

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                for mirror in self.there.values():
                    tasks.create_task(mirror.run())
                await self.listed()
                tasks.create_task(self.queue.run())
        finally:
            for _, task in self._following.values():
                task.cancel()

    async def listed(self) -> None:
        for mirror in self.there.values():
            await mirror.listed.wait()

    def use(self, pod: Key, sources: tuple[Source, ...]) -> None:
        """From now on `pod` uses these, and no others."""
        if self._used_by.get(pod) == sources:
            return
        self.release(pod)
        self._used_by[pod] = sources
        for source in sources:
            self._users.setdefault(source, set()).add(pod)
            if source not in self._following:
                self._follow(source)

    def release(self, pod: Key) -> None:
        """Its sources are followed as long as others use them."""
        for source in self._used_by.pop(pod, ()):
            users = self._users[source]
            users.discard(pod)
            if not users:
                del self._users[source]
                _, task = self._following.pop(source)
                task.cancel()

    def missing(self, source: Source) -> bool | None:
        """Whether the pod cannot start for want of it; None while that is not known yet, or its copy is not like it."""
        mirror, _ = self._following[source]
        if not mirror.listed.is_set():
            return None
        original = mirror.objects.get((source.namespace, source.name))
        if original is None:
            return not source.optional
        copied = self._copied(source) or {"metadata": {}}
        digest = (copied["metadata"].get("annotations") or {}).get(DIGEST_ANNOTATION)
        return False if digest == _digest(_body(source, original)) else None

    async def write(self, kind: str, name: str, body: JSON, *, labels: JSON, annotations: JSON) -> None:
        """A ConfigMap or Secret of ours in CCI, as `body` says. Nothing is written where it is so already."""
        digest = _digest(body)
        known = self.there[kind].objects.get((self._cluster.namespace, name))
        given = annotations | {DIGEST_ANNOTATION: digest}
        if known is not None and given.items() <= (known["metadata"].get("annotations") or {}).items():
            return
        obj = body | {
            "apiVersion": "v1",
            "kind": kind,
            "metadata": {
                "name": name,
                "namespace": self._cluster.namespace,
                "labels": {names.CLUSTER_LABEL: self._cluster.id} | labels,
                "annotations": given,
            },
        }
        try:
            made = await self._cci.create(_PLURALS[kind], obj, namespace=self._cluster.namespace)
        except ApiError as error:
            if not error.conflict:
                raise
            made = await self._replace(kind, name, obj)
        self.there[kind].objects[(self._cluster.namespace, name)] = _metadata_alone(made)

    async def remove(self, kind: str, name: str) -> None:
        if (self._cluster.namespace, name) in self.there[kind].objects:
            await self._cci.delete(_PLURALS[kind], namespace=self._cluster.namespace, name=name)

    async def collect(self, namespaces: set[str], uids: set[str]) -> None:
        """Copies go that no pod uses: of a source, if none of `namespaces` is its; of a pod, if none of `uids` is."""
        for kind, mirror in self.there.items():
            used = {source.copy for source in self._users if source.kind == kind}
            for (_, name), copy in list(mirror.objects.items()):
                source = (copy["metadata"].get("annotations") or {}).get(names.SOURCE_ANNOTATION, "")
                uid = (copy["metadata"].get("labels") or {}).get(names.UID_LABEL, "")
                is_used = source.split("/")[1] in namespaces if source else uid in uids
                if (source or uid) and name not in used and not is_used:
                    await self.remove(kind, name)

    def _follow(self, source: Source) -> None:
        def changed(before: JSON | None, now: JSON | None) -> None:
            self.queue.add(source)
            self._wake(source)

        field = f"metadata.name={source.name}"
        mirror = Mirror(self._from, _PLURALS[source.kind], source.namespace, changed=changed, field=field)
        self._following[source] = mirror, asyncio.create_task(self._watch(source, mirror))

    async def _watch(self, source: Source, mirror: Mirror) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(mirror.run())
            await mirror.listed.wait()
            self._wake(source)

    async def _copy(self, source: Source) -> float | None:
        followed = self._following.get(source)
        original = followed and followed[0].objects.get((source.namespace, source.name))
        if not original:
            return None
        body = _body(source, original)
        annotations = {names.SOURCE_ANNOTATION: str(source)}
        labels = {names.NAMESPACE_LABEL: source.namespace}
        await self.write(source.kind, source.copy, body, labels=labels, annotations=annotations)
        self._wake(source)
        return None

    def _copied(self, source: Source) -> JSON | None:
        return self.there[source.kind].objects.get((self._cluster.namespace, source.copy))

    async def _replace(self, kind: str, name: str, obj: JSON) -> JSON:
        """A Secret's type cannot be changed: such a copy is made anew."""
        try:
            return await self._cci.replace(_PLURALS[kind], obj, namespace=self._cluster.namespace, name=name)
        except ApiError as error:
            if error.status != 422:
                raise
        await self._cci.delete(_PLURALS[kind], namespace=self._cluster.namespace, name=name)
        return await self._cci.create(_PLURALS[kind], obj, namespace=self._cluster.namespace)

    def _copy_changed(self, before: JSON | None, now: JSON | None) -> None:
        """Somebody removed or changed a copy in CCI: it is looked at, when it is used."""
        annotations = ((now or before or {})["metadata"]).get("annotations") or {}
        kind, _, rest = annotations.get(names.SOURCE_ANNOTATION, "").partition("/")
        namespace, _, name = rest.partition("/")
        source = Source(kind, namespace, name)
        if source in self._users:
            self.queue.add(source)
            self._wake(source)

    def _wake(self, source: Source) -> None:
        for pod in self._users.get(source, ()):
            self._woken(pod)


def _body(source: Source, original: JSON) -> JSON:
    """What a copy says."""
    body = {name: original[name] for name in ("data", "binaryData") if original.get(name)}
    if source.kind == "Secret":
        kind = original.get("type") or "Opaque"
        body["type"] = "Opaque" if kind in _OF_ITS_OWN else kind
    return body


def _metadata_alone(obj: JSON) -> JSON:
    metadata = obj["metadata"]
    kept = {name: metadata[name] for name in ("name", "namespace", "labels", "annotations", "uid") if name in metadata}
    return {"metadata": kept}


def _digest(body: JSON) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:32]
