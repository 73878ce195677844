"""The two writes of scale to zero: a Deployment's pods are stopped and remembered, and brought back."""

from __future__ import annotations

import logging
from typing import Any

from workloads.controllers import hands
from workloads.kinds import sleeping
from workloads.meta.errors import Conflict, NotFound
from workloads.meta.keys import Key

log = logging.getLogger(__name__)

JSON = dict[str, Any]

COMPONENT = "sleeper"
TRIES = 5


def put_to_sleep(key: Key, deployment: JSON) -> int | None:
    """If it is still what it was when it was found idle. The revision of the write, None without one."""
    try:
        return _patch(key, deployment, sleeping.to_sleep(deployment))
    except (Conflict, NotFound) as race:
        log.info("%s does not fall asleep: %s", key, race)
        return None


def wake(key: Key, *, at: str) -> None:
    """Unless it is awake, or gone. Raises StatusError."""
    for number in range(TRIES):
        deployment = hands.read(hands.client(COMPONENT, key.account), key)
        if deployment is None or not sleeping.is_asleep(deployment):
            return
        try:
            _patch(key, deployment, sleeping.to_wake(deployment, at=at))
        except NotFound:
            return
        except Conflict:
            if number == TRIES - 1:
                raise
            continue
        return


def _patch(key: Key, deployment: JSON, patch: JSON) -> int:
    """Compare and set."""
    metadata = deployment["metadata"]
    pinned = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
    whole = {**patch, "metadata": {**pinned, **patch["metadata"]}}
    made = (
        hands.client(COMPONENT, key.account)
        .patch(key.kind, key.name, whole, "application/merge-patch+json", key.namespace)
        .obj
    )
    return int(made["metadata"]["resourceVersion"])
