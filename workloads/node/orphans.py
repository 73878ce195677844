"""Sandboxes whose pod is not in the store any more: a crash between two steps may leave one, nothing else removes it.

A young sandbox is left alone: the look that made it may not be over. A pod's row is written before its sandbox is made,
so an old sandbox without a row is nobody's.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta

from workloads.meta.keys import Uid
from workloads.runtimes.base import Runtime, RuntimeFault, SandboxStatus
from workloads.store import objects

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 60.0
SAFE_AGE = timedelta(minutes=2)


def sweep(runtime: Runtime, stop: threading.Event) -> None:
    """Until `stop`; the first time at once."""
    while True:
        try:
            sweep_once(runtime)
        except RuntimeFault as error:
            logger.info("nothing was swept: %s", error)
        if stop.wait(SWEEP_SECONDS):
            return


def sweep_once(runtime: Runtime) -> list[SandboxStatus]:
    """What was removed."""
    now = runtime.now()
    removed = [one for one in runtime.sandboxes() if _is_old(one, now) and not _has_pod(one)]
    for one in removed:
        logger.warning("pod %s/%s is gone; its sandbox %s is removed", one.namespace, one.name, one.uid)
        runtime.remove_sandbox(one.uid)
    for uid in runtime.volume_owners():
        # a pod's row stands before its volumes are made
        if not _is_known(uid):
            logger.warning("pod %s is gone; its volumes and its control group are removed", uid)
            runtime.remove_sandbox(uid)
    return removed


def _is_old(sandbox: SandboxStatus, now: datetime) -> bool:
    return sandbox.created_at is None or now - sandbox.created_at > SAFE_AGE


def _has_pod(sandbox: SandboxStatus) -> bool:
    return _is_known(sandbox.uid)


def _is_known(uid: Uid) -> bool:
    try:
        objects.read_uid(uid)
    except objects.Missing:
        return False
    return True
