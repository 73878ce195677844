"""Create a Job or a CronJob from an image: three steps, one manifest. What a Job does stands in both forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from console.forms.drafts import JSON, FieldError, Fields, Whole, text
from console.forms.podtemplates import PodDraft
from console.forms.schedules import ScheduleDraft
from console.forms.workloads import WorkloadDraft, head

ONCE, CUSTOM = "once", "custom"
RESTARTS = ("Never", "OnFailure")
POLICIES = ("Forbid", "Allow", "Replace")
JOB_FIELDS = (
    "mode",
    "completions",
    "parallelism",
    "indexed",
    "restart_policy",
    "timeout",
    "retries",
    "ttl",
    *PodDraft.SETTINGS,
)
NUMBERS = {
    "completions": ("completions", 1, gettext_lazy("The number of pods that have to succeed")),
    "parallelism": ("parallelism", 1, gettext_lazy("The number of pods side by side")),
    "timeout": ("activeDeadlineSeconds", 0, gettext_lazy("The time limit")),
    "retries": ("backoffLimit", 6, gettext_lazy("The number of tries")),
    "ttl": ("ttlSecondsAfterFinished", 0, gettext_lazy("The time to live")),
}
"""Field -> its path in the Job's spec, what holds when nobody types, and what it is called."""


@dataclass(frozen=True)
class WorkDraft:
    """What a Job says besides its pods."""

    mode: str
    """ONCE: one pod that has to succeed. CUSTOM: as many as `completions` says."""
    completions: Whole
    parallelism: Whole
    indexed: bool
    restart_policy: str
    timeout: Whole
    retries: Whole
    ttl: Whole

    @classmethod
    def read(cls, fields: Fields) -> WorkDraft:
        numbers = {name: Whole.read(fields, name, default) for name, (_path, default, _label) in NUMBERS.items()}
        return cls(
            mode=text(fields, "mode", ONCE),
            indexed="indexed" in fields,
            restart_policy=text(fields, "restart_policy", RESTARTS[0]),
            **numbers,
        )

    @property
    def pods(self) -> int | None:
        """At most so many run side by side."""
        if self.mode != CUSTOM:
            return 1
        if not (self.completions.readable and self.parallelism.readable):
            return None
        return max(0, min(self.completions.value, self.parallelism.value))

    @property
    def seconds(self) -> int | None:
        """The longest it may take; None without a limit."""
        return self.timeout.value if self.timeout.typed and self.timeout.value > 0 else None

    def problems(self) -> list[FieldError]:
        found = []
        for name, (_path, _default, label) in NUMBERS.items():
            if self.mode == CUSTOM or name not in ("completions", "parallelism"):
                found += getattr(self, name).problems(name, label)
        return found

    def spec(self) -> JSON:
        """Without the pod template. What nobody chose is left to Kubernetes' defaults."""
        made: JSON = {}
        if self.mode == CUSTOM:
            made = {"completions": self.completions.value, "parallelism": self.parallelism.value}
            made |= {"completionMode": "Indexed"} if self.indexed else {}
        for name in ("timeout", "retries", "ttl"):
            made |= getattr(self, name).asked(NUMBERS[name][0])
        return made


def _places(at: str) -> dict[str, str]:
    places = {f"{at}.{path}": name for name, (path, _default, _label) in NUMBERS.items()}
    return places | {f"{at}.completionMode": "indexed"}


@dataclass(frozen=True)
class JobDraft(WorkloadDraft):
    work: WorkDraft

    KIND = "Job"
    STEPS = ("basic", "advanced", "confirm")
    PLACES = _places("spec")
    ON_STEP = dict.fromkeys(JOB_FIELDS, "advanced")

    @classmethod
    def read(cls, fields: Fields) -> JobDraft:
        return cls(**head(fields), pod=PodDraft.read(fields), work=WorkDraft.read(fields))

    @property
    def pods(self) -> int | None:
        return self.work.pods

    def problems(self) -> list[FieldError]:
        return super().problems() + self.work.problems()

    def _manifest(self) -> JSON:
        template = self.pod.template(self._labels(), restartPolicy=self.work.restart_policy)
        return {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": self._metadata(),
            "spec": {**self.work.spec(), "template": template},
        }


@dataclass(frozen=True)
class CronJobDraft(WorkloadDraft):
    work: WorkDraft
    schedule: ScheduleDraft
    policy: str
    """Of POLICIES: what happens when its time has come and the last Job still runs."""
    deadline: Whole
    succeeded_kept: Whole
    failed_kept: Whole

    KIND = "CronJob"
    STEPS = ("basic", "schedule", "confirm")
    TEMPLATE = "spec.jobTemplate.spec.template"
    PLACES = {
        "spec.schedule": "schedule",
        "spec.timeZone": "zone",
        "spec.concurrencyPolicy": "policy",
        "spec.startingDeadlineSeconds": "deadline",
        "spec.successfulJobsHistoryLimit": "succeeded_kept",
        "spec.failedJobsHistoryLimit": "failed_kept",
        **_places("spec.jobTemplate.spec"),
    }
    ON_STEP = dict.fromkeys(
        (*JOB_FIELDS, *ScheduleDraft.FIELDS, "schedule", "policy", "deadline", "succeeded_kept", "failed_kept"),
        "schedule",
    )
    OWN_NUMBERS: ClassVar[dict[str, tuple[str, Promise]]] = {
        "deadline": ("startingDeadlineSeconds", gettext_lazy("The time after which a start is given up")),
        "succeeded_kept": ("successfulJobsHistoryLimit", gettext_lazy("The number of Jobs kept")),
        "failed_kept": ("failedJobsHistoryLimit", gettext_lazy("The number of Jobs kept")),
    }

    @classmethod
    def read(cls, fields: Fields) -> CronJobDraft:
        return cls(
            **head(fields),
            pod=PodDraft.read(fields),
            work=WorkDraft.read(fields),
            schedule=ScheduleDraft.read(fields),
            policy=text(fields, "policy", POLICIES[0]),
            deadline=Whole.read(fields, "deadline", 0),
            succeeded_kept=Whole.read(fields, "succeeded_kept", 3),
            failed_kept=Whole.read(fields, "failed_kept", 1),
        )

    @property
    def pods(self) -> int | None:
        """Of one run."""
        return self.work.pods

    def problems(self) -> list[FieldError]:
        found = super().problems() + self.schedule.problems() + self.work.problems()
        for name, (_path, label) in self.OWN_NUMBERS.items():
            found += getattr(self, name).problems(name, label)
        return found

    def field_of(self, path: str) -> str:
        found = super().field_of(path)
        return self.schedule.cron_field if found == "schedule" else found

    def _manifest(self) -> JSON:
        template = self.pod.template(self._labels(), restartPolicy=self.work.restart_policy)
        spec: JSON = {"schedule": self.schedule.cron}
        if self.schedule.zone:
            spec["timeZone"] = self.schedule.zone
        spec["concurrencyPolicy"] = self.policy
        for name, (path, _label) in self.OWN_NUMBERS.items():
            spec |= getattr(self, name).asked(path)
        spec["jobTemplate"] = {"spec": {**self.work.spec(), "template": template}}
        return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": self._metadata(), "spec": spec}
