"""Jobs as lists and details show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from billing import client as billing
from billing.client import Meter, Rate
from console import jobstates, rows
from console.rows import PodRow, Row, Source
from console.sizes import Size
from console.states import State
from workloads.client import JSON, Client, Listing
from workloads.kinds import jobs, jobspecs
from workloads.meta import indexes
from workloads.meta.indexes import Indexes, IndexesError

INDEX = "batch.kubernetes.io/job-completion-index"
_NOT_ENDED = "status.phase!=Succeeded,status.phase!=Failed"
_UIDS = 500
"""Pods asked about at a time for a sum."""
_MARKS = 100
"""Indexes shown one by one at most."""


@dataclass(frozen=True)
class Part:
    """A span of the progress bar, in per cent."""

    kind: str
    count: int
    x: str
    width: str


@dataclass(frozen=True)
class JobRow(Row):
    pods: tuple[PodRow, ...] = ()
    """Those looked at; in lists of what has ended at most one, which knows the billed size."""

    burn: Rate | None = None
    """What all of its pods cost now, where there are more of them than `pods`."""

    page = "console:job"

    @property
    def more_pods(self) -> bool:
        return self.burn is not None

    @cached_property
    def state(self) -> State:
        return jobstates.of_job(self.obj, [row.obj for row in self.pods], more=self.more_pods)

    @property
    def spec(self) -> JSON:
        return dict(self.obj["spec"])

    @property
    def status(self) -> JSON:
        return dict(self.obj.get("status") or {})

    @property
    def finished(self) -> bool:
        return jobs.is_finished(self.obj)

    @property
    def suspended(self) -> bool:
        return bool(self.spec.get("suspend"))

    @property
    def succeeded(self) -> int:
        return jobstates.number(self.obj, "succeeded")

    @property
    def failed(self) -> int:
        return jobstates.number(self.obj, "failed")

    @property
    def active(self) -> int:
        return jobstates.number(self.obj, "active")

    @property
    def parallelism(self) -> int:
        return int(self.spec.get("parallelism", 1))

    @property
    def completions(self) -> int | None:
        """None for a Job that ends with its first success."""
        return self.spec.get("completions")

    @property
    def done(self) -> str:
        """`2/5`, as kubectl prints it."""
        return f"{self.succeeded}/{1 if self.completions is None else self.completions}"

    @property
    def images(self) -> list[str]:
        return [container["image"] for container in self.spec["template"]["spec"]["containers"]]

    @cached_property
    def size(self) -> Size | None:
        """Of one pod."""
        for row in self.pods:
            if row.size is not None:
                return row.size
        return rows.template_size(self.spec["template"])

    @property
    def rate(self) -> Rate | None:
        """What it costs now; None while it has no pods that cost."""
        if self.burn is not None:
            return self.burn if self.burn.per_second else None
        found = [row.rate for row in self.pods if row.rate is not None and row.rate.per_second]
        if not found:
            return None
        return Rate(found[0].currency, sum((rate.per_second for rate in found), Decimal(0)))

    @property
    def source(self) -> Source | None:
        owner = rows.controller_of(self.obj)
        return Source(owner["kind"], owner["name"]) if owner else None

    @property
    def seconds(self) -> float | None:
        """What it took, or has taken so far."""
        return jobstates.took(self.obj, now=datetime.now(UTC))

    @property
    def must_end_at(self) -> datetime | None:
        return jobstates.must_end_at(self.obj)

    @property
    def ended_at(self) -> datetime | None:
        return jobstates.ended_at(self.obj)

    @property
    def removed_at(self) -> datetime | None:
        return jobstates.removed_at(self.obj)

    @property
    def bar(self) -> list[Part]:
        """Succeeded, running and failed side by side; what is still to come is empty."""
        counts = {"done": self.succeeded, "active": self.active, "failed": self.failed}
        total = max(self.completions or 1, 1)
        whole = max(total, sum(counts.values()))
        parts, x = [], 0.0
        for kind, count in counts.items():
            if count:
                width = 100 * count / whole
                parts.append(Part(kind, count, f"{x:.2f}%", f"{width:.2f}%"))
                x += width
        return parts

    @property
    def is_indexed(self) -> bool:
        return jobspecs.is_indexed(self.spec)

    @property
    def marks(self) -> list[tuple[int, str]]:
        """Each index with its tone; empty where there are too many to look at."""
        total = self.completions or 0
        if not self.is_indexed or not 0 < total <= _MARKS:
            return []
        completed, lost = _indexes(self.status, "completedIndexes"), _indexes(self.status, "failedIndexes")
        running = {index for row in self.pods if not row.ended and (index := index_of(row.obj)) is not None}
        return [(index, _tone(index, completed, lost, running)) for index in range(total)]

    @property
    def description(self) -> str:
        return self.annotations.get("description", "")


def job_row(client: Client, job: JSON, *, all_pods: bool = False) -> JobRow:
    """Its pods are read where they tell something: while it has not ended, or `all_pods`."""
    if all_pods or not jobs.is_finished(job):
        pods, more = _pods_of(client, job)
        return JobRow(job, tuple(map(PodRow, pods)), meter(client, job).rate if more else None)
    known = rows.template_size(job["spec"]["template"]) is not None
    return JobRow(job) if known else JobRow(job, tuple(map(PodRow, _owned(client, job, limit=1).items)))


def job_rows(client: Client, jobs_: Sequence[JSON]) -> list[JobRow]:
    """As `job_row` makes them, with one question for the pods of all that have not ended."""
    working = {job["metadata"]["uid"]: job["metadata"]["namespace"] for job in jobs_ if not jobs.is_finished(job)}
    owned = client.owned("Pod", working, each=rows.PODS_LOOKED_AT + 1)
    return [_job_row(client, job, owned.get(job["metadata"]["uid"])) for job in jobs_]


def _job_row(client: Client, job: JSON, pods: Sequence[JSON] | None) -> JobRow:
    """`pods` are all it has, or more than are looked at; None where nobody asked."""
    if pods is None or len(pods) > rows.PODS_LOOKED_AT:
        return job_row(client, job)
    return JobRow(job, tuple(map(PodRow, _newest_first(pods))))


def meter(client: Client, job: JSON) -> Meter:
    """A CronJob's bill stands under its own name: what one of its Jobs cost is the sum of the pods that are there."""
    account, metadata = client.identity.account, job["metadata"]
    if rows.controller_of(job) is None:
        return billing.total(account, namespace=metadata["namespace"], workload_uid=metadata["uid"])
    found: list[Meter] = []
    token = ""
    while True:
        page = client.list_rows(
            "Pod", metadata["namespace"], owner_uid=metadata["uid"], limit=_UIDS, continue_token=token
        )
        found += billing.pod_meters(account, [row.uid for row in page.rows]).values()
        token = page.continue_token
        if not token:
            return billing.together(found)


