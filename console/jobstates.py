"""Where a Job stands: from a Job as the API shows it (and its pods that have not ended) to a shape, a word and a
sentence. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console import spans, states
from console.spans import parse
from console.states import JSON, State
from workloads.kinds import jobs
from workloads.meta import conditions

_ENDED = ("Succeeded", "Failed")


def of_job(job: JSON, pods: Iterable[JSON] = (), *, more: bool = False) -> State:
    """`pods` are those it owns now, some of them if there are `more`; none are needed once it has ended."""
    status = dict(job.get("status") or {})
    if end := jobs.finished_condition(dict(job)):
        return _complete(job, end) if end["type"] == "Complete" else _failed(job, end)
    if job["metadata"].get("deletionTimestamp"):
        return State(_("Terminating"), _("its pods are being stopped"), "busy", "ring")
    if condition := _true(status, "FailureTarget"):
        return State(_("Failing"), _why(job, condition), "bad", "diamond", advice=_advice(condition))
    if _true(status, "SuccessCriteriaMet"):
        return State(_("Completing"), _("enough succeeded, the rest is being stopped"), "busy", "ring")
    if job["spec"].get("suspend"):
        return _suspended(job)
    if not status.get("startTime"):
        return State(_("Waiting"), _("accepted, waits for its turn"), "busy", "hollow")
    return _at_work(job, [pod for pod in pods if (pod.get("status") or {}).get("phase") not in _ENDED], more)


def done(job: JSON) -> str:
    """`2 of 5 done`; for a Job that ends with its first success, how many have succeeded."""
    succeeded, wanted = number(job, "succeeded"), job["spec"].get("completions")
    if wanted is None:
        return ngettext("%(count)s pod succeeded", "%(count)s pods succeeded", succeeded) % {"count": succeeded}
    return _("%(some)s of %(all)s done") % {"some": succeeded, "all": wanted}


def number(job: JSON, name: str) -> int:
    """A count of the status; 0 where it is not there yet."""
    return int((job.get("status") or {}).get(name) or 0)


def ended_at(job: JSON) -> datetime | None:
    """When it became Complete or Failed."""
    end = jobs.finished_condition(dict(job))
    return parse(end["lastTransitionTime"]) if end and end.get("lastTransitionTime") else None


def took(job: JSON, *, now: datetime) -> float | None:
    """Seconds from its start to its end, or until now; None before it started."""
    started = (job.get("status") or {}).get("startTime")
    if not started:
        return None
    return max(0.0, ((ended_at(job) or now) - parse(started)).total_seconds())


def must_end_at(job: JSON) -> datetime | None:
    """When `activeDeadlineSeconds` is over; None when nothing counts."""
    seconds, started = job["spec"].get("activeDeadlineSeconds"), (job.get("status") or {}).get("startTime")
    if seconds is None or not started or job["spec"].get("suspend") or ended_at(job):
        return None
    return parse(started) + timedelta(seconds=int(seconds))


def removed_at(job: JSON) -> datetime | None:
    """When `ttlSecondsAfterFinished` removes it; None before it has ended, or when it stays."""
    seconds, ended = job["spec"].get("ttlSecondsAfterFinished"), ended_at(job)
    return ended + timedelta(seconds=int(seconds)) if seconds is not None and ended else None


def _true(status: JSON, type: str) -> JSON | None:
    condition = conditions.find(dict(status), type)
    return condition if condition and condition.get("status") == "True" else None


def _complete(job: JSON, end: JSON) -> State:
    sentence = done(job)
    if end.get("reason") == "SuccessPolicy":
        sentence = _("%(done)s, enough by its success policy") % {"done": sentence}
    ended = ended_at(job)
    seconds = took(job, now=ended) if ended else None
    if seconds is not None:
        sentence = _("%(done)s in %(took)s") % {"done": sentence, "took": spans.duration(seconds)}
    return State(_("Complete"), sentence, "idle", "square")


def _failed(job: JSON, end: JSON) -> State:
    return State(_("Failed"), _why(job, end), "bad", "diamond", advice=_advice(end))


def _why(job: JSON, condition: JSON) -> str:
    """`BackoffLimitExceeded: 4 pods failed, its backoff limit is 3`."""
    reason, spec, failed = condition.get("reason", ""), job["spec"], number(job, "failed")
    match reason:
        case "BackoffLimitExceeded":
            pods = ngettext("%(count)s pod failed", "%(count)s pods failed", failed) % {"count": failed}
            what = pods if failed else _("its containers were restarted too often")
            why = _("%(what)s, its backoff limit is %(limit)s") % {"what": what, "limit": spec.get("backoffLimit", 6)}
        case "DeadlineExceeded":
            limit = spans.duration(float(spec.get("activeDeadlineSeconds") or 0))
            why = _("it was not done within %(limit)s") % {"limit": limit}
        case "FailedIndexes":
            why = _("index %(indexes)s failed") % {"indexes": (job.get("status") or {}).get("failedIndexes", "")}
        case _other:
            why = condition.get("message", "")
    return f"{reason}: {why}" if reason and why else reason or why


def _advice(condition: JSON) -> str:
    if condition.get("reason") == "DeadlineExceeded":
        return _("Run it again with more time, or with a larger pod specification.")
    return _("The logs of its failed pods say why. Mend the cause, then run it again.")


def _suspended(job: JSON) -> State:
    if number(job, "active"):
        return State(_("Suspended"), _("its pods are being stopped"), "busy", "ring")
    sentence = _("%(done)s, costs nothing until it is resumed") % {"done": done(job)}
    return State(_("Suspended"), sentence, "idle", "hollow")


def _at_work(job: JSON, pods: list[JSON], more: bool) -> State:
    """Where not all pods were looked at, the status knows how many there are and how many are ready."""
    found = [states.of_pod(pod) for pod in pods]
    active, ready = (number(job, "active"), number(job, "ready")) if more else (len(found), 0)
    if wrong := states.trouble(found, active):
        return wrong
    failed = number(job, "failed")
    again = ngettext(", %(count)s pod failed", ", %(count)s pods failed", failed) % {"count": failed} if failed else ""
    if not found and not number(job, "active"):
        if failed:
            sentence = _("%(done)s%(failed)s; the next try comes after a pause") % {"done": done(job), "failed": again}
            return State(_("Waiting"), sentence, "warn", "triangle", advice=_advice({}))
        return State(_("Starting"), _("its pods are being made"), "busy", "ring")
    if found and not ready and not any(state.tone == "ok" for state in found):
        return _starting(job, found, again)
    return State(_("Running"), done(job) + again, "ok", "dot")


def _starting(job: JSON, found: list[State], again: str) -> State:
    doing = next((state for state in found if state.progress is not None), None)
    tail = _(", pulling %(percent)s%%") % {"percent": doing.progress} if doing else ""
    sentence = done(job) + again + tail
    return State(_("Starting"), sentence, "busy", "ring", progress=doing.progress if doing else None)
