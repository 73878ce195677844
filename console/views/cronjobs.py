"""CronJobs: the list, one CronJob in tabs, suspending, running now and deletion."""

from __future__ import annotations

from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing import client as billing
from billing.client import Meter
from console import cronrows, frame, happenings, jobrows, lists, sizing, usage
from console.access import Visit, guarded
from console.costs import of_rows
from console.cronrows import CronJobRow
from console.forms import again
from console.jobrows import JobRow
from console.lists import Query
from console.pages import Context, page
from console.views import objects
from console.views.jobs import create_job
from console.views.objects import Noun
from workloads.client import JSON

KIND = "CronJob"
_FILTERS: dict[str, Callable[[CronJobRow], bool] | None] = {
    "": None,
    "look": lambda row: row.state.needs_a_look,
    "running": lambda row: bool(row.active),
    "suspended": lambda row: row.suspended,
}
_CHIPS = {
    "": gettext_lazy("All"),
    "look": gettext_lazy("Needs a look"),
    "running": gettext_lazy("At work"),
    "suspended": gettext_lazy("Suspended"),
}


@page("cronjobs/list.html", kinds=(KIND, "Job"))
def cronjob_list(visit: Visit, *, namespace: str = "") -> Context:
    query = Query.of_list(visit.request, "state")
    found, total = source(visit, query), visit.client.count(KIND, visit.scope)
    everything = lists.whole(source(visit, query.unfiltered), total=total)
    shelf = lists.shelf(query, found) if everything is None else lists.small(query, everything, wanted=found.wanted)
    return {
        **lists.shown(visit, KIND, query, shelf, total=total),
        "chips": lists.chips(query, _CHIPS, everything, _FILTERS),
        "costs": of_rows(visit, shelf.rows),
    }


def source(visit: Visit, query: Query) -> lists.Source[CronJobRow]:
    chosen = _FILTERS.get(query.get("state"))

    def row(item: JSON) -> CronJobRow:
        return cronrows.cronjob_row(visit.client, item)

    return lists.Source(lists.reader(visit, KIND, query), row, chosen)


@page("cronjobs/detail.html", kinds=(KIND, "Job", "Event"))
def detail(visit: Visit, *, namespace: str, name: str) -> Context:
    common = CRONJOB.on(visit, name, "overview")
    return {**common, "events": _events(visit, common)[:6]}


@page("cronjobs/jobs.html", kinds=(KIND, "Job", "Pod"))
def jobs(visit: Visit, *, namespace: str, name: str) -> Context:
    return CRONJOB.on(visit, name, "jobs")


@page("cronjobs/monitoring.html", kinds=(KIND, "Job", "Pod"))
def monitoring(visit: Visit, *, namespace: str, name: str) -> Context:
    """Of the pods of all Jobs that are kept."""
    common = CRONJOB.on(visit, name, "monitoring")
    pods = [pod for job in common["jobs"] for pod in job.pods]
    return {**common, **usage.context(visit, common["row"], pods)}


@page("cronjobs/cost.html", kinds=(KIND, "Job", "Pod"))
def cost(visit: Visit, *, namespace: str, name: str) -> Context:
    """Each Job that is kept, as the sum of its pods; the month's sum knows those that are gone, too."""
    common = CRONJOB.on(visit, name, "cost")
    row: CronJobRow = common["row"]
    few = [pod.uid for job in row.jobs if not job.more_pods for pod in job.pods]
    known = billing.pod_meters(visit.identity.account, few)

    def cost_of(job: JobRow) -> Meter:
        if job.more_pods:
            return jobrows.meter(visit.client, job.obj)
        return billing.together(known[pod.uid] for pod in job.pods if pod.uid in known)

    return {**common, "lines": [(job, cost_of(job)) for job in row.jobs], **sizing.context(visit, row.obj)}


@guarded("GET", "POST")
def suspend(visit: Visit, *, namespace: str, name: str) -> HttpResponse:
    """Suspends what is active, resumes what is suspended; the page says which before the button."""
    visit.client.require("patch", KIND, namespace)
    common = CRONJOB.on(visit, name, "overview")
    if visit.request.method == "POST":
        wanted = visit.request.POST.get("suspend") == "true"
        patch = {"spec": {"suspend": wanted}}
        visit.client.patch(KIND, name, patch, "application/merge-patch+json", namespace)
        said = _("%(name)s makes no more Jobs until it is resumed.") if wanted else _("%(name)s makes Jobs again.")
        messages.success(visit.request, said % {"name": name})
        return redirect("console:cronjob", namespace=namespace, name=name)
    context = {**common, "visit": visit, "frame": frame.of(visit)}
    return render(visit.request, "cronjobs/suspend.html", context)


class RunForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name of the Job"), max_length=253)


@guarded("GET", "POST")
def run(visit: Visit, *, namespace: str, name: str) -> HttpResponse:
    """Makes a Job at once, as `kubectl create job --from=cronjob/x` does."""
    visit.client.require("create", "Job", namespace)
    common = CRONJOB.on(visit, name, "overview")
    row: CronJobRow = common["row"]
    form = RunForm(visit.request.POST or None, initial={"name": again.name_after(name, "manual")})
    if visit.request.method == "POST" and form.is_valid():
        made = create_job(visit, form, again.of_cronjob(row.obj, form.cleaned_data["name"]))
        if made:
            return redirect("console:job", namespace=namespace, name=made)
    context = {**common, "visit": visit, "frame": frame.of(visit), "form": form, "each": row.size and row.size.rate()}
    status = 422 if visit.request.method == "POST" else 200
    return render(visit.request, "cronjobs/run.html", context, status=status)


def _shown(visit: Visit, name: str, tab: str) -> Context:
    """On tabs that add up its pods, with all of them."""
    obj, adds_up = visit.client.get(KIND, name, visit.namespace), tab in ("monitoring", "cost")
    row = cronrows.cronjob_row(visit.client, obj, all_pods=adds_up)
    meter = billing.total(visit.identity.account, namespace=visit.namespace, workload_uid=row.uid)
    return {"row": row, "jobs": row.jobs, "meter": meter}


def _events(visit: Visit, common: Context) -> list[happenings.Happening]:
    row: CronJobRow = common["row"]
    return happenings.of_uids(visit.client, visit.namespace, [row.uid, *(job.uid for job in row.jobs[:10])])


CRONJOB = Noun(KIND, "cronjobs", _shown, _events, mixed=True)
peek = objects.peek(CRONJOB, "Job", "Event")
events = objects.events(CRONJOB, "Job")
manifest = objects.manifest(CRONJOB)
delete = objects.deletion(CRONJOB, gettext_lazy("CronJob %(name)s is being deleted."), propagation="Foreground")
