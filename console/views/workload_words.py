"""A workload of a draft in short sentences, for the summary beside the form and before one confirms."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext as _

from billing.client import Rate
from console import amounts, cronwords
from console.forms import access, schedules
from console.forms.access import AccessDraft
from console.forms.deployments import DeploymentDraft
from console.forms.jobs import CUSTOM, CronJobDraft, JobDraft, WorkDraft
from console.forms.schedules import ScheduleDraft
from console.forms.workloads import WorkloadDraft

Facts = list[tuple[str, str]]


def pods(draft: WorkloadDraft, size: str) -> str:
    """`2 × 1 core · 2 GiB`: how many side by side."""
    if isinstance(draft, DeploymentDraft):
        return f"{draft.replicas} × {size}"
    return f"{'?' if draft.pods is None else draft.pods} × {size}"


def facts(draft: WorkloadDraft) -> Facts:
    if isinstance(draft, DeploymentDraft):
        asleep = _("after %(after)s without a request") % {"after": draft.sleep_after}
        reached = access_facts(draft.access) if access.STEP in draft.STEPS else []
        found = [*reached, (_("Upgrades"), _upgrades(draft))]
        return [*found, (_("Scale to zero"), asleep)] if draft.sleep_after else found
    if isinstance(draft, JobDraft):
        return _work(draft.work)
    if isinstance(draft, CronJobDraft):
        titles = {value: note for value, _title, note in policies()}
        kept = _("%(good)s succeeded, %(bad)s failed") % {"good": draft.succeeded_kept, "bad": draft.failed_kept}
        deadline = [(_("Starting deadline"), _seconds(draft.deadline.value))] if draft.deadline.typed else []
        return [
            (_("Runs"), when(draft.schedule)),
            (_("Overlap"), f"{draft.policy}: {titles.get(draft.policy, '')}"),
            (_("Jobs kept"), kept),
            *deadline,
            *_work(draft.work),
        ]
    return []


def price_note(draft: WorkloadDraft, rate: Rate | None) -> str:
    """What the price an hour does not say by itself."""
    if rate is None or not isinstance(draft, JobDraft | CronJobDraft):
        return ""
    if draft.work.seconds is None:
        return _("Only while its pods run; nothing in between. Without a timeout nothing bounds it.")
    most = amounts.money(rate.per_second * Decimal(draft.work.seconds), rate.currency)
    return _("Only while its pods run: with this timeout about %(most)s a run at most.") % {"most": most}


def price_change(was: Rate | None, now: Rate | None) -> str:
    """What an edit does to the price; "" where one of the two is not known."""
    if was is None or now is None or was.currency != now.currency:
        return ""
    difference = now.per_hour - was.per_hour
    if not difference:
        return _("as it costs now")
    words = {
        "difference": amounts.money(abs(difference), now.currency),
        "was": amounts.money(was.per_hour, was.currency),
    }
    said = _("%(difference)s an hour more than now (%(was)s)")
    return (said if difference > 0 else _("%(difference)s an hour less than now (%(was)s)")) % words


def rules() -> list[tuple[str, str]]:
    return [
        (schedules.MINUTES, _("every few minutes")),
        (schedules.HOURLY, _("every hour")),
        (schedules.DAILY, _("every day")),
        (schedules.WEEKLY, _("every week")),
        (schedules.MONTHLY, _("every month")),
        (schedules.CRON, _("as a cron text says")),
    ]


def weekdays() -> dict[int, str]:
    """By cron's numbers."""
    names = (_("Sunday"), _("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"))
    return dict(enumerate(names))


def policies() -> list[tuple[str, str, str]]:
    return [
        ("Forbid", _("Forbid"), _("this run is left out; the one that runs goes on")),
        ("Allow", _("Allow"), _("both run side by side, and both are billed")),
        ("Replace", _("Replace"), _("the one that runs is stopped, and the new one starts")),
    ]


def when(schedule: ScheduleDraft) -> str:
    """`at 03:00 every day, Europe/Berlin`."""
    return f"{cronwords.words(schedule.cron) or '?'}, {schedule.zone or 'UTC'}"


def access_facts(draft: AccessDraft) -> Facts:
    if draft.reach == access.NONE:
        return [(_("Access"), _("nobody reaches it by a name"))]
    ports = ", ".join(f"{port.port or '?'}/{port.protocol}" for port in draft.ports)
    if draft.reach == access.INTERNAL:
        words = {"name": draft.service or "?", "ports": ports}
        return [(_("Access"), _("inside, as %(name)s on %(ports)s") % words)]
    elb = {access.DEFAULT: _("the default ELB"), access.NEW: _("the new ELB %(name)s") % {"name": draft.elb_name}}
    on = elb.get(draft.elb, _("an ELB of the account"))
    where = draft.url if draft.by_host else f"{draft.elb_port or ports}"
    return [(_("Access"), _("outside, %(where)s on %(elb)s") % {"where": where, "elb": on})]


def _work(work: WorkDraft) -> Facts:
    words = {"completions": work.completions, "parallelism": work.parallelism}
    much = _("one pod has to succeed")
    if work.mode == CUSTOM:
        much = _("%(completions)s pods have to succeed, %(parallelism)s side by side") % words
        much += _(", each with its index") if work.indexed else ""
    again = _("in the same pod") if work.restart_policy == "OnFailure" else _("by a new pod")
    retried = _("%(again)s, given up after %(retries)s retries") % {"again": again, "retries": work.retries}
    found = [(_("Work"), much), (_("Retried"), retried)]
    if work.timeout.typed:
        found.append((_("Timeout"), _seconds(work.timeout.value)))
    if work.ttl.typed:
        found.append((_("Deleted"), _("%(time)s after its end") % {"time": _seconds(work.ttl.value)}))
    return found


def _seconds(count: int) -> str:
    return _("%(count)d s") % {"count": count}


def _upgrades(draft: DeploymentDraft) -> str:
    if draft.strategy == "Recreate":
        return _("replace all pods at once")
    words = {"unavailable": draft.max_unavailable, "surge": draft.max_surge}
    return _("rolling, %(unavailable)s unavailable and %(surge)s extra at most") % words
