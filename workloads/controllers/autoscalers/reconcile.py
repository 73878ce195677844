"""Looks at a HorizontalPodAutoscaler every fifteen seconds: measure, calculate, decide, scale, say.

The decision is written into the status before the target is scaled, so that whoever dies in between has not forgotten
that it scaled; a scaling that is then refused is taken back out. The target is scaled by compare and set through the
front door, as anybody would. The reasons and messages are kube-controller-manager's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from workloads.client import Client, PodFigures
from workloads.controllers import hands, owners
from workloads.controllers.autoscalers import behavior, calculator
from workloads.controllers.autoscalers.behavior import Decision, History, Said
from workloads.controllers.autoscalers.calculator import NoProposal, Proposal, Reading
from workloads.controllers.base import Controller, Result
from workloads.kinds import autoscalers, registry
from workloads.meta import conditions, quantity, times
from workloads.meta.errors import Conflict, NotFound, StatusError
from workloads.meta.keys import Key
from workloads.store.changes import Entry

JSON = dict[str, Any]
Measure = Callable[[Client, str, str], Sequence[PodFigures]]
"""(door, namespace, label selector) -> what the running pods use. Raises Unavailable."""

COMPONENT = "horizontal-pod-autoscaler"
PERIOD_SECONDS = 15.0
LOOK_AGAIN_AT_ONCE = 0.1
_NOT_GOT = "the HPA controller was unable to get the target's current scale: "


def controller(measure: Measure | None = None) -> Controller:
    def look(key: Key) -> Result | None:
        return reconcile(key, measure or measured)

    return Controller(
        name="autoscalers",
        queue="control",
        keys=keys,
        reconcile=look,
        resync=lambda: hands.every_key("HorizontalPodAutoscaler"),
    )


def measured(door: Client, namespace: str, selector: str) -> Sequence[PodFigures]:
    return door.usage(namespace, label_selector=selector)


def keys(entry: Entry) -> Iterable[Key]:
    """Itself, when its spec changes: it looks at everything else by the clock."""
    if entry.key.kind != "HorizontalPodAutoscaler" or entry.type == "DELETED":
        return []
    generations = {obj["metadata"].get("generation") for obj in hands.now_and_before(entry)}
    return [entry.key] if entry.type == "ADDED" or len(generations) > 1 else []


def reconcile(key: Key, measure: Measure) -> Result | None:
    door = hands.client("horizontal-pod-autoscaler", key.account)
    hpa = hands.read(door, key)
    if hpa is None or owners.is_deleting(hpa):
        return None
    try:
        return _Look(door, hpa, measure, now=datetime.now(UTC)).run()
    except Conflict:
        return Result(LOOK_AGAIN_AT_ONCE)
    except NotFound:
        return None


class _Refused(Exception):
    """Nothing can be decided; a condition says why."""


@dataclass
class _Look:
    door: Client
    hpa: JSON
    measure: Measure
    now: datetime
    status: JSON = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.status = deepcopy(self.hpa.get("status") or {})
        self.status["observedGeneration"] = self.hpa["metadata"].get("generation", 1)

    @property
    def spec(self) -> JSON:
        return dict(self.hpa["spec"])

    def run(self) -> Result:
        try:
            self._serve()
        except _Refused:
            self._save()
        return Result(PERIOD_SECONDS)

    def _serve(self) -> None:
        scale = self._scale()
        current = int(scale["spec"]["replicas"])
        self.status["currentReplicas"] = current
        self._condition("AbleToScale", "True", Said("SucceededGetScale", _GOT))
        if current == 0:
            words = Said("ScalingDisabled", "scaling is disabled since the replica count of the target is zero")
            self._condition("ScalingActive", "False", words)
            self.status["desiredReplicas"] = 0
            return self._save()
        wanted, why = self._wanted(scale, current)
        self.status["desiredReplicas"] = wanted
        if wanted == current:
            return self._save()
        return self._rescale(scale, wanted=wanted, why=why)

    # How many

    def _wanted(self, scale: JSON, current: int) -> tuple[int, str]:
        """And why, where it is another number than there is. Raises _Refused."""
        least, most = int(self.spec["minReplicas"]), int(self.spec["maxReplicas"])
        if current > most:
            return most, "Current number of replicas above Spec.MaxReplicas"
        if current < least:
            return least, "Current number of replicas below Spec.MinReplicas"
        proposed, metric = self._proposed(scale, current)
        decision = behavior.decide(
            self.spec, History.of(self.status), current=current, recommended=proposed, now=self.now
        )
        self._note(decision)
        return decision.replicas, f"{metric} above target" if proposed > current else "All metrics below target"

    def _note(self, decision: Decision) -> None:
        self._remember(decision.history)
        self._condition("AbleToScale", "True", decision.able)
        self._condition("ScalingLimited", "True" if decision.is_limited else "False", decision.limited)

    def _proposed(self, scale: JSON, current: int) -> tuple[int, str]:
        """The highest of all metrics' proposals, and which metric's it is."""
        selector = self._selector(scale)
        namespace = self.hpa["metadata"]["namespace"]
        pods = self.door.list("Pod", namespace, label_selector=selector).items
        figures: Sequence[PodFigures] | StatusError
        try:
            figures = self.measure(self.door, namespace, selector)
        except StatusError as error:
            figures = error
        best, name, failures, shown = 0, "", list[tuple[str, str]](), list[JSON]()
        for metric in self.spec["metrics"]:
            try:
                proposal = _proposal(metric, pods, figures, current=current, now=self.now)
            except NoProposal as error:
                failures.append((f"FailedGet{metric['type']}Metric", _failure(metric, error)))
                self._tell(*failures[-1], type="Warning")
                continue
            shown.append(_shown(metric, proposal))
            if proposal.replicas > best:
                best, name = proposal.replicas, _name(metric)
        self.status["currentMetrics"] = shown
        if not shown:
            del self.status["currentMetrics"]
        self._judge(failures, best=best, current=current, name=name)
        return best, name

    def _judge(self, failures: list[tuple[str, str]], *, best: int, current: int, name: str) -> None:
        """A metric that fails does not keep the others from adding pods, but from removing any."""
        total = len(self.spec["metrics"])
        if failures and (len(failures) == total or best < current):
            reason, message = failures[0]
            words = f"the HPA was unable to compute the replica count: {message}"
            self._condition("ScalingActive", "False", Said(reason, words))
            invalid = f"invalid metrics ({len(failures)} invalid out of {total}), first error is: {message}"
            self._tell("FailedComputeMetricsReplicas", invalid, type="Warning")
            raise _Refused
        found = f"the HPA was able to successfully calculate a replica count from {name}"
        self._condition("ScalingActive", "True", Said("ValidMetricFound", found))

    # The target

    def _scale(self) -> JSON:
        """Raises _Refused."""
        reference = self.spec["scaleTargetRef"]
        try:
            kind = _target_kind(reference)
            return self.door.get_scale(kind, reference["name"], self.hpa["metadata"]["namespace"])
        except StatusError as error:
            self._tell("FailedGetScale", error.message, type="Warning")
            self._condition("AbleToScale", "False", Said("FailedGetScale", _NOT_GOT + error.message))
            raise _Refused from None

    def _selector(self, scale: JSON) -> str:
        """Raises _Refused where it is missing, or where two would pull at one target."""
        selector = scale["status"].get("selector", "")
        rivals = self._rivals()
        if selector and not rivals:
            return str(selector)
        words = Said("InvalidSelector", "the HPA target's scale is missing a selector")
        if rivals:
            names = ", ".join(sorted([self.hpa["metadata"]["name"], *rivals]))
            reference = self.spec["scaleTargetRef"]
            text = f"{reference['kind']} {reference['name']} is controlled by multiple HPAs: {names}"
            words = Said("AmbiguousSelector", text)
        self._tell(words.reason, words.message, type="Warning")
        self._condition("ScalingActive", "False", words)
        raise _Refused

    def _rivals(self) -> list[str]:
        metadata, reference = self.hpa["metadata"], _who(self.hpa)
        everybody = self.door.list("HorizontalPodAutoscaler", metadata["namespace"]).items
        return [
            one["metadata"]["name"]
            for one in everybody
            if one["metadata"]["uid"] != metadata["uid"] and _who(one) == reference
        ]

    def _rescale(self, scale: JSON, *, wanted: int, why: str) -> None:
        before, remembered = int(scale["spec"]["replicas"]), self.status.get("history")
        self._remember(History.of(self.status).scaled(before=before, after=wanted, now=self.now))
        self._save()
        kind, target = _target_kind(self.spec["scaleTargetRef"]), scale["metadata"]
        asked = {**scale, "spec": {"replicas": wanted}}
        try:
            self.door.update(kind, target["name"], asked, target["namespace"], subresource="scale")
        except StatusError as error:
            self.status["history"] = remembered or {}
            words = f"the HPA controller was unable to update the target scale: {error.message}"
            self._condition("AbleToScale", "False", Said("FailedUpdateScale", words))
            self._save()
            self._tell("FailedRescale", f"New size: {wanted}; reason: {why}; error: {error.message}", type="Warning")
            return
        done = f"the HPA controller was able to update the target scale to {wanted}"
        self._condition("AbleToScale", "True", Said("SucceededRescale", done))
        self.status["lastScaleTime"] = times.format_seconds(self.now)
        self._save()
        self._tell("SuccessfulRescale", f"New size: {wanted}; reason: {why}")

    # What is said

    def _remember(self, history: History) -> None:
        self.status["history"] = history.written()

    def _condition(self, type: str, state: Literal["True", "False"], words: Said) -> None:
        conditions.put(self.status, type, state, reason=words.reason, message=words.message, now=self.now)

    def _save(self) -> None:
        self.hpa = hands.put_status(self.door, self.hpa, deepcopy(self.status))

    def _tell(self, reason: str, message: str, *, type: Literal["Normal", "Warning"] = "Normal") -> None:
        hands.tell(self.door, self.hpa, component=COMPONENT, reason=reason, message=message, type=type)


_GOT = "the HPA controller was able to get the target's current scale"


# Metrics


def _proposal(
    metric: JSON, pods: Sequence[JSON], figures: Sequence[PodFigures] | StatusError, *, current: int, now: datetime
) -> Proposal:
    """Raises NoProposal."""
    source, target = autoscalers.source_of(metric), autoscalers.target_of(metric)
    resource, container = source["name"], source.get("container", "")
    readings = _readings(figures, resource, container)
    if not pods:
        raise NoProposal("no pods returned by selector while calculating replica count")
    if "averageValue" in target:
        wanted = int(quantity.parse(target["averageValue"]) * 1000)
        return calculator.by_average(pods, readings, resource=resource, current=current, target=wanted, now=now)
    return calculator.by_utilization(
        pods,
        readings,
        resource=resource,
        container=container,
        current=current,
        percent=int(target["averageUtilization"]),
        now=now,
    )


def _readings(figures: Sequence[PodFigures] | StatusError, resource: str, container: str) -> Mapping[str, Reading]:
    """By the pod's name. Raises NoProposal when nothing was measured at all."""
    opening = f"unable to get metrics for resource {resource}"
    if isinstance(figures, StatusError):
        raise NoProposal(f"{opening}: unable to fetch metrics from resource metrics API: {figures.message}")
    if not figures:
        raise NoProposal(f"{opening}: no metrics returned from resource metrics API")
    found = {}
    for pod in figures:
        counted = [one for one in pod.containers if not container or one.name == container]
        if counted:
            nano = sum(one.cpu_nanocores for one in counted)
            value = nano // 1_000_000 if resource == "cpu" else sum(one.memory_bytes for one in counted) * 1000
            found[pod.name] = Reading(value, pod.at, pod.window)
    return found


