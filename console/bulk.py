"""Several objects of one kind at once: what may be done with them, what of it can be done, what it stops billing, and
how each of them took it. Every object is asked for and written by itself: one refusal keeps no other from its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from billing import client as billing
from billing.client import Rate
from console import jobrows
from console.rows import PodRow, controller_of
from workloads.client import JSON, Client, DeleteOptions
from workloads.meta.errors import StatusError

MOST = 200
"""Objects at a time."""
WORD = "DELETE"
"""What is typed before several objects go."""
MERGE: Literal["application/merge-patch+json"] = "application/merge-patch+json"
RESTARTED = "kubectl.kubernetes.io/restartedAt"
"""What `kubectl rollout restart` writes, too."""

KINDS = (
    "Deployment",
    "Job",
    "CronJob",
    "Pod",
    "Service",
    "Ingress",
    "Network",
    "ConfigMap",
    "Secret",
    "ServiceAccount",
    "PersistentVolumeClaim",
)
_IN_FOREGROUND = ("Deployment", "Job", "CronJob")
"""Stay until what they own has stopped."""

_COUNTED: dict[str, Callable[[int], str]] = {
    "Deployment": lambda n: ngettext("%(count)s Deployment", "%(count)s Deployments", n),
    "Job": lambda n: ngettext("%(count)s Job", "%(count)s Jobs", n),
    "CronJob": lambda n: ngettext("%(count)s CronJob", "%(count)s CronJobs", n),
    "Pod": lambda n: ngettext("%(count)s pod", "%(count)s pods", n),
    "Service": lambda n: ngettext("%(count)s Service", "%(count)s Services", n),
    "Ingress": lambda n: ngettext("%(count)s Ingress", "%(count)s Ingresses", n),
    "Network": lambda n: ngettext("%(count)s network", "%(count)s networks", n),
    "ServiceAccount": lambda n: ngettext("%(count)s ServiceAccount", "%(count)s ServiceAccounts", n),
    "ConfigMap": lambda n: ngettext("%(count)s ConfigMap", "%(count)s ConfigMaps", n),
    "Secret": lambda n: ngettext("%(count)s Secret", "%(count)s Secrets", n),
    "PersistentVolumeClaim": lambda n: ngettext("%(count)s claim", "%(count)s claims", n),
}
_GOES: dict[str, str | Promise] = {
    "Deployment": gettext_lazy("Their pods stop and go, with what they wrote to their disks. This cannot be undone."),
    "Job": gettext_lazy("Their pods stop and go, with their logs and results. This cannot be undone."),
    "CronJob": gettext_lazy("Their Jobs and pods stop and go with them. This cannot be undone."),
    "Pod": gettext_lazy("They stop and go, with what they wrote to their disks. This cannot be undone."),
    "Service": gettext_lazy("Their names and addresses go: who uses them finds nothing. This cannot be undone."),
    "Ingress": gettext_lazy("Requests from outside for their hosts find nothing. This cannot be undone."),
    "Network": gettext_lazy("Each stays until the pods of its namespace have ended; then another one takes its place."),
    "ServiceAccount": gettext_lazy("Their tokens are refused; pods that are to run under them do not start any more."),
    "ConfigMap": gettext_lazy("Pods that run keep what they have; new ones that need it do not start."),
    "Secret": gettext_lazy("Pods that run keep what they have; new ones that need it do not start."),
    "PersistentVolumeClaim": gettext_lazy(
        "The data in them is removed, when no pod uses it any more. This cannot be undone."
    ),
}


@dataclass(frozen=True)
class Pick:
    """One object that somebody has ticked. The uid tells it from another that took its name since."""

    namespace: str
    name: str
    uid: str

    @classmethod
    def read(cls, value: str) -> Pick | None:
        """`namespace/name/uid`, as rows say it; None for anything else."""
        parts = value.replace("\0", "").split("/")
        return cls(*parts) if len(parts) == 3 and all(parts) else None

    @property
    def value(self) -> str:
        return f"{self.namespace}/{self.name}/{self.uid}"


@dataclass(frozen=True)
class Action:
    name: str
    label: str | Promise
    kinds: tuple[str, ...]
    verb: str = "patch"
    part: str = ""
    """The subresource that is written."""

    @property
    def danger(self) -> bool:
        return self.name == "delete"


ACTIONS = (
    Action("restart", gettext_lazy("Restart"), ("Deployment",)),
    Action("scale", gettext_lazy("Scale"), ("Deployment",), part="scale"),
    Action("suspend", gettext_lazy("Suspend"), ("Job", "CronJob")),
    Action("resume", gettext_lazy("Resume"), ("Job", "CronJob")),
    Action("label", gettext_lazy("Label"), KINDS),
    Action("delete", gettext_lazy("Delete"), KINDS, verb="delete"),
)


@dataclass(frozen=True)
class Offer:
    """What a list offers for what is ticked on it."""

    kind: str
    actions: tuple[Action, ...]


@dataclass(frozen=True)
class Candidate:
    """One object before it is touched, or after. `problem` says why nothing is done, or was, with it."""

    pick: Pick
    obj: JSON | None = None
    problem: str = ""
    rate: Rate | None = None
    """What it costs now."""


@dataclass(frozen=True)
class Wish:
    """What is asked for beside the action: how many pods, or which label (`value` None takes it away)."""

    replicas: int = 0
    key: str = ""
    value: str | None = None


def offer(client: Client, kind: str, namespaces: Iterable[str]) -> Offer | None:
    """What the visitor may do in one of `namespaces` at least; None where that is nothing."""
    places = sorted(set(namespaces))
    actions = tuple(action for action in ACTIONS if kind in action.kinds and _allowed(client, action, kind, places))
    return Offer(kind, actions) if actions else None


def action_of(name: str, kind: str) -> Action | None:
    return next((action for action in ACTIONS if action.name == name and kind in action.kinds), None)


def counted(kind: str, count: int) -> str:
    """`3 Deployments`."""
    return _COUNTED[kind](count) % {"count": count}


def look(client: Client, account: str, action: Action, kind: str, picks: Sequence[Pick]) -> list[Candidate]:
    """Each object as it is now, with why the action is nothing for it, if so."""
    found = [_look(client, action, kind, pick) for pick in picks]
    rates = _rates(client, account, kind, [one.obj for one in found if one.obj is not None])
    return [Candidate(one.pick, one.obj, one.problem, rates.get(one.pick.uid)) for one in found]


def act(client: Client, action: Action, kind: str, candidates: Iterable[Candidate], wish: Wish) -> list[Candidate]:
    """Does it with all that have no problem. What is refused comes back with the refusal's words."""
    return [one if one.problem else _acted(client, action, kind, one, wish) for one in candidates]


