"""ELBs: the list, one ELB in tabs, the form that makes one, and deletion."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from billing import client as billing
from console import backends, doors, elbrows, frame, happenings, lists
from console.access import Visit, guarded
from console.elbrows import ElbRow, ListenerFigures
from console.forms.drafts import FieldError
from console.forms.elbs import ElbDraft
from console.lists import Query
from console.pages import Context, page
from console.views import asked, create, objects
from console.views.objects import Noun
from workloads.client import DeleteOptions
from workloads.meta.errors import Conflict, Forbidden, Unavailable

KIND = "ELB"


@page("elbs/list.html", kinds=(KIND,))
def elb_list(visit: Visit) -> Context:
    query, client = Query.of(visit.request, "q"), visit.client
    shelf = lists.shelf(query, lists.Source(lists.reader(visit, KIND, query), ElbRow))
    return {
        "section": "elbs",
        "rows": shelf.rows,
        "pager": shelf.pager,
        "query": query,
        "total": client.count(KIND),
        "limit": client.elb_limit(),
        "may_create": client.may("create", KIND),
    }


@page("elbs/detail.html", kinds=(KIND, "Service", "Ingress", "EndpointSlice", "Secret", "Event"))
def detail(visit: Visit, *, name: str) -> Context:
    common = LOAD_BALANCER.on(visit, name, "overview")
    known = backends.known(visit.client, None)
    listeners = elbrows.listeners(visit.client, common["row"], known, now=datetime.now(UTC))
    return {
        **common,
        "listeners": listeners,
        "events": _events(visit, common)[:6],
        **_costs(visit.identity.account, elbrows.pods_behind(listeners)),
    }


@guarded("GET")
def figures(visit: Visit, *, name: str) -> HttpResponse:
    """What its page asks for again and again. A proxy that does not answer is said, and is no error of the page."""
    row, trouble, found = ElbRow(visit.client.get(KIND, name)), "", list[ListenerFigures]()
    try:
        found = [ListenerFigures(one) for one in visit.client.elb_figures(name)]
    except Unavailable as away:
        trouble = away.message
    context = {"visit": visit, "row": row, "figures": found, "trouble": trouble}
    return render(visit.request, "elbs/figures.html", context)


@page("elbs/use.html", kinds=(KIND,))
def use(visit: Visit, *, name: str) -> Context:
    return LOAD_BALANCER.on(visit, name, "use")


@guarded("GET", "POST")
def elb_create(visit: Visit) -> HttpResponse:
    posted = visit.request.POST
    draft, errors = ElbDraft.read(posted), list[FieldError]()
    if posted.get("go") == "submit":
        taken = _("The account has an ELB of this name already: choose another name.")
        errors = create.make(visit, KIND, draft, taken=taken)
        if not errors:
            messages.success(visit.request, _("ELB %(name)s was created.") % {"name": draft.name})
            return redirect("console:elb", name=draft.name)
    client = visit.client
    have, limit = client.count(KIND), client.elb_limit()
    context = {"draft": draft, "focus": "name", "have": have, "limit": limit, "full": have >= limit}
    return create.form(visit, "elbs/create.html", "elbs", context, errors)


elb_create.page = create.form_page("elbs")  # type: ignore[attr-defined]


@guarded("GET", "POST")
def delete(visit: Visit, *, name: str) -> HttpResponse:
    """Says who is reached through it: as long as somebody is, it stays."""
    visit.client.require("delete", KIND)
    common = LOAD_BALANCER.on(visit, name, "overview")
    row, refusal = common["row"], ""
    if asked.is_sure(visit, name):
        try:
            visit.client.delete(KIND, name, options=DeleteOptions(uid=row.uid))
        except Conflict as conflict:
            refusal = conflict.message
        else:
            messages.success(visit.request, _("ELB %(name)s was deleted.") % {"name": name})
            return redirect("console:elbs")
    asks = {"word": name, "stays": bool(row.workloads), "refusal": refusal}
    context = {**common, **asks, "visit": visit, "frame": frame.of(visit)}
    return render(visit.request, "elbs/delete.html", context, status=409 if refusal else asked.status(visit))


def _costs(account: str, pods: Collection[str]) -> Context:
    """Of the pods behind it, now, and how much that is of all the account runs. An ELB itself has no price."""
    rate, whole = billing.together(billing.pod_meters(account, pods).values()).rate, billing.burn(account).per_second
    return {"behind": rate, "share": round(100 * rate.per_second / whole) if whole else 0}


def _shown(visit: Visit, name: str, tab: str) -> Context:
    return {
        "row": ElbRow(visit.client.get(KIND, name)),
        "rejected": doors.rejected(visit.client, KIND, "", name),
        "may_delete": visit.client.may("delete", KIND, name=name),
    }


def _events(visit: Visit, common: Context) -> list[happenings.Happening]:
    """Of whoever is, or wanted to be, reached through it."""
    row: ElbRow = common["row"]
    refs = {*row.workloads, *(doors.ref_of(one["workload"]) for one in row.problems)}
    found = []
    for namespace in sorted({ref.namespace for ref in refs}):
        try:
            items = visit.client.list("Event", namespace).items
        except Forbidden:
            continue
        named = {(ref.kind, ref.name) for ref in refs if ref.namespace == namespace}
        about = [(event, event.get("involvedObject") or {}) for event in items]
        found += [event for event, obj in about if (obj.get("kind"), obj.get("name")) in named]
    return happenings.newest(found)


LOAD_BALANCER = Noun(KIND, "elbs", _shown, _events, mixed=True)
events = objects.events(LOAD_BALANCER)
manifest = objects.manifest(LOAD_BALANCER)
