"""A pod behind a Service is out of the proxy before its containers are told to stop, so that no request is sent to it
meanwhile; what is under way has a moment to end.

The proxy takes a pod out as soon as the log says that it is to go. Here is only waited for it, and not for ever: a
proxy tier that does not answer holds up nobody for longer than `PATIENCE`.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from workloads.controllers.pods.look import Look
from workloads.store import objects
from workloads.verbs import proxy

log = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=5)
DRAIN = timedelta(seconds=0.25)
_ASK_SECONDS = 0.25
_AGAIN_SECONDS = 0.1


def is_over(look: Look) -> bool:
    """Whether nobody is sent to the pod any more. If not, the look comes again soon."""
    if look.lifecycle.at("terminatingAt"):
        return True
    out = look.lifecycle.at("outAt")
    if out is None:
        if not proxy.is_here() or not _is_behind_a_service(look):
            return True
        if not _is_out(look):
            look.wake_in(_AGAIN_SECONDS)
            return False
        look.lifecycle.mark("outAt", look.now)
        out = look.now
    if look.now < out + DRAIN:
        look.wake_at(out + DRAIN)
        return False
    return True


def _is_behind_a_service(look: Look) -> bool:
    slices = objects.scan("EndpointSlice", account=look.key.account, namespace=look.key.namespace).rows
    return any(look.uid.encode() in one.data for one in slices)


def _is_out(look: Look) -> bool:
    look.lifecycle.mark("leavingAt", look.now)
    since = look.lifecycle.at("leavingAt") or look.now
    try:
        if proxy.has(int(look.pod["metadata"]["resourceVersion"]), seconds=_ASK_SECONDS):
            return True
        problem = "Envoy does not say that it has it"
    except proxy.Away as error:
        problem = f"the proxy tier does not answer ({error})"
    if look.now < since + PATIENCE:
        return False
    log.warning("%s is stopped although requests may still be sent to it: %s", look.key, problem)
    return True
