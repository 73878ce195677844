"""securityContext of pods and containers: who a container runs as and what it may do. Pure.

Served is everything that takes rights away or changes the user. What would give more rights than every container has
(`refusals.SECURITY_FIELDS`) is refused by name.
"""

from __future__ import annotations

from typing import Any

from workloads.kinds import refusals
from workloads.meta import causes
from workloads.meta.errors import Cause

JSON = dict[str, Any]

CAPABILITIES = (
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
)
"""What a container has at most: Docker's default without NET_RAW."""
LARGEST_ID = 2**31 - 1
FS_GROUP_POLICIES = ("Always", "OnRootMismatch")


def validate(context: JSON, field: str) -> list[Cause]:
    """All that is wrong with a container's securityContext."""
    found = refusals.refused_fields(context, refusals.SECURITY_FIELDS, field)
    found += _ids(context, field, ("runAsUser", "runAsGroup"))
    for index, name in enumerate((context.get("capabilities") or {}).get("add") or []):
        if name.removeprefix("CAP_") not in CAPABILITIES:
            rule = f"is not offered; a container may have at most {', '.join(CAPABILITIES)}"
            found.append(causes.forbidden(f"{field}.capabilities.add[{index}]", f"{name} {rule}"))
    return found


def validate_pod(context: JSON, field: str) -> list[Cause]:
    """The same for the pod's own, which holds for all its containers."""
    found = refusals.refused_fields(context, refusals.POD_SECURITY_FIELDS, field)
    found += _ids(context, field, ("runAsUser", "runAsGroup", "fsGroup"))
    for index, group in enumerate(context.get("supplementalGroups") or []):
        found += _id(group, f"{field}.supplementalGroups[{index}]")
    policy = context.get("fsGroupChangePolicy")
    if policy is not None and policy not in FS_GROUP_POLICIES:
        found.append(causes.unsupported(f"{field}.fsGroupChangePolicy", policy, FS_GROUP_POLICIES))
    return found


def _ids(context: JSON, field: str, names: tuple[str, ...]) -> list[Cause]:
    return [cause for name in names if name in context for cause in _id(context[name], f"{field}.{name}")]


def _id(number: int, field: str) -> list[Cause]:
    if 0 <= number <= LARGEST_ID:
        return []
    return [causes.invalid(field, number, f"must be between 0 and {LARGEST_ID}, inclusive")]
