"""What Envoy rejects is said where people look: an Event on the Service it is about, and a word to the pages, which is
all for an ELB: Events live in namespaces, and it is in none. Envoy goes on with what it had, so nothing else tells.
What Envoy has taken of an ELB stands in the ELB's status, under `proxy`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from workloads.controllers import hands
from workloads.kinds import elbs
from workloads.meta.errors import Conflict, NotFound
from workloads.meta.keys import Key
from workloads.store import hosts

JSON = dict[str, Any]

REASON = "ProxyRejected"
COMPONENT = "traffic"


class Complaints:
    """Remembers what has been said. Asks the database."""

    def __init__(self) -> None:
        self._said: dict[Key, str] | None = None
        self._served: dict[Key, JSON] = {}

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

    def serve(self, told: Mapping[Key, JSON]) -> None:
        """Writes what is new into the ELBs' statuses. Who wrote at the same time is not overwritten: it is said again
        at the next call."""
        self._served = {key: said for key, said in self._served.items() if key in told}
        for key, said in told.items():
            if self._served.get(key) != said and self._put(key, said):
                self._served[key] = said

    def _put(self, key: Key, said: JSON) -> bool:
        door = hands.client(COMPONENT, key.account)
        elb = hands.read(door, key)
        if elb is None:
            return False
        others = {name: value for name, value in (elb.get("status") or {}).items() if name != elbs.PROXY}
        try:
            hands.put_status(door, elb, others | ({elbs.PROXY: said} if said else {}))
        except (Conflict, NotFound):
            return False
        return True

    def _tell(self, key: Key, why: str) -> None:
        door = hands.client(COMPONENT, key.account)
        obj = hands.read(door, key)
        if obj is not None:
            message = f"the proxy does not take this and goes on with what it had: {why}"
            hands.tell(door, obj, component=COMPONENT, reason=REASON, message=message, type="Warning")