def _shown(metric: JSON, proposal: Proposal) -> JSON:
    source = autoscalers.source_of(metric)
    value = proposal.value
    text = quantity.format_millicores(value) if source["name"] == "cpu" else quantity.canonical(str(value // 1000))
    current: JSON = {"averageValue": text}
    if proposal.percent is not None:
        current["averageUtilization"] = proposal.percent
    named = {name: source[name] for name in ("name", "container") if name in source}
    return {"type": metric["type"], autoscalers.SOURCES[metric["type"]]: {**named, "current": current}}


def _name(metric: JSON) -> str:
    resource = autoscalers.source_of(metric)["name"]
    if "averageValue" in autoscalers.target_of(metric):
        return f"{resource} resource"
    return f"{resource} resource utilization (percentage of request)"


def _failure(metric: JSON, error: NoProposal) -> str:
    what = "usage" if "averageValue" in autoscalers.target_of(metric) else "utilization"
    return f"failed to get {autoscalers.source_of(metric)['name']} {what}: {error}"


# Targets


def _target_kind(reference: JSON) -> str:
    """The kind's name in the registry. Raises NotFound."""
    group = str(reference.get("apiVersion") or "").rpartition("/")[0]
    kind = registry.kinds().get(reference["kind"])
    if kind is None or kind.group != group or "scale" not in kind.subresources:
        raise NotFound(f'no matches for kind "{reference["kind"]}" in group "{group}"')
    return kind.name


def _who(hpa: JSON) -> tuple[str, str, str]:
    reference = hpa["spec"]["scaleTargetRef"]
    group = str(reference.get("apiVersion") or "").rpartition("/")[0]
    return group, str(reference["kind"]), str(reference["name"])
