"""The Scaling tab of a Deployment: its autoscaler or its policies, beside what its pods use now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from console import frame, happenings, spans, usage
from console.access import Visit, guarded
from console.forms.scaling import FORMS, AutoscalerForm, PolicyForm, place
from console.pages import Context, page
from console.views import asked, sleeping
from console.views.deployments import DEPLOYMENT
from workloads.client import JSON, DeleteOptions
from workloads.kinds import autoscalers, scalingpolicies
from workloads.meta.errors import AlreadyExists, Invalid, NotFound

_KINDS = ("Deployment", "ReplicaSet", "Pod", "HorizontalPodAutoscaler", "ScalingPolicy", "Event")
_EVENTS = 8
_SLEEP = ("Sleeping", "Woken", "NotReached")


@page("deployments/scaling.html", kinds=_KINDS)
def tab(visit: Visit, *, namespace: str, name: str) -> Context:
    context = DEPLOYMENT.on(visit, name, "scaling")
    autoscaler, policies = _autoscaler(visit, name), _policies(visit, name)
    used = list(usage.of_owned(visit.client, context["pods"]).values())
    uids = [one["metadata"]["uid"] for one in (*([autoscaler] if autoscaler else []), *policies)]
    return {
        **context,
        **sleeping.told(context["row"]),
        "autoscaler": _AutoscalerRow(autoscaler) if autoscaler else None,
        "policies": [_PolicyRow(policy) for policy in policies],
        "alarms": sum(scalingpolicies.type_of(one) == "alarm" for one in policies),
        "most_alarms": scalingpolicies.MOST_ALARMS,
        "most_planned": scalingpolicies.MOST_PLANNED,
        "cpu_percent": _average([one.cpu_percent for one in used]),
        "memory_percent": _average([one.memory_percent for one in used]),
        "events": _events(visit, [*uids, context["row"].uid], own=f"Deployment/{name}"),
    }


def _events(visit: Visit, uids: list[str], *, own: str) -> list[happenings.Happening]:
    """Of the Deployment itself, how it fell asleep and was woken."""
    found = happenings.of_uids(visit.client, visit.namespace, uids)
    return [one for one in found if one.about != own or one.reason in _SLEEP][:_EVENTS]


@guarded("GET", "POST")
def autoscaler(visit: Visit, *, namespace: str, name: str) -> HttpResponse:
    """Made, changed or deleted in one dialog."""
    visit.client.require("create", "HorizontalPodAutoscaler", namespace)
    before = _autoscaler(visit, name)
    if before is None and _is_to_go(visit):
        return _gone_already(visit, name)
    if before and _is_to_go(visit):
        said = _("The autoscaler of %(name)s is gone; the number of pods stays.") % {"name": name}
        return _gone(visit, name, before, said)
    form = AutoscalerForm(visit.request.POST or None, initial=AutoscalerForm.initial_of(before))
    if form.is_valid() and _kept(visit, form, form.manifest(name, before), before):
        return _back(namespace, name)
    return _dialog(visit, name, "deployments/scaling_autoscaler.html", form, {"before": before})


@guarded("GET", "POST")
def policy(visit: Visit, *, namespace: str, name: str) -> HttpResponse:
    """`?policy=` one that is there, else a new one of `?type=`."""
    visit.client.require("create", "ScalingPolicy", namespace)
    wanted = visit.request.POST.get("policy") or visit.request.GET.get("policy", "")
    before = _named(visit, name, wanted.replace("\0", ""))
    if before and _is_to_go(visit):
        return _gone(visit, name, before, _("Policy %(name)s is gone.") % {"name": before["metadata"]["name"]})
    if before and (do := visit.request.POST.get("do")):
        return _done(visit, name, before, do)
    type = scalingpolicies.type_of(before) if before else visit.request.GET.get("type", "alarm")
    kind = FORMS.get(type, FORMS["alarm"])
    initial = kind.initial_of(before) if before else {"name": f"{name[:40]}-{_free(visit, name, kind.type)}"}
    form = kind(visit.request.POST or None, initial=initial, fixed=before is not None)
    if form.is_valid() and _kept(visit, form, form.manifest(name, before), before):
        return _back(namespace, name)
    return _dialog(visit, name, "deployments/scaling_policy.html", form, {"before": before, "type": kind.type})


def _kept(visit: Visit, form: AutoscalerForm | PolicyForm, manifest: JSON, before: JSON | None) -> bool:
    """False when the control plane refused: its words are at their fields then."""
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    try:
        if before is None:
            answer = visit.client.create(kind, manifest, visit.namespace)
        else:
            answer = visit.client.update(kind, name, manifest, visit.namespace)
    except Invalid as refusal:
        place(form, form.places, refusal.causes)
        return False
    except AlreadyExists as refusal:
        form.add_error("name" if "name" in form.fields else None, refusal.message)
        return False
    messages.success(visit.request, _("%(name)s is in force.") % {"name": name})
    for warning in answer.warnings:
        messages.info(visit.request, warning)
    return True


def _done(visit: Visit, name: str, policy: JSON, do: str) -> HttpResponse:
    policy_name, uid = policy["metadata"]["name"], policy["metadata"]["uid"]
    patch = {"metadata": {"uid": uid}, "spec": {"enabled": do == "enable"}}
    visit.client.patch("ScalingPolicy", policy_name, patch, "application/merge-patch+json", visit.namespace)
    said = _("Policy %(name)s acts again.") if do == "enable" else _("Policy %(name)s rests.")
    messages.success(visit.request, said % {"name": policy_name})
    return _back(visit.namespace, name)


def _is_to_go(visit: Visit) -> bool:
    """`?do=delete` asks for the name, `do=delete` with its name deletes."""
    return "delete" in (visit.request.GET.get("do"), visit.request.POST.get("do"))


def _gone_already(visit: Visit, name: str) -> HttpResponse:
    """Somebody else was sooner."""
    messages.info(visit.request, _("It is gone already."))
    return _back(visit.namespace, name)


def _gone(visit: Visit, name: str, obj: JSON, said: str) -> HttpResponse:
    """An autoscaler or a policy of the Deployment `name`, when its own name was typed."""
    kind, word = obj["kind"], obj["metadata"]["name"]
    visit.client.require("delete", kind, visit.namespace)
    if asked.is_sure(visit, word):
        visit.client.delete(kind, word, visit.namespace, options=DeleteOptions(uid=obj["metadata"]["uid"]))
        messages.success(visit.request, said)
        return _back(visit.namespace, name)
    around = {**DEPLOYMENT.on(visit, name, "scaling"), "visit": visit, "frame": frame.of(visit)}
    context = {**around, "word": word, "is_policy": kind == "ScalingPolicy"}
    return render(visit.request, "deployments/scaling_delete.html", context, status=asked.status(visit))


def _dialog(visit: Visit, name: str, template: str, form: forms.Form, more: Context) -> HttpResponse:
    context = {**DEPLOYMENT.on(visit, name, "scaling"), "visit": visit, "frame": frame.of(visit), "form": form, **more}
    return render(visit.request, template, context, status=422 if visit.request.method == "POST" else 200)


def _back(namespace: str, name: str) -> HttpResponse:
    return redirect("console:deployment-scaling", namespace=namespace, name=name)


def _autoscaler(visit: Visit, deployment: str) -> JSON | None:
    for one in visit.client.list("HorizontalPodAutoscaler", visit.namespace).items:
        target = one["spec"]["scaleTargetRef"]
        if (target["kind"], target["name"]) == ("Deployment", deployment):
            return one
    return None


def _policies(visit: Visit, deployment: str) -> list[JSON]:
    found = visit.client.list("ScalingPolicy", visit.namespace).items
    mine = [one for one in found if scalingpolicies.target_of(one) == deployment]
    return sorted(mine, key=lambda one: (scalingpolicies.TYPES.index(scalingpolicies.type_of(one)), _name(one)))


def _named(visit: Visit, deployment: str, name: str) -> JSON | None:
    """Raises NotFound, also for a policy of another Deployment."""
    if not name:
        return None
    policy = visit.client.get("ScalingPolicy", name, visit.namespace)
    if scalingpolicies.target_of(policy) != deployment:
        raise NotFound.named("scalingpolicies", name, group="autoscaling.cci.io")
    return policy


def _free(visit: Visit, deployment: str, type: str) -> str:
    """`alarm`, or `alarm-2` where that is taken."""
    taken = {_name(one) for one in visit.client.list("ScalingPolicy", visit.namespace).items}
    names = (type if number == 1 else f"{type}-{number}" for number in range(1, len(taken) + 2))
    return next(one for one in names if f"{deployment[:40]}-{one}" not in taken)


def _name(obj: JSON) -> str:
    return str(obj["metadata"]["name"])


def _average(percents: list[int]) -> int | None:
    return round(sum(percents) / len(percents)) if percents else None


@dataclass(frozen=True)
class _AutoscalerRow:
    obj: JSON

    @property
    def spec(self) -> JSON:
        return dict(self.obj["spec"])

    @property
    def status(self) -> JSON:
        return dict(self.obj.get("status") or {})

    @property
    def targets(self) -> list[str]:
        return autoscalers.targets(self.obj)

    @property
    def problems(self) -> list[str]:
        """What keeps it from working, in its own words."""
        found = [one for one in self.status.get("conditions") or () if one["type"] != "ScalingLimited"]
        return [str(one.get("message", "")) for one in found if one["status"] == "False"]

    @property
    def limited(self) -> str:
        found = [one for one in self.status.get("conditions") or () if one["type"] == "ScalingLimited"]
        return str(found[0].get("message", "")) if found and found[0]["status"] == "True" else ""


@dataclass(frozen=True)
class _PolicyRow:
    obj: JSON

    @property
    def id(self) -> str:
        return f"policy-{self.obj['metadata']['uid']}"

    @property
    def name(self) -> str:
        return _name(self.obj)

    @property
    def type(self) -> str:
        return {"alarm": _("Alarm"), "timed": _("Timed"), "periodic": _("Periodic")}[scalingpolicies.type_of(self.obj)]

    @property
    def enabled(self) -> bool:
        return bool(self.obj["spec"]["enabled"])

    @property
    def status(self) -> JSON:
        return dict(self.obj.get("status") or {})

    @property
    def rule(self) -> str:
        spec = self.obj["spec"]
        if alarm := spec.get("alarm"):
            metric = {"cpu": _("CPU"), "memory": _("Memory")}[alarm["metric"]]
            values: dict[str, Any] = {**alarm, "metric": metric}
            return _("%(metric)s %(operator)s %(thresholdPercent)s %%, %(consecutiveCount)s times") % values
        return scalingpolicies.rule(self.obj)

    @property
    def action(self) -> str:
        action = scalingpolicies.action_of(self.obj)
        words = {"add": _("add %(pods)s"), "remove": _("remove %(pods)s"), "set": _("set to %(pods)s")}
        return words[action["type"]] % action

    @property
    def state(self) -> tuple[str, str, str]:
        """Tone, shape and word."""
        if not self.enabled:
            return "idle", "square", _("Rests")
        if self.status.get("message"):
            return "warn", "triangle", _("Waits")
        if self.status.get("lastResult") in ("Failed", "Missed"):
            return "warn", "triangle", {"Failed": _("Failed"), "Missed": _("Missed")}[self.status["lastResult"]]
        return "ok", "dot", _("In force")

    @property
    def next_run(self) -> datetime | None:
        stamp = self.status.get("nextRunTime")
        return spans.parse(stamp) if stamp else None

    @property
    def last(self) -> str:
        return str(self.status.get("message") or self.status.get("lastMessage", ""))
