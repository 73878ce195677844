"""Claims as lists and details show them: state, how full, and who uses them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import orjson
from django.utils.translation import gettext as _

from console.rows import PodRow, Row
from console.states import State
from workloads.client import JSON, Client
from workloads.kinds import claimspecs
from workloads.meta import quantity

_OVER = ("Succeeded", "Failed")
_PAGE = 500
_MOUNTS = (b'"persistentVolumeClaim"', b'"ephemeral"')
"""A pod whose bytes have neither uses no claim, and need not be read."""
Users = dict[tuple[str, str], list[PodRow]]
"""By (namespace, claim)."""


@dataclass(frozen=True)
class ClaimRow(Row):
    users: tuple[PodRow, ...] = ()
    """The unfinished pods that name it."""
    failure: str = ""
    """Why there is no volume yet, as its events tell; read where it is asked for."""

    @cached_property
    def state(self) -> State:
        phase = claimspecs.phase(self.obj)
        if self.leaving:
            waits = _("waits until no pod uses it") if self.users else _("its data is being removed")
            return State(_("Terminating"), waits, "busy", "ring")
        if phase == "Lost":
            advice = _("If the host's disk was not mounted, mount it: the claim is bound again when the data is back.")
            return State(_("Lost"), _("its data is not on the host any more"), "bad", "diamond", advice=advice)
        if phase != "Bound":
            sentence = self.failure or _("waits for its volume")
            return State(_("Pending"), sentence, "warn" if self.failure else "busy", "hollow")
        if self.used is not None and self.used > self.bytes:
            said = _("more is in it than its size")
            return State(_("Bound"), said, "warn", "triangle", advice=_("Delete something in it, or let it grow."))
        return State(_("Bound"), tone="ok")

    @property
    def storage_class(self) -> str:
        return str(self.obj["spec"].get("storageClassName", ""))

    @property
    def words(self) -> str:
        """What its class is."""
        known = claimspecs.CLASSES.get(self.storage_class)
        return known.words if known else ""

    @property
    def modes(self) -> list[str]:
        return list(self.obj["spec"].get("accessModes") or ())

    @property
    def asked(self) -> str:
        return str(self.obj["spec"]["resources"]["requests"]["storage"])

    @property
    def size(self) -> str:
        """What it has; what it asks for while it has none."""
        given = ((self.obj.get("status") or {}).get("capacity") or {}).get("storage")
        return str(given or self.asked)

    @property
    def bytes(self) -> int:
        return quantity.whole(self.size)

    @property
    def used(self) -> int | None:
        return claimspecs.used(self.obj)

    @property
    def used_words(self) -> str:
        """`1.2 GiB`; "" while nobody has counted."""
        return "" if self.used is None else amount(self.used)

    @property
    def percent(self) -> int | None:
        return None if self.used is None or not self.bytes else min(999, round(100 * self.used / self.bytes))

    @property
    def counted_at(self) -> str:
        return str(((self.obj.get("status") or {}).get("usage") or {}).get("countedAt", ""))

    @property
    def holders(self) -> list[str]:
        """The workloads behind its pods, each once; a bare pod stands for itself."""
        return list(dict.fromkeys(row.source.name if row.source else row.name for row in self.users))


def amount(count: int) -> str:
    """Bytes as people read them."""
    for unit, size in (("GiB", quantity.GIB), ("MiB", quantity.MIB)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{-(-count // 1024)} KiB"


def claim_row(client: Client, claim: JSON, *, all_users: bool = True) -> ClaimRow:
    """With why it has no volume, and who uses it: where that tells something (it is leaving), or `all_users`."""
    metadata = claim["metadata"]
    asked = all_users or metadata.get("deletionTimestamp")
    made = with_users(claim, users(client, metadata["namespace"]) if asked else {})
    return replace(made, failure=_failure(client, claim))


def with_users(claim: JSON, users: Users) -> ClaimRow:
    metadata = claim["metadata"]
    return ClaimRow(claim, tuple(users.get((metadata["namespace"], metadata["name"]), ())))


def users(client: Client, scope: str | None) -> Users:
    """The unfinished pods that name claims: read once for a whole list."""
    found: Users = {}
    token = ""
    while True:
        listing = client.list_rows("Pod", scope, limit=_PAGE, continue_token=token)
        for row in listing.rows:
            if row.phase in _OVER or not any(word in row.data for word in _MOUNTS):
                continue
            pod: JSON = orjson.loads(row.data)
            for name in dict.fromkeys(claimspecs.of_pod(pod).values()):
                found.setdefault((pod["metadata"]["namespace"], name), []).append(PodRow(pod))
        token = listing.continue_token
        if not token:
            return found


def _failure(client: Client, claim: JSON) -> str:
    if claimspecs.phase(claim) != "Pending":
        return ""
    metadata = claim["metadata"]
    events = client.list("Event", metadata["namespace"], field_selector=f"involvedObject.uid={metadata['uid']}").items
    failed = [event for event in events if event.get("reason") == "ProvisioningFailed"]
    newest = max(failed, key=lambda event: str(event.get("lastTimestamp") or ""), default=None)
    return str(newest["message"]) if newest else ""
