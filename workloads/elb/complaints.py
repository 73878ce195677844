"""What Envoy rejects is said where people look: an Event on the Service it is about, and a word to the pages, which is
all for an ELB: Events live in namespaces, and it is in none. Envoy goes on with what it had, so nothing else tells.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings

from workloads.controllers import hands
from workloads.meta.keys import Key
from workloads.store import hosts

REASON = "ProxyRejected"
COMPONENT = "traffic"


class Complaints:
    """Remembers what has been said. Asks the database."""

    def __init__(self) -> None:
        self._said: dict[Key, str] | None = None

    def say(self, about: Mapping[Key, str]) -> None:
        """`about`: why, by the object it is about; all there are now."""
        if about == self._said:
            return
        before, self._said = self._said or {}, dict(about)
        told = [
            {"account": key.account, "kind": key.kind, "namespace": key.namespace, "name": key.name, "why": why}
            for key, why in sorted(about.items())
        ]
        hosts.put(settings.NODE_NAME, hosts.PROXY, {"rejected": told})
        for key, why in about.items():
            if key.namespace and before.get(key) != why:
                self._tell(key, why)

    def _tell(self, key: Key, why: str) -> None:
        door = hands.client(COMPONENT, key.account)
        obj = hands.read(door, key)
        if obj is not None:
            message = f"the proxy does not take this and goes on with what it had: {why}"
            hands.tell(door, obj, component=COMPONENT, reason=REASON, message=message, type="Warning")
