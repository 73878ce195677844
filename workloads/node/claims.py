"""The data of claims, looked after in the background: what was removed is cleared away, what is there is counted, and
what belongs to nobody is set aside, and goes in the end.

Nothing of it is in a hurry. Data whose claim the store does not know is set aside when it is old, was seen so for an
hour, and the store knows other claims: a database that is empty owns nothing, but proves nothing either. It may be an
older database, or another: for a week the data comes back with its claim.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from workloads.controllers import hands, queue
from workloads.kinds import claimspecs
from workloads.kinds.storageclasses import PROVISIONER
from workloads.meta import quantity, times
from workloads.meta.errors import Conflict, NotFound
from workloads.meta.keys import Uid
from workloads.runtimes import bags
from workloads.runtimes.base import Runtime, RuntimeFault
from workloads.runtimes.claims import ClaimSpec
from workloads.store import objects

logger = logging.getLogger(__name__)
JSON = dict[str, Any]

KIND = "PersistentVolumeClaim"
TICK_SECONDS = 5.0
COUNT_SECONDS = 60.0
RESTS = 9
"""Counting many files makes a disk busy: after each claim it rests so many times as long as that took."""
TELL_AGAIN = timedelta(minutes=10)
UNKNOWN_FOR = timedelta(hours=1)
SET_ASIDE_FOR = timedelta(days=7)
WORTH_WRITING = quantity.MIB


def keep(runtime: Runtime, stop: threading.Event) -> None:
    """Until `stop`."""
    keeper = Keeper(runtime, rest=stop.wait)
    due, told = 0.0, dict[str, str]()
    while not stop.is_set():
        _try(runtime.claims.clear, told)
        if time.monotonic() >= due:
            _try(keeper.count, told)
            _try(keeper.sweep, told)
            due = time.monotonic() + COUNT_SECONDS
        stop.wait(TICK_SECONDS)


def _try(part: Callable[[], object], told: dict[str, str]) -> None:
    """One part that fails keeps no other from its work. The same words are logged once."""
    try:
        part()
    except (OSError, RuntimeFault) as error:
        if str(error) != told.get(part.__name__):
            logger.warning("claims are not looked after: %s", error)
        told[part.__name__] = str(error)
    else:
        told.pop(part.__name__, None)


@dataclass
class Keeper:
    """What it remembers may be lost: it only waits longer then."""

    runtime: Runtime
    rest: Callable[[float], object] = lambda seconds: None
    told: dict[str, datetime] = field(default_factory=dict)
    unknown: dict[Uid, datetime] = field(default_factory=dict)
    """Since when nobody has known whose data that is."""

    def count(self) -> None:
        """Every claim that has a volume: how much is in it. One whose data is not there is looked at by its
        controller."""
        for row in objects.scan(KIND).rows:
            if row.phase != "Bound":
                continue
            claim = orjson.loads(row.data)
            began = time.monotonic()
            found = self.runtime.claims.usage(bags.claim_of(claim, account=row.key.account))
            if found is None:
                queue.add("claims", [row.key])
            else:
                self._note(claim, found, account=row.key.account)
            self.rest((time.monotonic() - began) * RESTS)

    def sweep(self) -> list[ClaimSpec]:
        """Whose data was set aside or taken away."""
        now, kept = self.runtime.now(), self.runtime.claims.kept()
        if not objects.count(KIND):
            self.unknown.clear()
            return []
        strangers = {one.claim.uid: one for one in kept if not _is_known(one.claim.uid)}
        self.unknown = {uid: self.unknown.get(uid, now) for uid in strangers}
        unknown = [one for uid, one in strangers.items() if now - self.unknown[uid] >= UNKNOWN_FOR]
        moved = [one.claim for one in unknown if one.set_aside_at is None and now - one.made_at >= UNKNOWN_FOR]
        gone = [one.claim for one in unknown if one.set_aside_at and now - one.set_aside_at >= SET_ASIDE_FOR]
        for claim in moved:
            place = self.runtime.claims.set_aside(claim)
            logger.warning(
                "no claim %s of account %s is known any more: its data is kept in %s for %d days and then removed. It "
                "comes back by itself when the database that knows the claim does; or copy it from there",
                *(claim.uid, claim.account, place, SET_ASIDE_FOR.days),
            )
        for claim in gone:
            logger.warning("the data of claim %s of account %s, set aside, is removed", claim.uid, claim.account)
            self.runtime.claims.remove(claim)
        return moved + gone

    def _note(self, claim: JSON, found: int, *, account: str) -> None:
        before, size, now = claimspecs.used(claim), claimspecs.capacity(claim), self.runtime.now()
        door = hands.client("claims", account)
        if before is None or abs(found - before) >= WORTH_WRITING:
            usage = {"bytes": found, "countedAt": times.format_seconds(now)}
            try:
                claim = hands.put_status(door, claim, {**claim["status"], "usage": usage})
            except (Conflict, NotFound):
                return  # somebody wrote meanwhile: the next count is soon enough
        uid = claim["metadata"]["uid"]
        if found > size and now - self.told.get(uid, now - TELL_AGAIN) >= TELL_AGAIN:
            self.told[uid] = now
            message = (
                f"{_gib(found)} are in a volume of {_gib(size)}: delete something, or let the claim grow "
                "(spec.resources.requests.storage); the size is counted and not enforced"
            )
            hands.tell(door, claim, component=PROVISIONER, reason="VolumeOverSize", message=message, type="Warning")


def _gib(count: int) -> str:
    return f"{count / quantity.GIB:.1f} GiB"


def _is_known(uid: Uid) -> bool:
    try:
        objects.read_uid(uid)
    except objects.Missing:
        return False
    return True
