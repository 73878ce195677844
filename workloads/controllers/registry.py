"""The list of controllers. To add one, write its module, then name it in `controllers`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from django.conf import settings

from workloads.controllers import (
    bursts,
    claims,
    cronjobs,
    elbs,
    ephemeral,
    garbage,
    namespaces,
    networks,
    queue,
    quotas,
    replicasets,
    sleepers,
    standing,
)
from workloads.controllers.autoscalers import reconcile as autoscalers
from workloads.controllers.autoscalers.reconcile import Measure
from workloads.controllers.base import Controller
from workloads.controllers.deployments import reconcile as deployments
from workloads.controllers.endpoints import reconcile as endpoints
from workloads.controllers.host import Host
from workloads.controllers.jobs import reconcile as jobs
from workloads.controllers.pods import reconcile as pods
from workloads.controllers.pods.hooks import Hooks
from workloads.controllers.pods.pulls import Pulls
from workloads.controllers.scalingpolicies import reconcile as scalingpolicies
from workloads.meta.keys import Key
from workloads.runtimes import registry as runtimes


@cache
def controllers() -> dict[str, Controller]:
    """All controllers by name. Naming them touches no runtime: the relay and the control queue have none."""
    return on(this_host(), pool=settings.POD_CIDR)


def on(host: Host, *, pool: str, measure: Measure | None = None) -> dict[str, Controller]:
    """The controllers of one host; `pool` is the range default Networks are cut from. `measure` instead of the agent's
    figures."""
    known = (
        pods.controller(host),
        replicasets.controller(),
        deployments.controller(),
        jobs.controller(),
        cronjobs.controller(),
        autoscalers.controller(measure),
        scalingpolicies.controller(measure),
        sleepers.controller(),
        endpoints.controller(),
        elbs.controller(),
        networks.controller(host, pool=pool),
        claims.controller(host),
        ephemeral.controller(),
        namespaces.controller(),
        quotas.controller(),
        standing.controller(),
        bursts.controller(),
        garbage.controller(),
    )
    return {controller.name: controller for controller in known}


def this_host() -> Host:
    return Host(
        runtime=runtimes.current,
        pulls=Pulls(runtimes.current, ring=_look_at_pods),
        hooks=Hooks(runtimes.current, ring=_look_at_pods),
        node=settings.NODE_NAME,
        overcommit=settings.OVERCOMMIT,
        lock=Path(settings.DATA_DIR) / "room.lock",
        reserved_bytes=settings.RESERVED_MEMORY,
        cards=settings.GPUS,
    )


def _look_at_pods(keys: Iterable[Key]) -> None:
    queue.add("pods", keys)
