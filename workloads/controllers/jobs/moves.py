"""Which pods of a Job come and go now. Pure. Nobody comes in the look in which somebody goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from workloads.controllers import owners, replicas
from workloads.controllers.jobs import backoff, pods, policies, tally, verdicts
from workloads.controllers.jobs.births import Birth
from workloads.controllers.jobs.verdicts import Figures
from workloads.kinds import jobspecs

JSON = dict[str, Any]

AT_ONCE = 500
"""Pods made or deleted in one look at most."""


@dataclass(frozen=True)
class Moves:
    """`delete` lose their finalizer first: they are sent away, they have not failed. `wait` is when somebody may come
    who may not come yet."""

    delete: list[JSON] = field(default_factory=list)
    create: list[Birth] = field(default_factory=list)
    wait: float | None = None


def plan(job: JSON, owned: list[JSON], *, now: datetime) -> Moves:
    """`job` carries the status that was written in this look."""
    active = [pod for pod in owned if pods.is_active(pod)]
    if verdicts.written(job["status"]) is not None:
        return Moves(delete=[pod for pod in active if not pods.is_tracked(pod)][:AT_ONCE])
    if owners.is_deleting(job):
        return Moves()
    figures = tally.figures_of(job, job["status"], owned)
    wanted = _wanted(job, figures)
    too_many = _first_to_go(job, active, at_least=max(0, len(active) - wanted))
    if too_many:
        return Moves(delete=too_many[:AT_ONCE])
    leaving = sum(pods.is_terminating(pod) for pod in owned) if pods.replaces_only_failed(job) else 0
    missing = min(wanted - leaving - len(active), AT_ONCE)
    return _births(job, owned, figures, missing, now=now) if missing > 0 else Moves()


def _wanted(job: JSON, figures: Figures) -> int:
    """How many should run now."""
    spec = job["spec"]
    if spec.get("suspend"):
        return 0
    parallel = int(spec.get("parallelism", 1))
    if spec.get("completions") is None:
        return figures.active if figures.succeeded else parallel
    return max(0, min(int(spec["completions"]) - figures.succeeded, parallel))


def _first_to_go(job: JSON, active: list[JSON], *, at_least: int) -> list[JSON]:
    """Of an Indexed Job first who has no index (any more) or shares one; then as ReplicaSets choose."""
    if not jobspecs.is_indexed(job["spec"]):
        return replicas.first_to_go(active)[:at_least]
    kept: dict[int, JSON] = {}
    going = []
    for pod in reversed(replicas.first_to_go(active)):
        index = pods.index_of(job, pod)
        if index is None or index in kept:
            going.append(pod)
        else:
            kept[index] = pod
    return going + replicas.first_to_go(kept.values())[: max(0, at_least - len(going))]


def _births(job: JSON, owned: list[JSON], figures: Figures, missing: int, *, now: datetime) -> Moves:
    if figures.failed_indexes is not None:
        return _births_by_index(job, owned, figures, missing, now=now)
    left = backoff.left(job, owned, now)
    if left > 0:
        return Moves(wait=left)
    if not jobspecs.is_indexed(job["spec"]):
        return Moves(create=[Birth()] * missing)
    return Moves(create=[Birth(index) for index in _free_indexes(job, owned, figures, missing)])


def _births_by_index(job: JSON, owned: list[JSON], figures: Figures, missing: int, *, now: datetime) -> Moves:
    """Each index waits for itself; it holds up no other."""
    last = tally.waiting_for_heirs(job, figures, owned)
    free = _free_indexes(job, owned, figures, missing)
    left = {index: backoff.left_for_index(last[index], now) for index in free if index in last}
    ready = [index for index in free if not left.get(index)]
    waits = [seconds for seconds in left.values() if seconds > 0]
    return Moves(
        create=[Birth(index, _inherited(job, last.get(index))) for index in ready],
        wait=min(waits, default=None),
    )


def _inherited(job: JSON, last: JSON | None) -> tuple[int, int]:
    if last is None:
        return 0, 0
    counted, ignored = pods.failures(last)
    return (counted + 1, ignored) if policies.failure(job, last).counts else (counted, ignored + 1)


def _free_indexes(job: JSON, owned: list[JSON], figures: Figures, missing: int) -> list[int]:
    """The lowest that nobody works on and that are not decided."""
    taken = {
        pods.index_of(job, pod)
        for pod in owned
        if pods.is_active(pod) or (pods.is_terminating(pod) and pods.replaces_only_failed(job))
    }
    failed = figures.failed_indexes
    free = (
        index
        for index in range(int(job["spec"]["completions"]))
        if index not in taken and index not in figures.succeeded_indexes and not (failed and index in failed)
    )
    return list(islice(free, missing))
