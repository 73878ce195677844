"""What this product's containers are called and labelled on a host. Pure.

A label of a container never changes, its name can. So a sandbox belongs to a pod by *name*: giving a warm one away is
one rename, which the daemon does at once or not at all and remembers over restarts.

    cci-warm-<random>                      a ready sandbox, nobody's yet
    cci-<pod uid>_<pod name>               a pod's sandbox
    cci-<pod uid>-<container>-<attempt>    one attempt of one of its containers
"""

from __future__ import annotations

import secrets

from workloads.meta.keys import Uid

INSTANCE = "cci.io/instance"
ACCOUNT = "cci.io/account"
NAMESPACE = "cci.io/namespace"
POD = "cci.io/pod"
POD_UID = "cci.io/pod-uid"
CONTAINER = "cci.io/container"
ATTEMPT = "cci.io/attempt"
WARM = "cci.io/warm"
"""On every sandbox that was made for a pool, and so also on those given away: the name of its network."""

WARM_PREFIX = "cci-warm-"
_PREFIX = "cci-"


def warm_name() -> str:
    return WARM_PREFIX + secrets.token_hex(8)


def sandbox_name(uid: Uid, pod: str) -> str:
    return f"{_PREFIX}{uid}_{pod}"


def container_name(uid: Uid, container: str, attempt: int) -> str:
    return f"{_PREFIX}{uid}-{container}-{attempt}"


def pod_of(sandbox: str) -> tuple[Uid, str] | None:
    """(uid, name) of the pod that a sandbox of this name belongs to; None for anything else."""
    name = sandbox.lstrip("/")
    uid, found, pod = name.removeprefix(_PREFIX).partition("_")
    if not name.startswith(_PREFIX) or not found:
        return None
    return Uid(uid), pod
