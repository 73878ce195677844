"""Why a workload's pods have the size they have, what of it is waste, and the smaller size that its use would allow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from billing import client as billing
from billing.client import Rate
from console.access import Visit
from console.sizes import cores, gib
from workloads.client import JSON, UsedHour
from workloads.kinds import namespaces
from workloads.meta.errors import StatusError
from workloads.meta.quantity import MIB

WEEK = timedelta(days=7)
CAN_FOLLOW = ("Deployment", "CronJob")
"""Kinds whose template can be changed."""


@dataclass(frozen=True)
class NeedRow:
    """One container, in words."""

    container: str
    cpu: str
    cpu_peak: str
    memory: str
    readings: int
    hours: int


@dataclass(frozen=True)
class SizingRow:
    kind: str
    name: str
    namespace: str
    pods: int
    """That run, or may run at once."""
    found: billing.Sizing

    @property
    def can_follow(self) -> bool:
        return self.kind in CAN_FOLLOW and self.found.advice.specification is not None

    @property
    def needs(self) -> list[NeedRow]:
        return [
            NeedRow(
                need.container,
                cores(need.cpu_millis),
                cores(need.cpu_peak),
                gib(max(1, -(-need.memory_bytes // MIB))),
                need.readings,
                need.hours,
            )
            for need in self.found.advice.needs
        ]

    @property
    def used(self) -> str:
        found = self.found
        return f"{cores(found.used_cpu_millis)} · {gib(max(1, -(-found.used_memory_bytes // MIB)))}"

    @property
    def is_measured(self) -> bool:
        return bool(self.found.advice.needs)

    @property
    def saved(self) -> Rate:
        """Of all its pods."""
        return self.found.saved.times(self.pods)

    @property
    def waste(self) -> Rate:
        return self.found.waste.times(self.pods)


def of(visit: Visit, kind: str, name: str, template: JSON, *, pods: int = 1) -> SizingRow | None:
    """None where there is no size or price. Who may not see the workload is told of the size alone."""
    flavor = namespaces.flavor(visit.namespace_object)
    found = billing.sizing(kind, template, _hours(visit, kind, name), flavor=flavor)
    return None if found is None else SizingRow(kind, name, visit.namespace, max(1, pods), found)


def of_workload(visit: Visit, obj: JSON) -> SizingRow | None:
    """Of a Deployment, a Job or a CronJob. A CronJob's Jobs are measured under its name."""
    kind, name, spec = obj["kind"], obj["metadata"]["name"], obj["spec"]
    if kind == "CronJob":
        return of(visit, kind, name, spec["jobTemplate"]["spec"]["template"])
    owner = next((one for one in obj["metadata"].get("ownerReferences") or () if one.get("controller")), None)
    if owner is not None and owner["kind"] == "CronJob":
        kind, name = "CronJob", owner["name"]
    return of(visit, kind, name, spec["template"], pods=int(spec.get("replicas", 1)))


def _hours(visit: Visit, kind: str, name: str) -> list[UsedHour]:
    since: Any = datetime.now(UTC) - WEEK
    try:
        return list(visit.client.used_hours(kind, name, visit.namespace, since=since))
    except StatusError:
        return []


def context(visit: Visit, obj: JSON) -> dict[str, Any]:
    """For `_partials/sizing.html`."""
    kind, name = obj["kind"], obj["metadata"]["name"]
    may_resize = kind in CAN_FOLLOW and visit.client.may("patch", kind, visit.namespace, name=name)
    return {"sizing": of_workload(visit, obj), "may_resize": may_resize}


def context_of_pod(visit: Visit, pod: JSON, life: billing.Life | None) -> dict[str, Any]:
    """The same of a pod, by what all pods of its workload used."""
    kind, name = ("Pod", pod["metadata"]["name"]) if life is None else (life.workload_kind, life.workload_name)
    may_resize = kind in CAN_FOLLOW and visit.client.may("patch", kind, visit.namespace, name=name)
    return {"sizing": of(visit, kind, name, pod), "may_resize": may_resize}
