"""Job (batch/v1): pods that run until so many of them have succeeded."""

from __future__ import annotations

import copy
from typing import Any

from workloads.kinds import health, jobspecs, objectmeta
from workloads.kinds.base import Column, Facts, Kind
from workloads.kinds.columns import AGE, NAME, number, template_columns
from workloads.kinds.registry import register
from workloads.meta import causes, conditions, selectors, times
from workloads.meta.errors import Cause

JSON = dict[str, Any]

NAME_LABELS = ("batch.kubernetes.io/job-name", "job-name")
UID_LABELS = ("batch.kubernetes.io/controller-uid", "controller-uid")
TRACKING = "batch.kubernetes.io/job-tracking"
"""The finalizer that keeps a pod until its Job has counted it."""

_IMMUTABLE = ("selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy")


def default(obj: JSON) -> None:
    spec = obj.setdefault("spec", {})
    jobspecs.default_template(spec)
    jobspecs.default(spec)


def prepare(obj: JSON, old: JSON | None) -> None:
    """A new Job gets a selector of its own, unless it brings one."""
    if old is not None:
        return
    obj["status"] = {}
    if not obj["spec"].get("manualSelector"):
        _generate_selector(obj)
    template = obj["spec"]["template"].get("metadata") or {}
    if not obj["metadata"].get("labels") and template.get("labels"):
        obj["metadata"]["labels"] = dict(template["labels"])


def validate(obj: JSON, old: JSON | None) -> list[Cause]:
    spec = obj["spec"]
    found = (
        objectmeta.validate(obj) + objectmeta.description(obj) + jobspecs.name_problem(obj["metadata"]["name"], spec)
    )
    found += jobspecs.validate(spec, "spec") + _selector(obj)
    return found if old is None else found + _update_causes(obj, old)


def state(job: JSON) -> str:
    """The one word for people: Running, Complete, Failed, Suspended, ..."""
    status = job.get("status") or {}
    for type in ("Complete", "Failed"):
        if conditions.is_true(status, type):
            return type
    if job["metadata"].get("deletionTimestamp"):
        return "Terminating"
    for type in ("Suspended", "FailureTarget", "SuccessCriteriaMet"):
        if conditions.is_true(status, type):
            return type
    return "Running"


def is_finished(job: JSON) -> bool:
    return finished_condition(job) is not None


def finished_condition(job: JSON) -> JSON | None:
    """Complete or Failed, once one of them is true."""
    status = job.get("status") or {}
    found = (conditions.find(status, type) for type in ("Complete", "Failed"))
    return next((one for one in found if one and one["status"] == "True"), None)


def _generate_selector(obj: JSON) -> None:
    """Labels that the manifest brings stay: where they are not this Job's, validation says so."""
    metadata, spec = obj["metadata"], obj["spec"]
    labels = spec["template"]["metadata"].setdefault("labels", {})
    for name in NAME_LABELS:
        labels.setdefault(name, metadata["name"])
    for name in UID_LABELS:
        labels.setdefault(name, metadata["uid"])
    wanted = spec.setdefault("selector", {}).setdefault("matchLabels", {})
    wanted.setdefault(UID_LABELS[0], metadata["uid"])


def _selector(obj: JSON) -> list[Cause]:
    spec = obj["spec"]
    selector = spec.get("selector")
    if selector is None:
        return [causes.required("spec.selector", "manualSelector is true: give matchLabels that the template has")]
    if found := selectors.validate_object(selector, "spec.selector"):
        return found
    labels = (spec["template"].get("metadata") or {}).get("labels") or {}
    parsed = selectors.from_object(selector)
    if parsed is not None and not parsed.matches(labels):
        rule = "`selector` does not match template `labels`"
        return [causes.invalid("spec.template.metadata.labels", labels, rule)]
    return [] if spec.get("manualSelector") else _generated(obj, labels)


def _generated(obj: JSON, labels: JSON) -> list[Cause]:
    metadata, spec, where = obj["metadata"], obj["spec"], "spec.template.metadata.labels"
    wanted = dict.fromkeys(UID_LABELS, metadata["uid"]) | dict.fromkeys(NAME_LABELS, metadata["name"])
    found = [
        causes.invalid(f"{where}[{name}]", labels[name], f"must be '{value}'")
        if name in labels
        else causes.required(f"{where}[{name}]", f"must be '{value}'")
        for name, value in wanted.items()
        if labels.get(name) != value
    ]
    if spec["selector"] != {"matchLabels": {UID_LABELS[0]: metadata["uid"]}}:
        found.append(causes.invalid("spec.selector", spec["selector"], "`selector` not auto-generated"))
    return found


def _update_causes(obj: JSON, old: JSON) -> list[Cause]:
    spec, before = obj["spec"], old["spec"]
    found = [
        causes.immutable(f"spec.{name}", spec.get(name)) for name in _IMMUTABLE if spec.get(name) != before.get(name)
    ]
    if spec.get("completions") != before.get("completions"):
        found += _completions(spec)
    if _frozen_part(spec, old) != _frozen_part(before, old):
        found.append(causes.immutable("spec.template", spec["template"]))
    return found


def _completions(spec: JSON) -> list[Cause]:
    """An Indexed Job grows and shrinks with all its indexes side by side; any other keeps its number."""
    if not jobspecs.is_indexed(spec):
        return [causes.immutable("spec.completions", spec.get("completions"))]
    if spec.get("completions") == spec.get("parallelism"):
        return []
    rule = "can only be modified in tandem with spec.parallelism"
    return [causes.invalid("spec.completions", spec.get("completions"), rule)]


def _frozen_part(spec: JSON, old: JSON) -> JSON:
    """The template, but for what may change while the Job is suspended and has never run."""
    template: JSON = copy.deepcopy(spec["template"])
    if old["spec"].get("suspend") and not (old.get("status") or {}).get("startTime"):
        for name in ("labels", "annotations"):
            (template.get("metadata") or {}).pop(name, None)
        template["spec"].pop("tolerations", None)
    return template


def _done(obj: JSON, now: float) -> str:
    spec, succeeded = obj["spec"], number(obj, "status", "succeeded")
    if spec.get("completions") is not None:
        return f"{succeeded}/{spec['completions']}"
    side_by_side = spec.get("parallelism") or 0
    return f"{succeeded}/1 of {side_by_side}" if side_by_side > 1 else f"{succeeded}/1"


def _duration(obj: JSON, now: float) -> str:
    status = obj.get("status") or {}
    if not status.get("startTime"):
        return ""
    end = times.parse(status["completionTime"]).timestamp() if status.get("completionTime") else now
    return times.duration(end - times.parse(status["startTime"]).timestamp())


KIND = register(
    Kind(
        name="Job",
        plural="jobs",
        group="batch",
        version="v1",
        schema="io.k8s.api.batch.v1.Job",
        singular="job",
        categories=("all",),
        subresources=("status",),
        columns=(
            NAME,
            Column("Status", lambda obj, now: state(obj), description="Status of the job."),
            Column("Completions", _done, description="Pods that succeeded, of those that have to."),
            Column("Duration", _duration, description="Time it took, or has taken so far."),
            AGE,
            *template_columns(),
        ),
        default=default,
        validate=validate,
        prepare=prepare,
        facts=lambda obj: Facts(phase=health.stage_of_job(obj), health=health.of_job(obj)),
        field_selectors={"status.successful": lambda obj: str(number(obj, "status", "succeeded"))},
    )
)
