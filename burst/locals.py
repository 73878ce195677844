"""How many pods that may burst run on the cluster's own nodes: what CCI's console shows beside those it runs.

The webhook marks each pod that it gives a policy. Those are followed by one watch of their own, of which the node and
the phase are kept; the number goes to CCI with the heartbeat.
"""

from __future__ import annotations

from typing import Any

from burst import names
from burst.api import Api
from burst.mirrors import Mirror

JSON = dict[str, Any]


class Locals:
    def __init__(self, cluster: Api) -> None:
        self._mirror = Mirror(cluster, "pods", changed=_nothing, keep=_slim, label=names.POLICY_MARK)

    async def run(self) -> None:
        """For ever."""
        await self._mirror.run()

    @property
    def count(self) -> int | None:
        """None before the cluster has said which there are."""
        return sum(map(_is_local, self._mirror.objects.values())) if self._mirror.listed.is_set() else None


def _is_local(pod: JSON) -> bool:
    is_over = pod["status"]["phase"] in ("Succeeded", "Failed")
    return bool(pod["spec"]["nodeName"]) and pod["spec"]["nodeName"] != names.NODE and not is_over


def _slim(pod: JSON) -> JSON:
    metadata, spec, status = pod["metadata"], pod.get("spec") or {}, pod.get("status") or {}
    return {
        "metadata": {name: metadata[name] for name in ("namespace", "name") if name in metadata},
        "spec": {"nodeName": spec.get("nodeName") or ""},
        "status": {"phase": status.get("phase") or ""},
    }


def _nothing(before: JSON | None, now: JSON | None) -> None:
    """Nobody waits for the number: it is counted when it is told."""
