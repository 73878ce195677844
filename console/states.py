"""What is the matter with it? From an object as the API shows it to a shape, a word and a sentence. Pure.

The word says where it stands; the sentence says what is wrong and, in `advice`, what to do. A test tells each apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.lowerwords import said
from console.spans import parse
from workloads.kinds import sleeping
from workloads.kinds.health import CANNOT_START, IMAGE_PROBLEMS, settled

JSON = Mapping[str, Any]
Tone = Literal["ok", "busy", "warn", "bad", "idle"]
Shape = Literal["dot", "diamond", "triangle", "ring", "hollow", "square"]

_WORST: dict[Tone, int] = {"bad": 0, "warn": 1, "busy": 2, "ok": 3, "idle": 4}
_BACK_OFF = re.compile(r"back-off (?:(\d+)m)?(?:(\d+)s)?")
_LONGEST_MESSAGE = 200
_NODES = re.compile(r"^\d+/\d+ nodes are available: ")


@dataclass(frozen=True)
class State:
    word: str
    sentence: str = ""
    tone: Tone = "idle"
    shape: Shape = "dot"
    progress: int | None = None
    """Per cent, while something is being pulled."""
    retry_at: datetime | None = None
    """When it is tried again by itself."""
    advice: str = ""
    """What a person can do about it."""

    @property
    def needs_a_look(self) -> bool:
        return self.tone in ("bad", "warn")

    @property
    def changing(self) -> bool:
        return self.tone == "busy"


def of_pod(pod: JSON) -> State:
    metadata, status = pod["metadata"], pod.get("status") or {}
    if metadata.get("deletionTimestamp"):
        return _terminating(metadata)
    if status.get("phase") == "Succeeded":
        return State(_("Completed"), tone="idle", shape="square")
    if status.get("phase") == "Failed":
        return _failed(pod)
    if unplaced := _unplaced(status):
        return unplaced
    entries = status.get("containerStatuses") or []
    if not entries:
        return State(_("Queued"), _("accepted, waits for its turn"), "busy", "hollow")
    worst = min((of_container(pod, entry) for entry in entries), key=lambda state: _WORST[state.tone])
    shut = _condition(status, "Ready", "False") or {}
    if worst.tone == "ok" and shut.get("reason") == "ReadinessGatesNotReady":
        sentence = _("runs, not ready yet: %(why)s") % {"why": shut.get("message", "")}
        return State(_("Starting"), sentence, "busy", "ring")
    return worst


def of_deployment(deployment: JSON, pods: Iterable[JSON] = ()) -> State:
    """`pods` are those it owns now; none are needed while the counts say that all is well."""
    metadata, spec, status = deployment["metadata"], deployment["spec"], deployment.get("status") or {}
    if metadata.get("deletionTimestamp"):
        return State(_("Terminating"), _("its pods are being stopped"), "busy", "ring")
    wanted, ready = spec.get("replicas", 1), status.get("readyReplicas", 0)
    states = [of_pod(pod) for pod in pods]
    if refused := _condition(status, "ReplicaFailure", "True"):
        return State(_("Refused"), refused.get("message", ""), "bad", "diamond", advice=_("Change it, or make room."))
    if wrong := trouble(states, wanted):
        return wrong
    if late := _condition(status, "Progressing", "False"):
        sentence = late.get("message") or late.get("reason", "")
        return State(_("Stuck"), sentence, "bad", "diamond", advice=_("See the events of its pods, or roll back."))
    if sleeping.is_asleep(deployment):
        return State(_("Asleep"), _asleep(deployment), "idle", "hollow")
    if spec.get("paused"):
        return State(_("Paused"), _("changes wait until it is resumed"), "warn", "triangle")
    if not wanted and not status.get("replicas"):
        return State(_("Stopped"), _("scaled to 0, costs nothing"), "idle", "hollow")
    if not settled(deployment):
        return _moving(status, wanted, ready, states)
    return State(_("Running"), tone="ok", shape="dot")


def _asleep(deployment: JSON) -> str:
    count, wish = sleeping.remembered(deployment) or 1, sleeping.wish(deployment)
    words = ngettext(
        "no request for %(wish)s, costs nothing; the next one starts its pod",
        "no request for %(wish)s, costs nothing; the next one starts its %(count)s pods",
        count,
    )
    return words % {"wish": wish, "count": count}


def of_network(network: JSON) -> State:
    status = network.get("status") or {}
    word, message = status.get("state", "Initializing"), status.get("message", "")
    match word:
        case "Active":
            return State(_("Active"), tone="ok", shape="dot")
        case "Failed":
            advice = _("Delete the namespace and request it again with another range.")
            return State(_("Failed"), said(message), "bad", "diamond", advice=advice)
        case _other:
            return State(_(word), said(message) or _("being set up"), "busy", "ring")


def of_closed(namespace: JSON) -> State:
    """Of a namespace whose content may not be seen: no more is known than whether it is there."""
    if namespace["metadata"].get("deletionTimestamp"):
        return of_namespace(namespace, ())
    return State(_("Closed"), _("you have no role in it, so what is in it is not shown"), "idle", "hollow")


def of_namespace(namespace: JSON, networks: Iterable[JSON]) -> State:
    """Normal with an Active Network, otherwise Abnormal."""
    metadata = namespace["metadata"]
    if metadata.get("deletionTimestamp") or (namespace.get("status") or {}).get("phase") == "Terminating":
        return State(_("Terminating"), _("everything in it is being removed"), "busy", "ring")
    states = [of_network(network) for network in networks]
    if any(state.tone == "ok" for state in states):
        return State(_("Normal"), tone="ok", shape="dot")
    if not states:
        return State(_("Abnormal"), _("it has no network, so pods cannot run"), "warn", "triangle")
    worst = min(states, key=lambda state: _WORST[state.tone])
    sentence = _("network %(state)s: %(why)s") % {"state": worst.word.lower(), "why": worst.sentence}
    return State(_("Abnormal"), sentence.removesuffix(": "), worst.tone, worst.shape, advice=worst.advice)


# Pods


def _terminating(metadata: JSON) -> State:
    grace = metadata.get("deletionGracePeriodSeconds")
    sentence = _("has %(seconds)s s to stop") % {"seconds": grace} if grace else ""
    return State(_("Terminating"), sentence, "busy", "ring")


def _unplaced(status: JSON) -> State | None:
    scheduled = _condition(status, "PodScheduled", "False")
    if not scheduled:
        return None
    message = scheduled.get("message", "")
    if scheduled.get("reason") == "NetworkNotReady":
        return State(_("Waiting"), _("for its network: %(why)s") % {"why": message}, "busy", "hollow")
    if scheduled.get("reason") == "SchedulingGated":
        advice = _("It gets a place, and costs, when its last scheduling gate is removed.")
        return State(_("Waiting"), _("held by its scheduling gates"), "busy", "hollow", advice=advice)
    why = _NODES.sub("", message)
    if scheduled.get("reason") == "ClaimNotReady":
        return State(_("Waiting"), _("for its storage: %(why)s") % {"why": why}, "warn", "triangle")
    advice = _("It starts by itself when room is free. Stop something else, or ask for less.")
    if "can never fit" in why:
        advice = _("No pod of this size can run here. Choose a smaller specification.")
    return State(_("Waiting"), _("no room: %(why)s") % {"why": why}, "warn", "triangle", advice=advice)


def _failed(pod: JSON) -> State:
    status = pod.get("status") or {}
    if status.get("reason") == "Evicted":
        advice = _("Write less to its own disk, or raise ephemeral-storage or sizeLimit; a pod has 20 GiB in all.")
        return State(_("Evicted"), status.get("message", "").strip(), "bad", "diamond", advice=advice)
    for entry in status.get("containerStatuses") or []:
        ended = (entry.get("state") or {}).get("terminated")
        if ended and ended.get("exitCode"):
            return State(_("Failed"), _named(pod, entry, ending(pod, entry["name"], ended)), "bad", "diamond")
    return State(_("Failed"), status.get("message") or status.get("reason", ""), "bad", "diamond")


def of_container(pod: JSON, entry: JSON) -> State:
    state = entry.get("state") or {}
    if "waiting" in state:
        return _waiting(pod, entry, state["waiting"])
    if "terminated" in state:
        return _ended(pod, entry, state["terminated"])
    if not entry.get("ready"):
        return State(_("Starting"), _named(pod, entry, _("runs, not ready yet")), "busy", "ring")
    return State(_("Running"), _recent_restarts(pod, entry), "ok", "dot")


def _waiting(pod: JSON, entry: JSON, waiting: JSON) -> State:
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
    if reason in IMAGE_PROBLEMS:
        return _image_problem(pod, entry, message or reason)
    if reason == "CrashLoopBackOff":
        return _restarting(pod, entry, message)
    if reason in CANNOT_START:
        return State(_("Cannot start"), _named(pod, entry, message or reason), "bad", "diamond")
    return _pulling(pod) or State(_("Creating"), "", "busy", "ring")


def _image_problem(pod: JSON, entry: JSON, message: str) -> State:
    records = ((pod.get("status") or {}).get("lifecycle") or {}).get("images") or {}
    record = records.get(entry.get("image", "")) or {}
    retry = record.get("nextAttemptAt")
    return State(
        _("Image problem"),
        _named(pod, entry, record.get("error") or message),
        "bad",
        "diamond",
        retry_at=parse(retry) if retry else None,
        advice=_("Correct the image, or put it where the registry can find it: the pull is tried again by itself."),
    )


def _restarting(pod: JSON, entry: JSON, message: str) -> State:
    ended = (entry.get("lastState") or {}).get("terminated") or {}
    return State(
        _("Restarting"),
        _named(pod, entry, ending(pod, entry["name"], ended)),
        "bad",
        "diamond",
        retry_at=_next_start(ended, message),
        advice=_advice(pod, entry["name"], ended),
    )


def _ended(pod: JSON, entry: JSON, ended: JSON) -> State:
    words = _named(pod, entry, ending(pod, entry["name"], ended))
    if pod["spec"].get("restartPolicy", "Always") == "Always":
        return State(_("Restarting"), words, "bad", "diamond", advice=_advice(pod, entry["name"], ended))
    if ended.get("exitCode"):
        return State(_("Failed"), words, "bad", "diamond")
    return State(_("Running"), _named(pod, entry, _("ended with exit 0")), "ok", "dot")


def _pulling(pod: JSON) -> State | None:
    """While an image is being pulled; None when the containers are being made already."""
    lifecycle = (pod.get("status") or {}).get("lifecycle") or {}
    pull = lifecycle.get("pull")
    if not pull or pull.get("cached") or lifecycle.get("pulledAt"):
        return None
    total, current = pull.get("totalBytes") or 0, pull.get("currentBytes") or 0
    if not total:
        return State(_("Pulling"), pull.get("image", ""), "busy", "ring")
    percent = min(100, 100 * current // total)
    sentence = _("%(percent)s%% of %(size)s") % {"percent": percent, "size": megabytes(total)}
    return State(_("Pulling"), sentence, "busy", "ring", progress=percent)


def ending(pod: JSON, container: str, ended: JSON) -> str:
    """How a container ended: `exit 137, out of memory (1 GiB)`."""
    code = ended.get("exitCode")
    if ended.get("reason") == "OOMKilled":
        limit = memory_limit(pod, container)
        size = f" ({limit})" if limit else ""
        return _("exit %(code)s, out of memory%(size)s") % {"code": code, "size": size}
    if said := str(ended.get("message") or "").strip():
        return Truncator(said.splitlines()[-1]).chars(_LONGEST_MESSAGE)
    return _("exit %(code)s") % {"code": code} if code is not None else ""


def memory_limit(pod: JSON, container: str) -> str:
    """As the console writes sizes: `1 GiB`."""
    for one in pod["spec"].get("containers", []):
        if one["name"] == container:
            limit = str(((one.get("resources") or {}).get("limits") or {}).get("memory", ""))
            return re.sub(r"^(\d+)([KMGT])i$", r"\1 \2iB", limit)
    return ""


def megabytes(count: int) -> str:
    return f"{count / 1_000_000:.1f} MB" if count < 1_000_000_000 else f"{count / 1_000_000_000:.2f} GB"


def _advice(pod: JSON, container: str, ended: JSON) -> str:
    if ended.get("reason") == "OOMKilled":
        return _("Give container %(name)s more memory, or make it use less.") % {"name": container}
    if ended.get("exitCode") == 0:
        return _("The program ended by itself; a workload that should run for ever must not.")
    if ended.get("exitCode") in (126, 127):
        return _("The start command was not found in the image or cannot be run.")
    return _("Its last lines say why.")


def _next_start(ended: JSON, message: str) -> datetime | None:
    found = _BACK_OFF.search(message)
    if not found or not ended.get("finishedAt"):
        return None
    seconds = int(found[1] or 0) * 60 + int(found[2] or 0)
    return parse(ended["finishedAt"]) + timedelta(seconds=seconds)


def _recent_restarts(pod: JSON, entry: JSON) -> str:
    count = entry.get("restartCount", 0)
    if not count:
        return ""
    ended = (entry.get("lastState") or {}).get("terminated") or {}
    times = ngettext("restarted once", "restarted %(count)s times", count) % {"count": count}
    last = ending(pod, entry["name"], ended)
    return _("%(times)s, last: %(last)s") % {"times": times, "last": last} if last else times


def _named(pod: JSON, entry: JSON, sentence: str) -> str:
    """Says which container, where there are several."""
    several = len(pod["spec"].get("containers", [])) > 1
    return f"{entry['name']}: {sentence}" if several and sentence else sentence


# Deployments


def trouble(states: list[State], wanted: int) -> State | None:
    """The worst that is wrong with a workload's pods, and with how many of them."""
    wrong = [state for state in states if state.needs_a_look]
    if not wrong:
        return None
    worst = min(wrong, key=lambda state: _WORST[state.tone])
    alike = sum(1 for state in wrong if state.word == worst.word)
    total = max(wanted, len(states))
    if total == 1:
        return worst
    counted = _("%(some)s of %(all)s") % {"some": alike, "all": total}
    return replace(worst, sentence=f"{counted}: {worst.sentence}" if worst.sentence else counted)


