"""What a Job says, and what a CronJob says of its Jobs: defaults and rules of batch/v1. Pure."""

from __future__ import annotations

from typing import Any

from workloads.kinds import jobpolicies, podtemplates
from workloads.meta import causes, names
from workloads.meta.errors import Cause

JSON = dict[str, Any]

INDEXED, NON_INDEXED = "Indexed", "NonIndexed"
FAILED, TERMINATING_OR_FAILED = "Failed", "TerminatingOrFailed"
OURS = "kubernetes.io/job-controller"
BACKOFF_LIMIT = 6
NO_LIMIT = 2**31 - 1
MOST_AT_ONCE = 100_000
"""Of an Indexed Job: pods side by side, and indexes that may fail."""
MANY_AT_ONCE = 10_000
"""The same for a Job with more completions than that."""

_NUMBERS = (
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
)


def default(spec: JSON) -> None:
    """As batch/v1. A CronJob leaves these to its Jobs."""
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    spec.setdefault("backoffLimit", BACKOFF_LIMIT if spec.get("backoffLimitPerIndex") is None else NO_LIMIT)
    spec.setdefault("completionMode", NON_INDEXED)
    spec.setdefault("suspend", False)
    spec.setdefault("manualSelector", False)
    spec.setdefault("podReplacementPolicy", FAILED if spec.get("podFailurePolicy") else TERMINATING_OR_FAILED)
    jobpolicies.default(spec)


def default_template(spec: JSON) -> None:
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {})
    podtemplates.default(template.setdefault("spec", {}))


def is_indexed(spec: JSON) -> bool:
    return bool(spec.get("completionMode") == INDEXED)


def validate(spec: JSON, field: str) -> list[Cause]:
    """All that is wrong with what a Job says, the selector apart (a CronJob has none)."""
    found = [
        causes.invalid(f"{field}.{name}", spec[name], "must be greater than or equal to 0")
        for name in _NUMBERS
        if spec.get(name) is not None and spec[name] < 0
    ]
    found += _managed_by(spec, field) + _completion_mode(spec, field)
    found += jobpolicies.validate(spec, field) + _replacement(spec, field)
    template = f"{field}.template"
    restart = spec["template"]["spec"].get("restartPolicy")
    found += podtemplates.validate_template(spec["template"], template, restart_policies=podtemplates.RESTART_POLICIES)
    return found + _restart_policy(spec, restart, f"{template}.spec.restartPolicy")


def _managed_by(spec: JSON, field: str) -> list[Cause]:
    if spec.get("managedBy") in (None, OURS):
        return []
    rule = f"Jobs are looked after by the service alone; give {OURS} or leave it out"
    return [causes.forbidden(f"{field}.managedBy", rule)]


def _completion_mode(spec: JSON, field: str) -> list[Cause]:
    mode = spec.get("completionMode", NON_INDEXED)
    if mode not in (INDEXED, NON_INDEXED):
        return [causes.unsupported(f"{field}.completionMode", mode, (INDEXED, NON_INDEXED))]
    found = _indexed(spec, field) if mode == INDEXED else _not_indexed(spec, field)
    if spec.get("maxFailedIndexes") is not None and spec.get("backoffLimitPerIndex") is None:
        found.append(causes.required(f"{field}.backoffLimitPerIndex", "when maxFailedIndexes is specified"))
    return found


def _not_indexed(spec: JSON, field: str) -> list[Cause]:
    return [
        causes.invalid(f"{field}.{name}", spec[name], "requires indexed completion mode")
        for name in ("backoffLimitPerIndex", "maxFailedIndexes")
        if spec.get(name) is not None
    ]


def _indexed(spec: JSON, field: str) -> list[Cause]:
    completions, failures = spec.get("completions"), spec.get("maxFailedIndexes")
    if completions is None:
        return [causes.required(f"{field}.completions", f"when completion mode is {INDEXED}")]
    found = []
    if spec.get("parallelism", 1) > MOST_AT_ONCE:
        rule = f"must be less than or equal to {MOST_AT_ONCE} when completion mode is {INDEXED}"
        found.append(causes.invalid(f"{field}.parallelism", spec["parallelism"], rule))
    if failures is not None and failures > completions:
        found.append(causes.invalid(f"{field}.maxFailedIndexes", failures, "must be less than or equal to completions"))
    if failures is not None and failures > MOST_AT_ONCE:
        rule = f"must be less than or equal to {MOST_AT_ONCE}"
        found.append(causes.invalid(f"{field}.maxFailedIndexes", failures, rule))
    if completions > MOST_AT_ONCE and spec.get("backoffLimitPerIndex") is not None:
        found += _many_completions(spec, field)
    return found


def _many_completions(spec: JSON, field: str) -> list[Cause]:
    above = f"when completions are above {MOST_AT_ONCE} and used with backoff limit per index"
    rule = f"must be less than or equal to {MANY_AT_ONCE} {above}"
    if spec.get("maxFailedIndexes") is None:
        rule = f"must be specified when completions is above {MOST_AT_ONCE}"
        return [causes.required(f"{field}.maxFailedIndexes", rule)]
    return [
        causes.invalid(f"{field}.{name}", spec[name], rule)
        for name in ("parallelism", "maxFailedIndexes")
        if spec.get(name, 0) > MANY_AT_ONCE
    ]


def _replacement(spec: JSON, field: str) -> list[Cause]:
    """With a policy for failures, how a pod failed must be known before another takes its place."""
    policy = spec.get("podReplacementPolicy")
    allowed = (FAILED,) if spec.get("podFailurePolicy") else (FAILED, TERMINATING_OR_FAILED)
    if policy is None or policy in allowed:
        return []
    return [causes.unsupported(f"{field}.podReplacementPolicy", policy, allowed)]


def _restart_policy(spec: JSON, policy: str | None, field: str) -> list[Cause]:
    if policy in (None, "", "Always"):
        return [causes.required(field, 'valid values: "OnFailure", "Never"')]
    return [
        causes.invalid(field, policy, f'only "Never" is supported when {name} is specified')
        for name in ("podFailurePolicy", "backoffLimitPerIndex")
        if spec.get(name) is not None and policy != "Never"
    ]


def name_problem(name: str, spec: JSON) -> list[Cause]:
    """The pods of an Indexed Job have host names made of its name: they must be some."""
    completions = spec.get("completions") or 0
    if not is_indexed(spec) or completions < 1:
        return []
    longest = f"{name}-{completions - 1}"
    if not names.dns_label(longest):
        return []
    return [causes.invalid("metadata.name", name, f"will not able to create pod with invalid DNS name: {longest}")]
