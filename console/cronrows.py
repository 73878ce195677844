"""CronJobs as lists and details show them: where they stand, when they run next, how the last time went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console import cronwords, jobrows, rows
from console.jobrows import JobRow
from console.rows import Row
from console.sizes import Size
from console.states import State
from workloads.client import JSON, Client
from workloads.kinds import cronjobs
from workloads.kinds.schedules import ScheduleError

JOBS_LOOKED_AT = 100
NEXT_SHOWN = 5


@dataclass(frozen=True)
class CronJobRow(Row):
    jobs: tuple[JobRow, ...] = ()
    """Those that are kept, the newest first."""

    page = "console:cronjob"

    @property
    def spec(self) -> JSON:
        return dict(self.obj["spec"])

    @property
    def status(self) -> JSON:
        return dict(self.obj.get("status") or {})

    @cached_property
    def state(self) -> State:
        if self.leaving:
            return State(_("Terminating"), _("its Jobs are being removed"), "busy", "ring")
        at_work = len(self.active)
        busy = ngettext("%(count)s Job at work", "%(count)s Jobs at work", at_work) % {"count": at_work}
        if self.suspended:
            sentence = _("makes no Jobs until it is resumed")
            return State(_("Suspended"), f"{sentence}; {busy}" if at_work else sentence, "idle", "hollow")
        if self.last is not None and self.last.state.needs_a_look:
            why = _("its last Job failed: %(why)s") % {"why": self.last.state.sentence}
            advice = _("The logs of the failed pods say why. Mend the cause; “Run now” tries it at once.")
            return State(_("Failing"), why, "bad", "diamond", advice=advice)
        return State(_("Active"), busy if at_work else "", "ok", "dot")

    @property
    def suspended(self) -> bool:
        return bool(self.spec.get("suspend"))

    @property
    def active(self) -> list[JSON]:
        return list(self.status.get("active") or ())

    @property
    def words(self) -> str:
        return cronwords.words(self.cron)

    @property
    def cron(self) -> str:
        return str(self.spec["schedule"])

    @property
    def zone(self) -> str:
        return str(self.spec.get("timeZone") or "UTC")

    @cached_property
    def upcoming(self) -> list[datetime]:
        """The next times, in the schedule's zone; none while it is suspended."""
        if self.suspended or self.leaving:
            return []
        try:
            schedule = cronjobs.schedule(self.obj)
        except ScheduleError:
            return []
        return [moment.astimezone(schedule.zone) for moment in islice(schedule.times(datetime.now(UTC)), NEXT_SHOWN)]

    @property
    def next(self) -> datetime | None:
        return self.upcoming[0] if self.upcoming else None

    @property
    def last_run(self) -> str:
        """When a Job was made by schedule; "" before the first time."""
        return str(self.status.get("lastScheduleTime") or "")

    @property
    def last(self) -> JobRow | None:
        """Of its Jobs that have ended, the newest."""
        return next((row for row in self.jobs if row.finished), None)

    @property
    def images(self) -> list[str]:
        return [container["image"] for container in self._template["spec"]["containers"]]

    @cached_property
    def size(self) -> Size | None:
        """Of one pod."""
        known = rows.template_size(self._template)
        return known or next((row.size for row in self.jobs if row.size is not None), None)

    @property
    def parallelism(self) -> int:
        found = self.spec["jobTemplate"]["spec"].get("parallelism")
        return 1 if found is None else int(found)

    @property
    def completions(self) -> int | None:
        """None for Jobs that end with their first success."""
        spec = self.spec["jobTemplate"]["spec"]
        if spec.get("completions") is None and spec.get("parallelism") is not None:
            return None
        return int(spec.get("completions") or 1)

    @property
    def description(self) -> str:
        return self.annotations.get("description", "")

    @property
    def _template(self) -> JSON:
        return dict(self.spec["jobTemplate"]["spec"]["template"])


def cronjob_row(client: Client, cronjob: JSON, *, all_pods: bool = False) -> CronJobRow:
    """With its Jobs; their pods are read as for a list of Jobs, or all of them."""
    metadata = cronjob["metadata"]
    found = client.list("Job", metadata["namespace"], owner_uid=metadata["uid"], limit=JOBS_LOOKED_AT).items
    made = [jobrows.job_row(client, job, all_pods=all_pods) for job in found]
    return CronJobRow(cronjob, tuple(jobrows.newest_first(made)))
