"""ScalingPolicy (autoscaling.cci.io/v1beta1, ours): one rule by which a Deployment's number of pods changes, by an
alarm on its load, at one time, or periodically.

What one policy may say is decided here; how many a Deployment may have, and that it has no HorizontalPodAutoscaler
beside them, in `admission.scaling`.
"""

from __future__ import annotations

from typing import Any, Literal

from workloads.kinds import objectmeta, schedules, schemas
from workloads.kinds.base import Column, Kind
from workloads.kinds.columns import AGE, NAME, NONE
from workloads.kinds.registry import register
from workloads.kinds.schedules import ScheduleError
from workloads.meta import causes, times
from workloads.meta.errors import Cause

JSON = dict[str, Any]
Type = Literal["alarm", "timed", "periodic"]

TYPES: tuple[Type, ...] = ("alarm", "timed", "periodic")
METRICS, OPERATORS = ("cpu", "memory"), (">", "<")
ADD, REMOVE, SET = "add", "remove", "set"
MOST_ALARMS, MOST_PLANNED = 4, 10
MOST_PODS = 1000
GRACEFUL_SECONDS, LONGEST_GRACE = 30, 9999
PERIOD_SECONDS, SHORTEST_PERIOD, LONGEST_PERIOD = 60, 15, 3600
COUNT, LARGEST_COUNT = 3, 20

_PREFIX = "io.cci.autoscaling.v1beta1."
_META = "io.k8s.apimachinery.pkg.apis.meta.v1."


def type_of(policy: JSON) -> Type:
    """Of one that validation has let through."""
    return next(type for type in TYPES if type in policy["spec"])


def target_of(policy: JSON) -> str:
    """The Deployment's name."""
    return str(policy["spec"]["targetRef"]["name"])


def action_of(policy: JSON) -> JSON:
    return dict(policy["spec"][type_of(policy)]["action"])


def schedule(policy: JSON) -> schedules.Schedule:
    """Of a periodic one. Raises ScheduleError."""
    periodic = policy["spec"]["periodic"]
    return schedules.parse(periodic["schedule"], zone=periodic.get("timeZone"))


def pods_after(policy: JSON, current: int) -> int:
    """How many pods there are to be when the policy acts; within its least and most, and never against its meaning: a
    policy that adds does not remove because there are more than its most already."""
    spec, action = policy["spec"], action_of(policy)
    if action["type"] == ADD:
        return max(current, min(current + int(action["pods"]), int(spec["maxPods"])))
    if action["type"] == REMOVE:
        return min(current, max(current - int(action["pods"]), int(spec["minPods"])))
    return int(action["pods"])


def rule(policy: JSON) -> str:
    """When it acts, in a word: `cpu > 80% 3x 60s`, `0 8 * * 1-5`, a time."""
    spec, type = policy["spec"], type_of(policy)
    if type == "timed":
        return str(spec["timed"]["at"])
    if type == "periodic":
        periodic = spec["periodic"]
        return f"{periodic['schedule']} {periodic['timeZone']}"
    alarm = spec["alarm"]
    what = f"{alarm['metric']} {alarm['operator']} {alarm['thresholdPercent']}%"
    return f"{what} {alarm['consecutiveCount']}x {alarm['periodSeconds']}s"


def default(obj: JSON) -> None:
    spec = obj.setdefault("spec", {})
    target = spec.setdefault("targetRef", {})
    target.setdefault("apiVersion", "apps/v1")
    target.setdefault("kind", "Deployment")
    spec.setdefault("enabled", True)
    spec.setdefault("minPods", 1)
    spec.setdefault("maxPods", MOST_PODS)
    spec.setdefault("gracefulWindowSeconds", GRACEFUL_SECONDS)
    if isinstance(alarm := spec.get("alarm"), dict):
        alarm.setdefault("statistic", "average")
        alarm.setdefault("periodSeconds", PERIOD_SECONDS)
        alarm.setdefault("consecutiveCount", COUNT)
    if isinstance(periodic := spec.get("periodic"), dict):
        periodic.setdefault("timeZone", "UTC")


def prepare(obj: JSON, old: JSON | None) -> None:
    if old is None:
        obj["status"] = {}


def validate(obj: JSON, old: JSON | None) -> list[Cause]:
    spec = obj["spec"]
    found = objectmeta.validate(obj) + _target(spec["targetRef"]) + _pods(spec) + _window(spec)
    given = [type for type in TYPES if type in spec]
    if len(given) != 1:
        rule = "give exactly one of alarm, timed and periodic"
        return [*found, causes.invalid("spec", given, rule) if given else causes.required("spec.alarm", rule)]
    check = {"alarm": _alarm, "timed": _timed, "periodic": _periodic}[given[0]]
    found += check(spec[given[0]]) + _action(spec, given[0])
    if old is None:
        return found + _in_the_future(obj)
    if spec["targetRef"] != old["spec"]["targetRef"]:
        found.append(causes.immutable("spec.targetRef", spec["targetRef"]))
    if given[0] not in old["spec"]:
        rule = f"the policy is of type {type_of(old)} and stays so; make another one"
        found.append(causes.forbidden(f"spec.{given[0]}", rule))
    return found


