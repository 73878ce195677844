"""Events of pods in the cluster: each has a name that follows from what it says, so that it is told once."""

from __future__ import annotations

import hashlib
import logging
from typing import Any

from burst import names, times
from burst.api import Api, ApiError

JSON = dict[str, Any]

COMPONENT = "cci-burst"
_LONGEST_MESSAGE = 1024

log = logging.getLogger(__name__)


class Events:
    def __init__(self, cluster: Api) -> None:
        self._cluster = cluster

    async def warn(self, pod: JSON, reason: str, sentence: str) -> None:
        """What is said again is counted. That it cannot be said holds up nothing."""
        identity = f"{pod['metadata']['uid']}/{reason}/{sentence}"
        try:
            await self.tell(pod, identity, {"type": "Warning", "reason": reason, "message": sentence})
        except ApiError as error:
            log.warning("an event of %s cannot be written: %s", pod["metadata"]["name"], error)

    async def tell(self, pod: JSON, identity: str, said: JSON) -> None:
        """`said` has type, reason and message; count and times where they are known."""
        metadata, now = pod["metadata"], times.text(times.now())
        name = f"{metadata['name'][:200]}.{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": metadata["namespace"]},
            "involvedObject": {
                "apiVersion": "v1",
                "kind": "Pod",
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "uid": metadata["uid"],
            },
            "type": said["type"],
            "reason": said["reason"],
            "message": said["message"][:_LONGEST_MESSAGE],
            "count": said.get("count") or 1,
            "firstTimestamp": said.get("firstTimestamp") or now,
            "lastTimestamp": said.get("lastTimestamp") or now,
            "source": {"component": COMPONENT, "host": names.NODE},
            "reportingComponent": COMPONENT,
            "reportingInstance": names.NODE,
        }
        try:
            await self._cluster.create("events", event, namespace=metadata["namespace"])
        except ApiError as error:
            if not error.conflict:
                raise
            await self._again(event, counted="count" in said)

    async def _again(self, event: JSON, *, counted: bool) -> None:
        namespace, name = event["metadata"]["namespace"], event["metadata"]["name"]
        known = await self._cluster.get("events", namespace, name)
        count = event["count"] if counted else (known.get("count") or 1) + 1
        if count == known.get("count"):
            return
        patch = {"count": count, "lastTimestamp": event["lastTimestamp"]}
        await self._cluster.patch("events", patch, namespace=namespace, name=name)
