"""Jobs: the list, one Job in tabs, suspending, parallelism, running again and deletion."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing import client as billing
from console import frame, happenings, jobrows, lists, sizing, usage
from console.access import Visit, guarded
from console.forms import again
from console.forms.drafts import spoken
from console.jobrows import JobRow
from console.lists import Query
from console.pages import Context, page
from console.views import objects
from console.views.objects import Noun
from workloads.client import EVERYTHING, JSON, Sieve, WriteOptions
from workloads.kinds import health
from workloads.meta.errors import AlreadyExists, StatusError

KIND = "Job"
MOST_PODS = 1000
_FILTERS: dict[str, Callable[[JobRow], bool] | None] = {
    "": None,
    "look": lambda row: row.state.needs_a_look,
    "running": lambda row: not row.finished and not row.suspended,
    "suspended": lambda row: not row.finished and row.suspended,
    "complete": lambda row: row.finished and not row.state.needs_a_look,
    "failed": lambda row: row.finished and row.state.needs_a_look,
}
_SIEVES = {
    "look": Sieve(health=(health.LOOK, health.OPEN)),
    "running": Sieve(phases=(health.ACTIVE,)),
    "suspended": Sieve(phases=(health.SUSPENDED,)),
    "complete": Sieve(phases=(health.FINISHED,), health=(health.WELL,)),
    "failed": Sieve(phases=(health.FINISHED,), health=(health.LOOK,)),
}
"""Of those whose pods say how they do, `_FILTERS` chooses."""
_CHIPS = {
    "": gettext_lazy("All"),
    "look": gettext_lazy("Needs a look"),
    "running": gettext_lazy("Not done yet"),
    "suspended": gettext_lazy("Suspended"),
    "complete": gettext_lazy("Complete"),
    "failed": gettext_lazy("Failed"),
}


@page("jobs/list.html", kinds=(KIND, "Pod"))
def job_list(visit: Visit, *, namespace: str = "") -> Context:
    query = Query.of_list(visit.request, "state")
    found, total = source(visit, query), visit.client.count(KIND, visit.scope)
    everything = lists.whole(source(visit, query.unfiltered), total=total)
    if everything is not None:
        everything = jobrows.newest_first(everything)
    shelf = lists.shelf(query, found) if everything is None else lists.small(query, everything, wanted=found.wanted)
    return {
        **lists.shown(visit, KIND, query, shelf, total=total),
        "chips": lists.chips(query, _CHIPS, everything, _FILTERS),
    }


def source(visit: Visit, query: Query) -> lists.Source[JobRow]:
    state = query.get("state")

    def row(item: JSON) -> JobRow:
        return jobrows.job_row(visit.client, item)

    def many(items: Sequence[JSON]) -> list[JobRow]:
        return jobrows.job_rows(visit.client, items)

    read = lists.reader(visit, KIND, query, chosen=_SIEVES.get(state, EVERYTHING))
    return lists.Source(read, row, _FILTERS.get(state), many)


@page("jobs/detail.html", kinds=(KIND, "Pod", "Event"))
def detail(visit: Visit, *, namespace: str, name: str) -> Context:
    common = JOB.on(visit, name, "overview")
    return {**common, "events": _events(visit, common)[:6]}


@page("jobs/pods.html", kinds=(KIND, "Pod"))
def pods(visit: Visit, *, namespace: str, name: str) -> Context:
    return JOB.on(visit, name, "pods")


@page("jobs/monitoring.html", kinds=(KIND, "Pod"))
def monitoring(visit: Visit, *, namespace: str, name: str) -> Context:
    common = JOB.on(visit, name, "monitoring")
    return {**common, **usage.context(visit, common["row"], common["pods"])}


@page("jobs/cost.html", kinds=(KIND, "Pod"))
def cost(visit: Visit, *, namespace: str, name: str) -> Context:
    common = JOB.on(visit, name, "cost")
    row: JobRow = common["row"]
    meters = billing.pod_meters(visit.identity.account, [pod.uid for pod in row.pods])
    lines = [(pod, meters.get(pod.uid)) for pod in row.pods]
    return {**common, "lines": lines, **sizing.context(visit, row.obj)}


@guarded("GET", "POST")
def suspend(visit: Visit, *, namespace: str, name: str) -> HttpResponse:
    """Suspends what runs, resumes what is suspended; the page says which before the button."""
    visit.client.require("patch", KIND, namespace)
    common = JOB.on(visit, name, "overview")
    row: JobRow = common["row"]
    if visit.request.method == "POST":
        wanted = visit.request.POST.get("suspend") == "true"
        patch = {"spec": {"suspend": wanted}}
        visit.client.patch(KIND, name, patch, "application/merge-patch+json", namespace)
        said = _("%(name)s is being suspended.") if wanted else _("%(name)s goes on.")
        messages.success(visit.request, said % {"name": name})
        return redirect("console:job", namespace=namespace, name=name)
    context = {**common, "visit": visit, "frame": frame.of(visit), "each": row.size and row.size.rate()}
    return render(visit.request, "jobs/suspend.html", context)


class ParallelismForm(forms.Form):
    parallelism = forms.IntegerField(label=gettext_lazy("Pods at a time"), min_value=0, max_value=MOST_PODS)


@guarded("GET", "POST")
def scale(visit: Visit, *, namespace: str, name: str) -> HttpResponse:
    visit.client.require("patch", KIND, namespace)
    common = JOB.on(visit, name, "overview")
    row: JobRow = common["row"]
    form = ParallelismForm(visit.request.POST or None, initial={"parallelism": row.parallelism})
    if visit.request.method == "POST" and form.is_valid() and _scaled(visit, form, row):
        return redirect("console:job", namespace=namespace, name=name)
    context = {**common, "visit": visit, "frame": frame.of(visit), "form": form, "each": row.size and row.size.rate()}
    status = 422 if visit.request.method == "POST" else 200
    return render(visit.request, "jobs/scale.html", context, status=status)


class AgainForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name of the new Job"), max_length=253)


@guarded("GET", "POST")
def run_again(visit: Visit, *, namespace: str, name: str) -> HttpResponse:
    """A new Job from a finished one's spec; the finished one stays as it is."""
    visit.client.require("create", KIND, namespace)
    common = JOB.on(visit, name, "overview")
    row: JobRow = common["row"]
    form = AgainForm(visit.request.POST or None, initial={"name": again.name_after(name, "again")})
    if visit.request.method == "POST" and form.is_valid():
        made = create_job(visit, form, again.of_job(row.obj, form.cleaned_data["name"]))
        if made:
            return redirect("console:job", namespace=namespace, name=made)
    context = {**common, "visit": visit, "frame": frame.of(visit), "form": form, "each": row.size and row.size.rate()}
    status = 422 if visit.request.method == "POST" else 200
    return render(visit.request, "jobs/again.html", context, status=status)