def _target(target: JSON) -> list[Cause]:
    found = []
    if (target["apiVersion"], target["kind"]) != ("apps/v1", "Deployment"):
        named = f"{target['apiVersion']} {target['kind']}"
        found.append(causes.invalid("spec.targetRef.kind", named, "policies scale Deployments of apps/v1 only"))
    if not target.get("name"):
        found.append(causes.required("spec.targetRef.name", "name the Deployment that is scaled"))
    return found


def _pods(spec: JSON) -> list[Cause]:
    found = [
        causes.invalid(f"spec.{name}", spec[name], f"must be between 0 and {MOST_PODS}")
        for name in ("minPods", "maxPods")
        if not 0 <= spec[name] <= MOST_PODS
    ]
    if spec["maxPods"] < spec["minPods"]:
        found.append(causes.invalid("spec.maxPods", spec["maxPods"], "must be greater than or equal to `minPods`"))
    return found


def _window(spec: JSON) -> list[Cause]:
    return _between("spec.gracefulWindowSeconds", spec["gracefulWindowSeconds"], 0, LONGEST_GRACE)


def _between(field: str, value: Any, least: int, most: int) -> list[Cause]:
    if value is None:
        return [causes.required(field, f"give a number from {least} to {most}")]
    return [] if least <= value <= most else [causes.invalid(field, value, f"must be between {least} and {most}")]


def _alarm(alarm: JSON) -> list[Cause]:
    found = []
    for name, supported in (("metric", METRICS), ("statistic", ("average",)), ("operator", OPERATORS)):
        if alarm.get(name) not in supported:
            found.append(causes.unsupported(f"spec.alarm.{name}", alarm.get(name, ""), supported))
    found += _between("spec.alarm.thresholdPercent", alarm.get("thresholdPercent"), 1, 100)
    found += _between("spec.alarm.periodSeconds", alarm["periodSeconds"], SHORTEST_PERIOD, LONGEST_PERIOD)
    return found + _between("spec.alarm.consecutiveCount", alarm["consecutiveCount"], 1, LARGEST_COUNT)


def _timed(timed: JSON) -> list[Cause]:
    if not timed.get("at"):
        return [causes.required("spec.timed.at", "give a time such as 2026-01-31T08:00:00Z")]
    try:
        times.parse(timed["at"])
    except ValueError as error:
        return [causes.invalid("spec.timed.at", timed["at"], str(error))]
    return []


def _in_the_future(obj: JSON) -> list[Cause]:
    """Asked of a new one alone: later it may well be over."""
    at = str((obj["spec"].get("timed") or {}).get("at") or "")
    try:
        past = bool(at) and times.parse(at) <= times.parse(obj["metadata"]["creationTimestamp"])
    except ValueError:
        return []
    return [causes.invalid("spec.timed.at", at, "must lie in the future")] if past else []


def _periodic(periodic: JSON) -> list[Cause]:
    found, text, zone = [], periodic.get("schedule", ""), periodic["timeZone"]
    if not text:
        found.append(causes.required("spec.periodic.schedule", 'give five cron fields, such as "0 8 * * 1-5"'))
    for field, value, read in (
        ("schedule", text, schedules.parse),
        ("timeZone", zone, schedules.time_zone),
    ):
        try:
            if value or field == "timeZone":
                read(value)
        except ScheduleError as error:
            found.append(causes.invalid(f"spec.periodic.{field}", value, str(error)))
    return found


def _action(spec: JSON, type: Type) -> list[Cause]:
    field, action = f"spec.{type}.action", spec[type].get("action") or {}
    supported = (ADD, REMOVE) if type == "alarm" else (ADD, REMOVE, SET)
    found = []
    if action.get("type") not in supported:
        found.append(causes.unsupported(f"{field}.type", action.get("type", ""), supported))
    pods = action.get("pods")
    if pods is None:
        return [*found, causes.required(f"{field}.pods", "give a number of pods")]
    if action.get("type") == SET:
        least, most = spec["minPods"], spec["maxPods"]
        if not least <= pods <= most:
            rule = f"must be between minPods ({least}) and maxPods ({most})"
            found.append(causes.invalid(f"{field}.pods", pods, rule))
        return found
    return found + _between(f"{field}.pods", pods, 1, MOST_PODS)


def _text(description: str) -> JSON:
    return {"type": "string", "description": description}


def _number(description: str) -> JSON:
    return {"type": "integer", "format": "int32", "description": description}


def _object(description: str, **properties: JSON) -> JSON:
    return {"type": "object", "description": description, "properties": properties}


def _reference(name: str) -> JSON:
    return {"$ref": f"{schemas.REFERENCE}{name}"}


