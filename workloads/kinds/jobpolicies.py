"""`podFailurePolicy` and `successPolicy` of a Job: defaults and rules of batch/v1. Pure."""

from __future__ import annotations

from typing import Any

from workloads.meta import causes, indexes, names
from workloads.meta.errors import Cause
from workloads.meta.indexes import IndexesError

JSON = dict[str, Any]

ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
OPERATORS = ("In", "NotIn")
STATES = ("False", "True", "Unknown")
MOST_RULES = 20
MOST_CODES = 255


def default(spec: JSON) -> None:
    for rule in (spec.get("podFailurePolicy") or {}).get("rules") or ():
        for pattern in rule.get("onPodConditions") or ():
            pattern.setdefault("status", "True")


def validate(spec: JSON, field: str) -> list[Cause]:
    found: list[Cause] = []
    if (policy := spec.get("podFailurePolicy")) is not None:
        found += _failure_policy(policy, spec, f"{field}.podFailurePolicy")
    if (success := spec.get("successPolicy")) is not None:
        found += _success_policy(success, spec, f"{field}.successPolicy")
    return found


# podFailurePolicy


def _failure_policy(policy: JSON, spec: JSON, field: str) -> list[Cause]:
    rules = policy.get("rules") or []
    if len(rules) > MOST_RULES:
        return [causes.too_many(f"{field}.rules", len(rules), MOST_RULES)]
    pod = spec["template"].get("spec") or {}
    containers = [one.get("name") for one in (pod.get("containers") or []) + (pod.get("initContainers") or [])]
    found = []
    for index, rule in enumerate(rules):
        found += _failure_rule(rule, spec, containers, f"{field}.rules[{index}]")
    return found


def _failure_rule(rule: JSON, spec: JSON, containers: list[Any], field: str) -> list[Cause]:
    found = _action(rule.get("action", ""), spec, f"{field}.action")
    codes, patterns = rule.get("onExitCodes"), rule.get("onPodConditions") or []
    if codes is not None:
        found += _exit_codes(codes, containers, f"{field}.onExitCodes")
    found += _patterns(patterns, f"{field}.onPodConditions")
    if codes is not None and patterns:
        found.append(causes.invalid(field, rule, "specifying both OnExitCodes and OnPodConditions is not supported"))
    if codes is None and not patterns:
        found.append(causes.invalid(field, rule, "specifying one of OnExitCodes and OnPodConditions is required"))
    return found


def _action(action: str, spec: JSON, field: str) -> list[Cause]:
    if not action:
        return [causes.required(field, f"valid values: {', '.join(ACTIONS)}")]
    if action not in ACTIONS:
        return [causes.unsupported(field, action, ACTIONS)]
    if action == "FailIndex" and spec.get("backoffLimitPerIndex") is None:
        return [causes.invalid(field, action, "requires the backoffLimitPerIndex to be set")]
    return []


def _exit_codes(wanted: JSON, containers: list[Any], field: str) -> list[Cause]:
    operator, values = wanted.get("operator", ""), wanted.get("values") or []
    found = []
    if not operator:
        found.append(causes.required(f"{field}.operator", f"valid values: {', '.join(OPERATORS)}"))
    elif operator not in OPERATORS:
        found.append(causes.unsupported(f"{field}.operator", operator, OPERATORS))
    container = wanted.get("containerName")
    if container is not None and container not in containers:
        rule = "must be one of the container or initContainer names in the pod template"
        found.append(causes.invalid(f"{field}.containerName", container, rule))
    return found + _codes(values, operator, f"{field}.values")


def _codes(values: list[int], operator: str, field: str) -> list[Cause]:
    if not values:
        return [causes.invalid(field, values, "at least one value is required")]
    if len(values) > MOST_CODES:
        return [causes.too_many(field, len(values), MOST_CODES)]
    found = [
        causes.duplicate(f"{field}[{index}]", value) for index, value in enumerate(values) if value in values[:index]
    ]
    if operator == "In":
        found += [
            causes.invalid(f"{field}[{index}]", value, "must not be 0 for the In operator")
            for index, value in enumerate(values)
            if value == 0
        ]
    if values != sorted(values):
        found.append(causes.invalid(field, values, "must be ordered"))
    return found


def _patterns(patterns: list[JSON], field: str) -> list[Cause]:
    if len(patterns) > MOST_RULES:
        return [causes.too_many(field, len(patterns), MOST_RULES)]
    found = []
    for index, pattern in enumerate(patterns):
        type, status = pattern.get("type", ""), pattern.get("status", "")
        found += [causes.invalid(f"{field}[{index}].type", type, text) for text in names.qualified_name(type)]
        if status not in STATES:
            found.append(causes.unsupported(f"{field}[{index}].status", status, STATES))
    return found


# successPolicy


def _success_policy(policy: JSON, spec: JSON, field: str) -> list[Cause]:
    if spec.get("completionMode") != "Indexed":
        return [causes.invalid(field, policy, "requires indexed completion mode")]
    rules = policy.get("rules") or []
    if not rules:
        rule = "at least one rules must be specified when the successPolicy is specified"
        return [causes.required(f"{field}.rules", rule)]
    if len(rules) > MOST_RULES:
        return [causes.too_many(f"{field}.rules", len(rules), MOST_RULES)]
    found = []
    for index, rule in enumerate(rules):
        found += _success_rule(rule, spec.get("completions") or 0, f"{field}.rules[{index}]")
    return found


def _success_rule(rule: JSON, completions: int, field: str) -> list[Cause]:
    count, text = rule.get("succeededCount"), rule.get("succeededIndexes")
    if count is None and text is None:
        return [causes.required(field, "at least one of succeededCount or succeededIndexes must be specified")]
    named = completions
    if text is not None:
        try:
            named = len(indexes.parse(text, below=completions))
        except IndexesError as error:
            rule_text = f"error parsing succeededIndexes: {error}"
            return [causes.invalid(f"{field}.succeededIndexes", text, rule_text)]
    return [] if count is None else _success_count(count, completions, named, f"{field}.succeededCount")


def _success_count(count: int, completions: int, named: int, field: str) -> list[Cause]:
    if count < 0:
        return [causes.invalid(field, count, "must be greater than or equal to 0")]
    if count > completions:
        rule = f"must be less than or equal to {completions} (the number of specified completions)"
        return [causes.invalid(field, count, rule)]
    if count > named:
        rule = f"must be less than or equal to {named} (the number of indexes in the specified succeededIndexes field)"
        return [causes.invalid(field, count, rule)]
    return []