def newest_first(found: Iterable[JobRow]) -> list[JobRow]:
    return sorted(found, key=lambda row: (row.created, row.name), reverse=True)


def _pods_of(client: Client, job: JSON) -> tuple[list[JSON], bool]:
    """The newest first, and whether there are more. Of too many, those that have not ended come before the others."""
    most = rows.PODS_LOOKED_AT
    listing = _owned(client, job, limit=most)
    found = listing.items
    if listing.continue_token:
        working = _owned(client, job, limit=most, fields=_NOT_ENDED).items
        known = {pod["metadata"]["uid"] for pod in working}
        found = [*working, *(pod for pod in found if pod["metadata"]["uid"] not in known)][:most]
    return _newest_first(found), bool(listing.continue_token)


def _newest_first(pods: Iterable[JSON]) -> list[JSON]:
    return sorted(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")), reverse=True)


def _owned(client: Client, job: JSON, *, limit: int, fields: str = "") -> Listing:
    metadata = job["metadata"]
    return client.list("Pod", metadata["namespace"], owner_uid=metadata["uid"], field_selector=fields, limit=limit)


def index_of(pod: Mapping[str, Any]) -> int | None:
    text = (pod["metadata"].get("annotations") or {}).get(INDEX, "")
    return int(text) if text.isdigit() else None


def _indexes(status: JSON, name: str) -> Indexes:
    try:
        return indexes.parse(status.get(name, ""))
    except IndexesError:
        return Indexes()


def _tone(index: int, completed: Indexes, lost: Indexes, running: set[int]) -> str:
    if index in completed:
        return "ok"
    if index in lost:
        return "bad"
    return "busy" if index in running else "none"
