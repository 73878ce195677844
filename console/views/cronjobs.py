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
from console import cronrows, frame, happenings, jobrows, lists, manifests, sizing, usage
from console.access import Visit, guarded
from console.costs import of_rows
from console.cronrows import CronJobRow
from console.forms import again
from console.jobrows import JobRow
from console.lists import Query
from console.pages import Context, page
from console.views import asked
from console.views.jobs import create_job
from workloads.client import JSON, DeleteOptions

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


@page("cronjobs/list.html", kinds=("CronJob", "Job"))
def cronjob_list(visit: Visit, *, namespace: str = "") -> Context:
    query = Query.of_list(visit.request, "state")
    found, total = source(visit, query), visit.client.count("CronJob", visit.scope)
    everything = lists.whole(source(visit, query.unfiltered), total=total)
    shelf = lists.shelf(query, found) if everything is None else lists.small(query, everything, wanted=found.wanted)
    return {
        "section": "cronjobs",
        "rows": shelf.rows,
        "pager": shelf.pager,
        **lists.tools(visit, "CronJob", query),
        "bulk": lists.offered(visit, "CronJob", shelf.rows),
        "query": query,
        "chips": [
            query.chip("state", value, str(label), count=lists.count(everything, _FILTERS[value]))
            for value, label in _CHIPS.items()
        ],
        "costs": of_rows(visit, shelf.rows),
        "total": total,
    }


def source(visit: Visit, query: Query) -> lists.Source[CronJobRow]:
    chosen = _FILTERS.get(query.get("state"))

    def row(item: JSON) -> CronJobRow:
        return cronrows.cronjob_row(visit.client, item)

    return lists.Source(lists.reader(visit, "CronJob", query), row, chosen)


@page("cronjobs/detail.html", kinds=("CronJob", "Job", "Event"))
def detail(visit: Visit, *, namespace: str, name: str) -> Context:
    common = _common(visit, name, "overview")
    return {**common, "events": _events(visit, common["row"])[:6]}


@page("cronjobs/peek.html", kinds=("CronJob", "Job", "Event"))
def peek(visit: Visit, *, namespace: str, name: str) -> Context:
    """The side drawer."""
    common = _common(visit, name, "overview")
    return {**common, "events": _events(visit, common["row"])[:5]}


@page("cronjobs/jobs.html", kinds=("CronJob", "Job", "Pod"))
def jobs(visit: Visit, *, namespace: str, name: str) -> Context:
    return _common(visit, name, "jobs")


@page("cronjobs/monitoring.html", kinds=("CronJob", "Job", "Pod"))
def monitoring(visit: Visit, *, namespace: str, name: str) -> Context:
    """Of the pods of all Jobs that are kept."""
    common = _common(visit, name, "monitoring", all_pods=True)
    pods = [pod for job in common["jobs"] for pod in job.pods]
    return {**common, **usage.context(visit, common["row"], pods)}


@page("cronjobs/events.html", kinds=("CronJob", "Job", "Event"))
def events(visit: Visit, *, namespace: str, name: str) -> Context:
    common = _common(visit, name, "events")
    return {**common, "events": _events(visit, common["row"]), "mixed": True}


@page("cronjobs/yaml.html", kinds=("CronJob",))
def manifest(visit: Visit, *, namespace: str, name: str) -> Context:
    common = _common(visit, name, "yaml")
    return {**common, "yaml": manifests.coloured(manifests.text(common["row"].obj))}


@page("cronjobs/cost.html", kinds=("CronJob", "Job", "Pod"))
def cost(visit: Visit, *, namespace: str, name: str) -> Context:
    """Each Job that is kept, as the sum of its pods; the month's sum knows those that are gone, too."""
    common = _common(visit, name, "cost", all_pods=True)
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
    visit.client.require("patch", "CronJob", namespace)
    common = _common(visit, name, "overview")
    if visit.request.method == "POST":
        wanted = visit.request.POST.get("suspend") == "true"
        patch = {"spec": {"suspend": wanted}}
        visit.client.patch("CronJob", name, patch, "application/merge-patch+json", namespace)
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
    common = _common(visit, name, "overview")
    row: CronJobRow = common["row"]
    form = RunForm(visit.request.POST or None, initial={"name": again.name_after(name, "manual")})
    if visit.request.method == "POST" and form.is_valid():
        made = create_job(visit, form, again.of_cronjob(row.obj, form.cleaned_data["name"]))
        if made:
            return redirect("console:job", namespace=namespace, name=made)
    context = {**common, "visit": visit, "frame": frame.of(visit), "form": form, "each": row.size and row.size.rate()}
    status = 422 if visit.request.method == "POST" else 200
    return render(visit.request, "cronjobs/run.html", context, status=status)


@guarded("GET", "POST")
def delete(visit: Visit, *, namespace: str, name: str) -> HttpResponse:
    visit.client.require("delete", "CronJob", namespace)
    common = _common(visit, name, "overview")
    if asked.is_sure(visit, name):
        options = DeleteOptions(uid=common["row"].uid, propagation="Foreground")
        visit.client.delete("CronJob", name, namespace, options=options)
        messages.success(visit.request, _("CronJob %(name)s is being deleted.") % {"name": name})
        return redirect("console:cronjobs", namespace=namespace)
    context = {**common, "visit": visit, "frame": frame.of(visit)}
    return render(visit.request, "cronjobs/delete.html", context, status=asked.status(visit))


def on_every_tab(visit: Visit, name: str, tab: str) -> Context:
    """For a tab in a module of its own."""
    return _common(visit, name, tab)


def _common(visit: Visit, name: str, tab: str, *, all_pods: bool = False) -> Context:
    row = cronrows.cronjob_row(visit.client, visit.client.get("CronJob", name, visit.namespace), all_pods=all_pods)
    return {
        "section": "cronjobs",
        "tab": tab,
        "row": row,
        "jobs": row.jobs,
        "meter": billing.total(visit.identity.account, namespace=visit.namespace, workload_uid=row.uid),
    }


def _events(visit: Visit, row: CronJobRow) -> list[happenings.Happening]:
    uids = [row.uid, *(job.uid for job in row.jobs[:10])]
    return happenings.of_uids(visit.client, visit.namespace, uids)