def burns(candidates: Iterable[Candidate]) -> Rate | None:
    """What those without a problem cost now, together; None where that is nothing."""
    rates = [one.rate for one in candidates if one.rate is not None and not one.problem and one.rate.per_second]
    return Rate(rates[0].currency, sum((one.per_second for one in rates), Decimal(0))) if rates else None


def goes(kind: str) -> str:
    """What deleting several of a kind takes along."""
    return str(_GOES[kind])


def replaced(candidates: Iterable[Candidate]) -> int:
    """How many of these pods a workload makes anew at once."""
    return sum(1 for one in candidates if not one.problem and one.obj is not None and controller_of(one.obj))


def done(action: Action, kind: str, count: int, wish: Wish) -> str:
    """What is said when it is under way."""
    words = {
        "restart": lambda: ngettext("%(what)s is being restarted.", "%(what)s are being restarted.", count),
        "scale": lambda: ngettext(
            "%(what)s is being scaled to %(replicas)s.", "%(what)s are being scaled to %(replicas)s.", count
        ),
        "suspend": lambda: ngettext("%(what)s is being suspended.", "%(what)s are being suspended.", count),
        "resume": lambda: ngettext("%(what)s goes on.", "%(what)s go on.", count),
        "label": lambda: ngettext("%(what)s has its new labels.", "%(what)s have their new labels.", count),
        "delete": lambda: ngettext("%(what)s is being deleted.", "%(what)s are being deleted.", count),
    }
    return words[action.name]() % {"what": counted(kind, count), "replicas": wish.replicas}


