"""`podFailurePolicy` and `successPolicy`, applied. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workloads.controllers.jobs import pods
from workloads.meta import indexes
from workloads.meta.indexes import Indexes

JSON = dict[str, Any]


@dataclass(frozen=True)
class Failure:
    """What a failed pod means. Without a policy, or when no rule matches: it counts."""

    action: str = ""
    message: str = ""
    """Why the Job fails, when the action is FailJob."""

    @property
    def counts(self) -> bool:
        return self.action != "Ignore"


def failure(job: JSON, pod: JSON) -> Failure:
    """The first rule that matches decides."""
    for index, rule in enumerate((job["spec"].get("podFailurePolicy") or {}).get("rules") or ()):
        seen = _exit_code(rule, pod) if rule.get("onExitCodes") else _condition(rule, pod)
        if seen:
            return Failure(rule["action"], f"{seen} matching {rule['action']} rule at index {index}")
    return Failure()


def success(job: JSON, succeeded: Indexes) -> str:
    """Why the Job has succeeded although not all indexes have, or ""."""
    for number, rule in enumerate((job["spec"].get("successPolicy") or {}).get("rules") or ()):
        if _is_met(rule, succeeded):
            return f"Matched rules at index {number}"
    return ""


def _is_met(rule: JSON, succeeded: Indexes) -> bool:
    wanted, count = rule.get("succeededIndexes"), rule.get("succeededCount")
    if wanted is None and count is not None:
        return len(succeeded) >= int(count)
    named = indexes.parse(wanted or "")
    met = len(named & succeeded)
    return met >= (len(named) if count is None else count)


def _exit_code(rule: JSON, pod: JSON) -> str:
    """A container that succeeded never matches."""
    wanted, status = rule["onExitCodes"], pod.get("status") or {}
    for entry in [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]:
        if wanted.get("containerName") not in (None, entry["name"]):
            continue
        code = ((entry.get("state") or {}).get("terminated") or {}).get("exitCode", 0)
        if code != 0 and (code in wanted["values"]) == (wanted["operator"] == "In"):
            return f"Container {entry['name']} for pod {_place(pod)} failed with exit code {code}"
    return ""


def _condition(rule: JSON, pod: JSON) -> str:
    patterns = [(one["type"], one.get("status", "True")) for one in rule.get("onPodConditions") or ()]
    for condition in (pod.get("status") or {}).get("conditions") or ():
        if (condition["type"], condition["status"]) in patterns:
            return f"Pod {_place(pod)} has condition {condition['type']}"
    return ""


def _place(pod: JSON) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def fails_index(job: JSON, pod: JSON) -> bool:
    """Whether this failed pod was the last its index may have."""
    found = failure(job, pod)
    if found.action == "FailIndex":
        return True
    counted, _ = pods.failures(pod)
    return found.counts and counted >= int(job["spec"]["backoffLimitPerIndex"])