def create_job(visit: Visit, form: forms.Form, manifest: JSON) -> str:
    """The new Job's name; "" when the control plane refused, its words being at the form's `name` then."""
    options = WriteOptions(manager="console")
    try:
        answer = visit.client.create(KIND, manifest, visit.namespace, options=options)
    except AlreadyExists:
        said = _("%(namespace)s has a Job of this name already: choose another name.")
        form.add_error("name", said % {"namespace": visit.namespace})
        return ""
    except StatusError as refusal:
        for cause in refusal.causes:
            form.add_error("name" if cause.field.startswith("metadata.name") else None, spoken(cause))
        if not refusal.causes:
            form.add_error(None, refusal.message)
        return ""
    messages.success(visit.request, _("Job %(name)s was created.") % {"name": manifest["metadata"]["name"]})
    for warning in answer.warnings:
        messages.info(visit.request, warning)
    return str(answer.obj["metadata"]["name"])


def _scaled(visit: Visit, form: ParallelismForm, row: JobRow) -> bool:
    """False when the control plane refused; its words are on the form then."""
    wanted = form.cleaned_data["parallelism"]
    patch = {"spec": {"parallelism": wanted}}
    try:
        answer = visit.client.patch(KIND, row.name, patch, "application/merge-patch+json", row.namespace)
    except StatusError as refusal:
        form.add_error("parallelism", spoken(refusal.causes[0]) if refusal.causes else refusal.message)
        return False
    values = {"name": row.name, "count": wanted}
    messages.success(visit.request, _("%(name)s now runs up to %(count)s at a time.") % values)
    for warning in answer.warnings:
        messages.info(visit.request, warning)
    return True


def _shown(visit: Visit, name: str, tab: str) -> Context:
    row = jobrows.job_row(visit.client, visit.client.get(KIND, name, visit.namespace), all_pods=True)
    meter = jobrows.meter(visit.client, row.obj)
    return {"row": row, "pods": row.pods, "more_pods": row.more_pods, "meter": meter}


def _events(visit: Visit, common: Context) -> list[happenings.Happening]:
    row: JobRow = common["row"]
    return happenings.of_uids(visit.client, visit.namespace, [row.uid, *(pod.uid for pod in row.pods[:20])])


JOB = Noun(KIND, "jobs", _shown, _events, mixed=True)
peek = objects.peek(JOB, "Pod", "Event")
events = objects.events(JOB, "Pod")
manifest = objects.manifest(JOB)
delete = objects.deletion(JOB, gettext_lazy("Job %(name)s is being deleted."), propagation="Foreground")