def _moving(status: JSON, wanted: int, ready: int, states: list[State]) -> State:
    """On the way: how many of the new pods are ready, and what the slowest is doing."""
    doing = next((state for state in states if state.progress is not None), None)
    tail = _(", pulling %(percent)s%%") % {"percent": doing.progress} if doing else ""
    updated, all_pods = status.get("updatedReplicas", 0), status.get("replicas", 0)
    if all_pods > updated:
        fresh = max(0, min(updated, ready - (all_pods - updated)))
        sentence = _("%(ready)s of %(wanted)s new pods ready") % {"ready": fresh, "wanted": wanted}
        return State(_("Updating"), sentence + tail, "busy", "ring", progress=doing.progress if doing else None)
    if all_pods > wanted:
        stopping = all_pods - wanted
        sentence = ngettext("%(count)s pod is stopping", "%(count)s pods are stopping", stopping) % {"count": stopping}
        return State(_("Scaling"), sentence, "busy", "ring")
    sentence = _("%(ready)s of %(wanted)s pods ready") % {"ready": min(ready, wanted), "wanted": wanted}
    return State(_("Starting"), sentence + tail, "busy", "ring", progress=doing.progress if doing else None)


def _condition(status: JSON, type: str, value: str) -> JSON | None:
    for condition in status.get("conditions") or []:
        if condition.get("type") == type and condition.get("status") == value:
            return dict(condition)
    return None
