"""What is the matter with the host that pods run on, for people who wonder why theirs do not start."""

from __future__ import annotations

from workloads.meta.keys import Key
from workloads.store import hosts


def trouble() -> str:
    """A sentence; "" while all is well."""
    return str((hosts.get(hosts.DISK) or {}).get("short", ""))


def rejected(account: str) -> dict[Key, str]:
    """Services and ELBs of the account that the proxy does not take as they are, and why."""
    told = (hosts.get(hosts.PROXY) or {}).get("rejected") or ()
    own = (one for one in told if one["account"] == account)
    return {Key(account, one["kind"], one["namespace"], one["name"]): str(one["why"]) for one in own}
