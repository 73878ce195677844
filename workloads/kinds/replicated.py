"""What Deployments and ReplicaSets share: a number of pods made from one template and found again by one selector."""

from __future__ import annotations

from typing import Any

from workloads.kinds import podtemplates
from workloads.meta import causes, selectors
from workloads.meta.errors import Cause

JSON = dict[str, Any]


def default(obj: JSON) -> None:
    """As apps/v1; `replicas: 0` stays 0."""
    spec = obj.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {})
    podtemplates.default(template.setdefault("spec", {}))


def validate(obj: JSON, old: JSON | None, *, kind: str) -> list[Cause]:
    """All that is wrong with replicas, selector and template; `kind` is the word for the sentence."""
    spec = obj["spec"]
    found = at_least_zero(spec, "replicas") + at_least_zero(spec, "minReadySeconds")
    found += _selector(spec, kind)
    found += podtemplates.validate_template(spec["template"], "spec.template", restart_policies=("Always",))
    if old is not None and spec.get("selector") != old["spec"].get("selector"):
        found.append(causes.immutable("spec.selector", spec.get("selector")))
    return found


def at_least_zero(spec: JSON, name: str) -> list[Cause]:
    number = spec.get(name, 0)
    return [causes.invalid(f"spec.{name}", number, "must be greater than or equal to 0")] if number < 0 else []


def _selector(spec: JSON, kind: str) -> list[Cause]:
    selector = spec.get("selector")
    if selector is None:
        return [causes.required("spec.selector", "give matchLabels that the template's labels have")]
    found = selectors.validate_object(selector, "spec.selector")
    if found:
        return found
    parsed = selectors.from_object(selector)
    if not parsed:
        return [causes.invalid("spec.selector", selector, f"empty selector is invalid for {kind}")]
    labels = (spec["template"].get("metadata") or {}).get("labels") or {}
    if not parsed.matches(labels):
        rule = "`selector` does not match template `labels`"
        return [causes.invalid("spec.template.metadata.labels", labels, rule)]
    return []