_ACTION = schemas.define(
    f"{_PREFIX}ScalingAction",
    _object(
        "ScalingAction is what a policy does to the number of pods.",
        type=_text("One of add, remove and, unless the policy is an alarm, set."),
        pods=_number("By how many, or to how many."),
    ),
)
_SPEC = schemas.define(
    f"{_PREFIX}ScalingPolicySpec",
    _object(
        "ScalingPolicySpec says when a Deployment's number of pods changes, and how.",
        targetRef=_object(
            "The Deployment. It cannot be changed.",
            apiVersion=_text("apps/v1."),
            kind=_text("Deployment."),
            name=_text("Its name."),
        ),
        enabled={"type": "boolean", "description": "False: it rests. True without a word."},
        minPods=_number("Fewer pods than these it does not leave. 1 without a word."),
        maxPods=_number(f"More pods than these it does not make. {MOST_PODS} without a word."),
        gracefulWindowSeconds=_number(
            "An alarm does not act within so many seconds after any policy scaled the Deployment: "
            f"0 to {LONGEST_GRACE}, {GRACEFUL_SECONDS} without a word."
        ),
        alarm=_object(
            "Acts on load, measured over all running pods of the Deployment, in percent of their billed size.",
            metric=_text("cpu or memory."),
            statistic=_text("average."),
            operator=_text("> or <."),
            thresholdPercent=_number("1 to 100."),
            periodSeconds=_number(f"How often it is measured: {SHORTEST_PERIOD} to {LONGEST_PERIOD}."),
            consecutiveCount=_number(f"So many measurements in a row must agree: 1 to {LARGEST_COUNT}."),
            action=_reference(_ACTION),
        ),
        timed=_object("Acts once.", at=_text("A time in RFC 3339."), action=_reference(_ACTION)),
        periodic=_object(
            "Acts again and again.",
            schedule=_text("Five cron fields, or a word such as @daily."),
            timeZone=_text("A name such as Asia/Shanghai. UTC without a word."),
            action=_reference(_ACTION),
        ),
    ),
)
_STATUS = schemas.define(
    f"{_PREFIX}ScalingPolicyStatus",
    _object(
        "ScalingPolicyStatus is what came of a policy.",
        observedGeneration={"type": "integer", "format": "int64", "description": "The generation acted upon."},
        countedSince=_text("Occasions after this time count."),
        lastRunTime=_text("The last occasion that was dealt with."),
        lastResult=_text("Scaled, Unchanged, Failed or Missed."),
        lastMessage=_text("What came of it, for people."),
        lastScaleTime=_text("When it last changed the number of pods."),
        nextRunTime=_text("The next occasion of a timed or periodic policy."),
        percent=_number("What an alarm measured last."),
        breaches=_number("So many measurements in a row were beyond an alarm's threshold."),
        measuredAt=_text("The measurement an alarm has dealt with last."),
        message=_text("Why nothing happens, where something should."),
    ),
)
SCHEMA = schemas.define(
    f"{_PREFIX}ScalingPolicy",
    {
        **_object(
            "ScalingPolicy changes a Deployment's number of pods by an alarm, at a time, or periodically.",
            apiVersion=_text("The versioned schema of this representation of an object."),
            kind=_text("The REST resource this object represents."),
            metadata={**_reference(f"{_META}ObjectMeta"), "description": "Standard object's metadata."},
            spec={**_reference(_SPEC), "description": "The rule."},
            status={**_reference(_STATUS), "description": "What came of it."},
        ),
        "x-kubernetes-group-version-kind": [
            {"group": "autoscaling.cci.io", "kind": "ScalingPolicy", "version": "v1beta1"}
        ],
    },
)


def _status(name: str) -> Any:
    return lambda obj, now: str((obj.get("status") or {}).get(name) or NONE)


def _action_cell(obj: JSON, now: float) -> str:
    action = action_of(obj)
    return f"{action['type']} {action['pods']}"


KIND = register(
    Kind(
        name="ScalingPolicy",
        plural="scalingpolicies",
        group="autoscaling.cci.io",
        version="v1beta1",
        schema=SCHEMA,
        singular="scalingpolicy",
        short_names=("scalepol",),
        subresources=("status",),
        columns=(
            NAME,
            Column("Target", lambda obj, now: f"Deployment/{target_of(obj)}", description="What is scaled."),
            Column("Type", lambda obj, now: type_of(obj).capitalize(), description="Alarm, Timed or Periodic."),
            Column("Rule", lambda obj, now: rule(obj), description="When it acts."),
            Column("Action", _action_cell, description="What it does to the number of pods."),
            Column("Enabled", lambda obj, now: str(bool(obj["spec"]["enabled"])), description="Whether it acts."),
            Column("Last", _status("lastResult"), description="What came of it last."),
            AGE,
            Column("Last run", _status("lastRunTime"), priority=1),
            Column("Next run", _status("nextRunTime"), priority=1),
            Column("Message", _status("lastMessage"), priority=1),
        ),
        default=default,
        validate=validate,
        prepare=prepare,
    )
)
