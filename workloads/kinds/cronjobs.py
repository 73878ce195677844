"""CronJob (batch/v1): makes a Job whenever its time has come."""

from __future__ import annotations

from typing import Any

from workloads.kinds import jobspecs, objectmeta, schedules
from workloads.kinds.base import Column, Kind
from workloads.kinds.columns import AGE, NAME, NONE
from workloads.kinds.registry import register
from workloads.kinds.schedules import ScheduleError
from workloads.meta import causes, selectors, times
from workloads.meta.errors import Cause

JSON = dict[str, Any]

INSTANTIATE = "cronjob.kubernetes.io/instantiate"
"""On a Job that somebody made from a CronJob by hand: `manual`, as `kubectl create job --from=cronjob/x` writes it."""

ALLOW, FORBID, REPLACE = "Allow", "Forbid", "Replace"
SUCCESSFUL_KEPT, FAILED_KEPT = 3, 1
LONGEST_NAME = 52
"""A Job's name is the CronJob's, a dash and ten digits, and must be a label's value."""

_JOB = "spec.jobTemplate.spec"


def default(obj: JSON) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("concurrencyPolicy", ALLOW)
    spec.setdefault("suspend", False)
    spec.setdefault("successfulJobsHistoryLimit", SUCCESSFUL_KEPT)
    spec.setdefault("failedJobsHistoryLimit", FAILED_KEPT)
    jobspecs.default_template(spec.setdefault("jobTemplate", {}).setdefault("spec", {}))


def prepare(obj: JSON, old: JSON | None) -> None:
    if old is None:
        obj["status"] = {}


def validate(obj: JSON, old: JSON | None) -> list[Cause]:
    spec, name = obj["spec"], obj["metadata"]["name"]
    found = objectmeta.validate(obj) + objectmeta.description(obj)
    if len(name) > LONGEST_NAME:
        found.append(causes.invalid("metadata.name", name, f"must be no more than {LONGEST_NAME} characters"))
    found += _schedule(spec) + _zone(spec) + _concurrency(spec)
    for field in ("startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        if spec.get(field) is not None and spec[field] < 0:
            found.append(causes.invalid(f"spec.{field}", spec[field], "must be greater than or equal to 0"))
    return found + _job_template(spec["jobTemplate"])


def schedule(obj: JSON) -> schedules.Schedule:
    """Raises ScheduleError, for what validation has let through years ago."""
    spec = obj["spec"]
    return schedules.parse(spec["schedule"], zone=spec.get("timeZone"))


def _schedule(spec: JSON) -> list[Cause]:
    text = spec.get("schedule", "")
    if not text:
        return [causes.required("spec.schedule", 'give five cron fields, such as "0 3 * * *", or @hourly')]
    if "TZ" in text:
        rule = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        return [causes.invalid("spec.schedule", text, rule)]
    try:
        schedules.parse(text)
    except ScheduleError as error:
        return [causes.invalid("spec.schedule", text, str(error))]
    return []


def _zone(spec: JSON) -> list[Cause]:
    zone = spec.get("timeZone")
    if zone is None:
        return []
    if not zone:
        return [causes.invalid("spec.timeZone", zone, "must be nil or non-empty string")]
    if zone.lower() == "local":
        rule = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        return [causes.invalid("spec.timeZone", zone, rule)]
    try:
        schedules.time_zone(zone)
    except ScheduleError as error:
        return [causes.invalid("spec.timeZone", zone, str(error))]
    return []


def _concurrency(spec: JSON) -> list[Cause]:
    policy = spec["concurrencyPolicy"]
    if policy in (ALLOW, FORBID, REPLACE):
        return []
    return [causes.unsupported("spec.concurrencyPolicy", policy, (ALLOW, FORBID, REPLACE))]


def _job_template(template: JSON) -> list[Cause]:
    spec = template["spec"]
    found = objectmeta.validate_template(template.get("metadata") or {}, "spec.jobTemplate.metadata")
    found += jobspecs.validate(spec, _JOB)
    if spec.get("selector") is not None:
        found.append(causes.invalid(f"{_JOB}.selector", spec["selector"], "`selector` will be auto-generated"))
    if spec.get("manualSelector"):
        found.append(causes.unsupported(f"{_JOB}.manualSelector", spec["manualSelector"], ("nil", "false")))
    return found


def _containers(part: str) -> Any:
    def cell(obj: JSON, now: float) -> str:
        containers = obj["spec"]["jobTemplate"]["spec"]["template"]["spec"].get("containers") or []
        return ",".join(container.get(part, "") for container in containers)

    return cell


def _last(obj: JSON, now: float) -> str:
    last = (obj.get("status") or {}).get("lastScheduleTime")
    return times.age(last, now) if last else NONE


def _selector(obj: JSON, now: float) -> str:
    selector = selectors.from_object(obj["spec"]["jobTemplate"]["spec"].get("selector"))
    return str(selector) if selector else NONE


KIND = register(
    Kind(
        name="CronJob",
        plural="cronjobs",
        group="batch",
        version="v1",
        schema="io.k8s.api.batch.v1.CronJob",
        singular="cronjob",
        short_names=("cj",),
        categories=("all",),
        subresources=("status",),
        columns=(
            NAME,
            Column("Schedule", lambda obj, now: str(obj["spec"]["schedule"]), description="Five cron fields."),
            Column("Timezone", lambda obj, now: obj["spec"].get("timeZone") or NONE, description="UTC without one."),
            Column("Suspend", lambda obj, now: str(bool(obj["spec"].get("suspend")))),
            Column("Active", lambda obj, now: len((obj.get("status") or {}).get("active") or ()), type="integer"),
            Column("Last Schedule", _last, description="Time since a Job was made by schedule."),
            AGE,
            Column("Containers", _containers("name"), priority=1),
            Column("Images", _containers("image"), priority=1),
            Column("Selector", _selector, priority=1),
        ),
        default=default,
        validate=validate,
        prepare=prepare,
    )
)
