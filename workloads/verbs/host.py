"""What is the matter with the host that pods run on, for people who wonder why theirs do not start."""

from __future__ import annotations

from workloads.store import hosts


def trouble() -> str:
    """A sentence; "" while all is well."""
    return str((hosts.get(hosts.DISK) or {}).get("short", ""))
