"""Puts what the sampler has gathered under the name of the workload it belongs to, every few minutes; what is older
than a week and a day goes. See `store.usagehours`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from workloads.meta.keys import Key, Uid
from workloads.node.usage import Sampler
from workloads.store import objects, usagehours
from workloads.store.objects import Row
from workloads.store.usagehours import Place, Used

FLUSH_SECONDS = 300.0
KEPT = timedelta(days=8)
_DEEPEST = 2
"""Owners above a pod: its ReplicaSet or Job, and that one's Deployment or CronJob."""

logger = logging.getLogger(__name__)


def keep(sampler: Sampler, stop: threading.Event) -> None:
    """Until `stop`, and once more then."""
    while not stop.wait(FLUSH_SECONDS):
        flush(sampler, datetime.now(UTC))
    flush(sampler, datetime.now(UTC))


def flush(sampler: Sampler, now: datetime) -> int:
    """Returns for how many containers of workloads something was written. What cannot be written is kept."""
    gathered = sampler.drain()
    try:
        found = _by_workload(gathered)
        if found:
            usagehours.add(now.replace(minute=0, second=0, microsecond=0), found)
        usagehours.forget(now - KEPT)
    except Exception:
        sampler.restore(gathered)
        raise
    return len(found)


def _by_workload(gathered: Mapping[tuple[Uid, str], Used]) -> dict[Place, Used]:
    """Of pods that are gone already nothing is known any more."""
    homes = _workloads({uid for uid, _container in gathered})
    found: dict[Place, Used] = {}
    for (uid, container), used in gathered.items():
        home = homes.get(uid)
        if home is not None:
            place = Place(home.account, home.namespace, home.kind, home.name, container)
            found[place] = found.get(place, Used()) + used
    return found


def _workloads(uids: set[Uid]) -> dict[Uid, Key]:
    """The outermost owner of each pod."""
    pods = objects.read_uids(uids)
    known: dict[str, Row] = {row.uid: row for row in pods}
    for _ in range(_DEEPEST):
        missing = {row.owner_uid for row in known.values() if row.owner_uid} - known.keys()
        known |= {row.uid: row for row in objects.read_uids(missing)}
    return {pod.uid: _outermost(pod, known).key for pod in pods}


def _outermost(row: Row, known: Mapping[str, Row]) -> Row:
    for _ in range(_DEEPEST):
        above = known.get(row.owner_uid)
        if above is None or above.key.account != row.key.account:
            break
        row = above
    return row
