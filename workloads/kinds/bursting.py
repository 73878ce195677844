"""What the bursting add-on of somebody's cluster writes here, and what is read from it. Pure.

The add-on is a client like any other; these names are what it and the service agree on.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from workloads.meta import times

JSON = dict[str, Any]

NAMESPACE_PREFIX = "cce-burst-"
LEASE = "burst-heartbeat"
"""The Lease in such a namespace that is renewed by who has just reached the cluster."""
CLUSTER_LABEL = "burst.cci.io/cluster"
"""On each pod, copy and Lease of a cluster: its id."""
GRACE_ANNOTATION = "burst.cci.io/grace-seconds"
SILENT_ANNOTATION = "burst.cci.io/silent-since"
"""On the Lease, by the service: when it was first seen to be late."""
LOCAL_ANNOTATION = "burst.cci.io/local-pods"
"""On the Lease, by the add-on: how many pods that may burst run on the cluster's own nodes."""
WARNER = "bursts"
"""The controller's name among the Lease's managers: what it writes is no heartbeat."""

DEFAULT_GRACE = timedelta(seconds=900)
"""Longer than a partition of ten minutes and what is needed to come back from it."""
SHORTEST_GRACE, LONGEST_GRACE = timedelta(seconds=60), timedelta(days=1)


def is_burst(namespace: str) -> bool:
    return namespace.startswith(NAMESPACE_PREFIX)


def cluster_of(namespace: str) -> str:
    return namespace.removeprefix(NAMESPACE_PREFIX)


def grace(lease: JSON) -> timedelta:
    """How long the pods stay while nothing is heard of their cluster; what cannot be read is the default."""
    text = str(((lease.get("metadata") or {}).get("annotations") or {}).get(GRACE_ANNOTATION, ""))
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        return DEFAULT_GRACE
    return min(max(timedelta(seconds=int(text)), SHORTEST_GRACE), LONGEST_GRACE)


def heard(lease: JSON) -> datetime:
    """When the cluster was heard of last, by this service's clock and not by that of who renews the Lease."""
    metadata = lease["metadata"]
    said = [
        one["time"] for one in metadata.get("managedFields") or [] if one.get("manager") != WARNER and one.get("time")
    ]
    return max(times.parse(text) for text in (metadata["creationTimestamp"], *said))


def local_pods(lease: JSON) -> int | None:
    """How many pods that may burst ran in the cluster when it was heard of last; None where it has not said."""
    text = str(((lease.get("metadata") or {}).get("annotations") or {}).get(LOCAL_ANNOTATION, ""))
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else None


def silent_since(lease: JSON) -> datetime | None:
    """When it was first seen to be late since the cluster was heard of last; None when it was not."""
    text = (lease["metadata"].get("annotations") or {}).get(SILENT_ANNOTATION)
    try:
        since = times.parse(text) if text else None
    except ValueError:
        return None
    return since if since is not None and since > heard(lease) else None
