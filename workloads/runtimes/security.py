"""Who a container runs as and what it may do: the pod's securityContext under the container's own. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workloads.runtimes.base import SecuritySpec

JSON = Mapping[str, Any]


def effective(pod: JSON, container: JSON) -> SecuritySpec:
    """What the container says, else what the pod says, else what the image says."""
    whole, own = pod["spec"].get("securityContext") or {}, container.get("securityContext") or {}
    context = {**whole, **own}
    capabilities = own.get("capabilities") or {}
    groups = [*(whole.get("supplementalGroups") or ())]
    if "fsGroup" in whole:
        groups.append(whole["fsGroup"])
    return SecuritySpec(
        user=context.get("runAsUser"),
        group=context.get("runAsGroup"),
        more_groups=tuple(dict.fromkeys(groups)),
        read_only_root=bool(own.get("readOnlyRootFilesystem")),
        dropped=_plain(capabilities.get("drop")),
        added=_plain(capabilities.get("add")),
    )


def only_user(pod: JSON) -> int | None:
    """Whom all containers run as, where every one says so and it is the same."""
    spec = pod["spec"]
    users = {effective(pod, one).user for one in (*(spec.get("initContainers") or ()), *spec["containers"])}
    return users.pop() if len(users) == 1 else None


def demands_non_root(pod: JSON, container: JSON) -> bool:
    contexts = (pod["spec"].get("securityContext") or {}, container.get("securityContext") or {})
    return bool({**contexts[0], **contexts[1]}.get("runAsNonRoot"))


def root_problem(pod: JSON, container: JSON, *, image_user: str) -> str:
    """Why a container that must not be root may not start, in the kubelet's words; "" when it may. `image_user` is the
    image's own: a number, a name, with or without a group, or nothing."""
    if not demands_non_root(pod, container):
        return ""
    metadata = pod["metadata"]
    where = f'(pod: "{metadata["name"]}_{metadata["namespace"]}({metadata["uid"]})", container: {container["name"]})'
    user = effective(pod, container).user
    if user == 0:
        return f"container's runAsUser breaks non-root policy {where}"
    if user is not None:
        return ""
    name = image_user.partition(":")[0]
    if not name or (name.isdigit() and int(name) == 0):
        return f"container has runAsNonRoot and image will run as root {where}"
    if not name.isdigit():
        said = f"container has runAsNonRoot and image has non-numeric user ({name})"
        return f"{said}, cannot verify user is non-root {where}"
    return ""


def _plain(names: list[str] | None) -> tuple[str, ...]:
    return tuple(name.removeprefix("CAP_") for name in names or ())