def _allowed(client: Client, action: Action, kind: str, namespaces: Sequence[str]) -> bool:
    if client.refusal(action.verb, kind, None, part=action.part) is None:
        return bool(namespaces)
    return any(client.refusal(action.verb, kind, one, part=action.part) is None for one in namespaces)


def _look(client: Client, action: Action, kind: str, pick: Pick) -> Candidate:
    try:
        obj = client.get(kind, pick.name, pick.namespace)
    except StatusError as refusal:
        return Candidate(pick, None, refusal.message)
    if obj["metadata"]["uid"] != pick.uid:
        return Candidate(pick, None, _("It is gone; another one has its name now."))
    forbidden = client.refusal(action.verb, kind, pick.namespace, name=pick.name, part=action.part)
    return Candidate(pick, obj, forbidden.message if forbidden else _useless(action, obj))


def _useless(action: Action, obj: JSON) -> str:
    """Why the action would change nothing; "" when it would."""
    if obj["metadata"].get("deletionTimestamp"):
        return _("It is being deleted already.")
    if action.name in ("suspend", "resume"):
        is_suspended = bool(obj["spec"].get("suspend"))
        if any(
            one["type"] in ("Complete", "Failed") and one["status"] == "True"
            for one in (obj.get("status") or {}).get("conditions") or ()
        ):
            return _("It has ended already.")
        if action.name == "suspend" and is_suspended:
            return _("It is suspended already.")
        if action.name == "resume" and not is_suspended:
            return _("It is not suspended.")
    return ""


def _rates(client: Client, account: str, kind: str, objs: Sequence[JSON]) -> dict[str, Rate]:
    """By uid, what these cost now. Kinds that cost nothing have none."""
    if kind == "Pod":
        return {obj["metadata"]["uid"]: rate for obj in objs if (rate := PodRow(obj).rate)}
    if kind == "Job":
        return {obj["metadata"]["uid"]: rate for obj in objs if (rate := jobrows.job_row(client, obj).rate)}
    if kind in ("Deployment", "CronJob") and objs:
        meters = billing.by_workload(account, (obj["metadata"]["uid"] for obj in objs))
        return {uid: meter.rate for uid, meter in meters.items() if meter.running}
    return {}


def _acted(client: Client, action: Action, kind: str, one: Candidate, wish: Wish) -> Candidate:
    try:
        _write(client, action, kind, one.pick, wish)
    except StatusError as refusal:
        return Candidate(one.pick, one.obj, refusal.message, one.rate)
    return one


def _write(client: Client, action: Action, kind: str, pick: Pick, wish: Wish) -> None:
    if action.name == "delete":
        propagation: Any = {"propagation": "Foreground"} if kind in _IN_FOREGROUND else {}
        client.delete(kind, pick.name, pick.namespace, options=DeleteOptions(uid=pick.uid, **propagation))
    elif action.name == "scale":
        patch = {"spec": {"replicas": wish.replicas}}
        client.patch(kind, pick.name, patch, MERGE, pick.namespace, subresource="scale")
    else:
        # A patch with a uid is refused where another object has the name by now.
        body = _patch(action, wish)
        body["metadata"] = {**body.get("metadata", {}), "uid": pick.uid}
        client.patch(kind, pick.name, body, MERGE, pick.namespace)


def _patch(action: Action, wish: Wish) -> JSON:
    if action.name == "label":
        return {"metadata": {"labels": {wish.key: wish.value}}}
    if action.name == "restart":
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"spec": {"template": {"metadata": {"annotations": {RESTARTED: now}}}}}
    return {"spec": {"suspend": action.name == "suspend"}}
