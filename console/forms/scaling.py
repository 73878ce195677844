"""The forms of a Deployment's Scaling tab, and the way from them to objects and from refusals back to fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from datetime import UTC
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.forms.drafts import spoken
from workloads.client import JSON
from workloads.kinds import scalingpolicies, sleeping
from workloads.meta import times
from workloads.meta.errors import Cause

MOST = scalingpolicies.MOST_PODS
_COMMON_PLACES = {
    "metadata.name": "name",
    "spec.minPods": "min_pods",
    "spec.maxPods": "max_pods",
    "spec.gracefulWindowSeconds": "graceful_window",
}


def place(form: forms.Form, places: Mapping[str, str], causes: Iterable[Cause]) -> None:
    """Every cause at its field; what has none of its own stands at the head of the form."""
    for cause in causes:
        name = next((field for path, field in places.items() if cause.field.startswith(path)), None)
        form.add_error(name if name in form.fields else None, spoken(cause))


class SleepForm(forms.Form):
    """How long nobody asks before a Deployment stops."""

    places = {f"metadata.annotations[{sleeping.AFTER}]": "after"}
    after = forms.CharField(
        label=gettext_lazy("Without a request for"),
        max_length=20,
        help_text=gettext_lazy("Hours, minutes and seconds, such as 10m or 1h30m."),
    )


class AutoscalerForm(forms.Form):
    """A HorizontalPodAutoscaler in its simple form: what it says beyond that is kept as it is."""

    places = {
        "spec.minReplicas": "least",
        "spec.maxReplicas": "most",
        "spec.metrics[0]": "cpu",
        "spec.metrics[1]": "memory",
    }
    least = forms.IntegerField(label=gettext_lazy("Fewest pods"), min_value=1, max_value=MOST, initial=1)
    most = forms.IntegerField(label=gettext_lazy("Most pods"), min_value=1, max_value=MOST, initial=4)
    cpu = forms.IntegerField(
        label=gettext_lazy("CPU target, %"),
        min_value=1,
        max_value=1000,
        required=False,
        help_text=gettext_lazy("Of what the containers ask for, as an average of all pods."),
    )
    memory = forms.IntegerField(label=gettext_lazy("Memory target, %"), min_value=1, max_value=1000, required=False)

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        if not self.errors and not found.get("cpu") and not found.get("memory"):
            self.add_error("cpu", _("Give a target for CPU, for memory, or for both."))
        return found

    @classmethod
    def initial_of(cls, autoscaler: JSON | None) -> dict[str, Any]:
        if autoscaler is None:
            return {"cpu": 80}
        spec = autoscaler["spec"]
        shares = {metric["resource"]["name"]: _share(metric) for metric in spec["metrics"] if _share(metric)}
        return {"least": spec["minReplicas"], "most": spec["maxReplicas"], **shares}

    def manifest(self, deployment: str, before: JSON | None) -> JSON:
        """The object as it shall be, from the one there is or from nothing."""
        asked = self.cleaned_data
        wanted = [
            {"type": "Resource", "resource": {"name": name, "target": _utilization(asked[name])}}
            for name in ("cpu", "memory")
            if asked.get(name)
        ]
        obj = deepcopy(before) if before else _new_autoscaler(deployment)
        others = [metric for metric in obj["spec"].get("metrics", ()) if _share(metric) is None]
        obj["spec"] |= {"minReplicas": asked["least"], "maxReplicas": asked["most"], "metrics": wanted + others}
        return obj


class PolicyForm(forms.Form):
    """What all three types share."""

    type = ""
    places: Mapping[str, str] = {}
    name = forms.CharField(label=gettext_lazy("Name"), max_length=63)
    action = forms.ChoiceField(label=gettext_lazy("Action"))
    pods = forms.IntegerField(label=gettext_lazy("Pods"), min_value=0, max_value=MOST, initial=1)
    min_pods = forms.IntegerField(label=gettext_lazy("Not below"), min_value=0, max_value=MOST, initial=1)
    max_pods = forms.IntegerField(label=gettext_lazy("Not above"), min_value=0, max_value=MOST, initial=10)

    def __init__(self, *args: Any, fixed: bool = False, **kwargs: Any) -> None:
        """`fixed`: the policy is there already, its name stays."""
        super().__init__(*args, **kwargs)
        self.fields["name"].disabled = fixed
        words = {"add": _("Add pods"), "remove": _("Remove pods"), "set": _("Set to")}
        self.fields["action"].choices = [  # type: ignore[attr-defined]
            (value, word) for value, word in words.items() if value != "set" or self.type != "alarm"
        ]

    def manifest(self, deployment: str, before: JSON | None) -> JSON:
        asked = self.cleaned_data
        obj = deepcopy(before) if before else _new_policy(asked["name"], deployment)
        action = {"type": asked["action"], "pods": asked["pods"]}
        obj["spec"] |= {"minPods": asked["min_pods"], "maxPods": asked["max_pods"]}
        obj["spec"][self.type] = {**obj["spec"].get(self.type, {}), **self.rule(), "action": action}
        if "graceful_window" in asked:
            obj["spec"]["gracefulWindowSeconds"] = asked["graceful_window"]
        return obj

    def rule(self) -> JSON:
        raise NotImplementedError

    @classmethod
    def initial_of(cls, policy: JSON) -> dict[str, Any]:
        spec, action = policy["spec"], scalingpolicies.action_of(policy)
        return {
            "name": policy["metadata"]["name"],
            "action": action["type"],
            "pods": action["pods"],
            "min_pods": spec["minPods"],
            "max_pods": spec["maxPods"],
            "graceful_window": spec["gracefulWindowSeconds"],
            **cls.rule_of(spec[cls.type]),
        }

    @classmethod
    def rule_of(cls, rule: JSON) -> dict[str, Any]:
        raise NotImplementedError


class AlarmForm(PolicyForm):
    type = "alarm"
    places = {
        **_COMMON_PLACES,
        "spec.alarm.metric": "metric",
        "spec.alarm.operator": "operator",
        "spec.alarm.thresholdPercent": "threshold",
        "spec.alarm.periodSeconds": "period",
        "spec.alarm.consecutiveCount": "count",
        "spec.alarm.action.type": "action",
        "spec.alarm.action.pods": "pods",
    }
    metric = forms.ChoiceField(
        label=gettext_lazy("Average of all pods"),
        choices=[("cpu", gettext_lazy("CPU")), ("memory", gettext_lazy("Memory"))],
    )
    operator = forms.ChoiceField(
        label=gettext_lazy("Is"), choices=[(">", gettext_lazy("above")), ("<", gettext_lazy("below"))]
    )
    threshold = forms.IntegerField(label=gettext_lazy("% of billed size"), min_value=1, max_value=100, initial=80)
    period = forms.IntegerField(
        label=gettext_lazy("Measured every, s"),
        min_value=scalingpolicies.SHORTEST_PERIOD,
        max_value=scalingpolicies.LONGEST_PERIOD,
        initial=scalingpolicies.PERIOD_SECONDS,
    )
    count = forms.IntegerField(
        label=gettext_lazy("Times in a row"), min_value=1, max_value=scalingpolicies.LARGEST_COUNT, initial=3
    )
    graceful_window = forms.IntegerField(
        label=gettext_lazy("Graceful window, s"),
        min_value=0,
        max_value=scalingpolicies.LONGEST_GRACE,
        initial=scalingpolicies.GRACEFUL_SECONDS,
        help_text=gettext_lazy("After any policy has scaled, the alarm rests so long."),
    )

    def rule(self) -> JSON:
        asked = self.cleaned_data
        return {
            "metric": asked["metric"],
            "operator": asked["operator"],
            "thresholdPercent": asked["threshold"],
            "periodSeconds": asked["period"],
            "consecutiveCount": asked["count"],
        }

    @classmethod
    def rule_of(cls, rule: JSON) -> dict[str, Any]:
        return {
            "metric": rule["metric"],
            "operator": rule["operator"],
            "threshold": rule["thresholdPercent"],
            "period": rule["periodSeconds"],
            "count": rule["consecutiveCount"],
        }


class TimedForm(PolicyForm):
    type = "timed"
    places = {
        **_COMMON_PLACES,
        "spec.timed.at": "at",
        "spec.timed.action.type": "action",
        "spec.timed.action.pods": "pods",
        "spec.timed": "at",
    }
    at = forms.DateTimeField(
        label=gettext_lazy("At (UTC)"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
    )

    def rule(self) -> JSON:
        return {"at": times.format_seconds(self.cleaned_data["at"].replace(tzinfo=UTC))}

    @classmethod
    def rule_of(cls, rule: JSON) -> dict[str, Any]:
        return {"at": times.parse(rule["at"]).replace(tzinfo=None)}


class PeriodicForm(PolicyForm):
    type = "periodic"
    places = {
        **_COMMON_PLACES,
        "spec.periodic.schedule": "schedule",
        "spec.periodic.timeZone": "zone",
        "spec.periodic.action.type": "action",
        "spec.periodic.action.pods": "pods",
        "spec.periodic": "schedule",
    }
    schedule = forms.CharField(
        label=gettext_lazy("Schedule"),
        max_length=100,
        initial="0 8 * * 1-5",
        help_text=gettext_lazy("Five cron fields: minute, hour, day, month, day of the week. Or @daily, @hourly."),
    )
    zone = forms.CharField(label=gettext_lazy("Time zone"), max_length=64, initial="UTC")

    def rule(self) -> JSON:
        return {"schedule": self.cleaned_data["schedule"], "timeZone": self.cleaned_data["zone"]}

    @classmethod
    def rule_of(cls, rule: JSON) -> dict[str, Any]:
        return {"schedule": rule["schedule"], "zone": rule["timeZone"]}


FORMS: dict[str, type[PolicyForm]] = {"alarm": AlarmForm, "timed": TimedForm, "periodic": PeriodicForm}


def _share(metric: JSON) -> int | None:
    """The target of a metric that the simple form shows."""
    if metric.get("type") != "Resource":
        return None
    share = metric["resource"]["target"].get("averageUtilization")
    return None if share is None else int(share)


def _utilization(percent: int) -> JSON:
    return {"type": "Utilization", "averageUtilization": percent}


def _new_autoscaler(deployment: str) -> JSON:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": deployment},
        "spec": {"scaleTargetRef": reference},
    }


def _new_policy(name: str, deployment: str) -> JSON:
    return {
        "apiVersion": "autoscaling.cci.io/v1beta1",
        "kind": "ScalingPolicy",
        "metadata": {"name": name},
        "spec": {"targetRef": {"name": deployment}},
    }
