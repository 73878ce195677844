"""Storage: the claims, one claim in tabs, the form that makes one, growth and deletion."""

from __future__ import annotations

from dataclasses import replace

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console import claimrows, frame, lists
from console.access import Visit, guarded
from console.claimrows import ClaimRow
from console.dear import KEPT
from console.forms.claims import ClaimDraft
from console.forms.drafts import FieldError, spoken
from console.lists import Query
from console.pages import Context, page
from console.views import create, objects
from console.views.objects import Noun
from workloads.client import JSON
from workloads.kinds import claimspecs
from workloads.meta.errors import StatusError

KIND = "PersistentVolumeClaim"
_MODES = {
    claimspecs.ONCE: gettext_lazy("Every pod of this host may use it (ReadWriteOnce)"),
    claimspecs.POD_ALONE: gettext_lazy("One pod at a time (ReadWriteOncePod)"),
    claimspecs.MANY: gettext_lazy("Many pods write at the same time (ReadWriteMany, class nfs-rw)"),
}


@page("storage/list.html", kinds=(KIND, "Pod"))
def claim_list(visit: Visit, *, namespace: str = "") -> Context:
    query = Query.of_list(visit.request, "state")
    shelf = lists.shelf(query, source(visit, query))
    return {**lists.shown(visit, KIND, query, shelf), "chips": lists.chips(query, lists.LOOKS)}


def _users(visit: Visit) -> claimrows.Users:
    """Where there are claims; of very many pods they are some seconds old (`console.dear`)."""
    client, scope = visit.client, visit.scope
    if not client.count(KIND, scope):
        return {}
    whose = ("claims", visit.identity.account, visit.identity.user, scope)
    return KEPT.get(whose, lambda: claimrows.users(client, scope))


def source(visit: Visit, query: Query) -> lists.Source[ClaimRow]:
    users = _users(visit)

    def row(item: JSON) -> ClaimRow:
        return claimrows.with_users(item, users)

    return lists.Source(lists.reader(visit, KIND, query), row, lists.looks(query))


@page("storage/detail.html", kinds=(KIND, "Pod", "Event"))
def detail(visit: Visit, *, namespace: str, name: str) -> Context:
    common = CLAIM.on(visit, name, "overview")
    return {**common, "events": CLAIM.events(visit, common)[:6]}


@guarded("GET", "POST")
def claim_create(visit: Visit) -> HttpResponse:
    names, posted = create.namespace_names(visit), visit.request.POST
    if not names and not posted:
        return create.nowhere(visit, _("Claims live in a namespace: request one first."))
    draft = ClaimDraft.read(posted)
    if not posted:
        draft = replace(draft, namespace=create.first_namespace(visit, KIND, names))
    errors: list[FieldError] = []
    if posted.get("go") == "submit":
        taken = _("The namespace has a claim of this name already: choose another name.")
        errors = create.make(visit, KIND, draft, taken=taken, namespace=draft.namespace)
        if not errors:
            messages.success(visit.request, _("Claim %(name)s was created.") % {"name": draft.name})
            return redirect("console:claim", namespace=draft.namespace, name=draft.name)
    context = {
        "draft": draft,
        "focus": "name",
        "classes": list(claimspecs.CLASSES.values()),
        "modes": list(_MODES.items()),
        "namespaces": [(name, name) for name in names],
    }
    return create.form(visit, "storage/create.html", "storage", context, errors)


claim_create.page = create.form_page("storage")  # type: ignore[attr-defined]


class SizeForm(forms.Form):
    gib = forms.IntegerField(label=gettext_lazy("New size"), min_value=1, max_value=10**6)


@guarded("GET", "POST")
def grow(visit: Visit, *, namespace: str, name: str) -> HttpResponse:
    common = CLAIM.on(visit, name, "overview")
    row: ClaimRow = common["row"]
    form = SizeForm(visit.request.POST or None, initial={"gib": -(-row.bytes // 1024**3)})
    if visit.request.method == "POST" and form.is_valid() and _grown(visit, form, row):
        return redirect("console:claim", namespace=namespace, name=name)
    context = {**common, "visit": visit, "frame": frame.of(visit), "form": form}
    return render(visit.request, "storage/grow.html", context, status=422 if visit.request.method == "POST" else 200)


def _grown(visit: Visit, form: SizeForm, row: ClaimRow) -> bool:
    """False when the control plane refused; its words are on the form then."""
    size = f"{form.cleaned_data['gib']}Gi"
    patch = {"spec": {"resources": {"requests": {"storage": size}}}}
    try:
        visit.client.patch(KIND, row.name, patch, "application/merge-patch+json", row.namespace)
    except StatusError as refusal:
        form.add_error("gib", spoken(refusal.causes[0]) if refusal.causes else refusal.message)
        return False
    messages.success(visit.request, _("%(name)s is to have %(size)s.") % {"name": row.name, "size": size})
    return True


def _shown(visit: Visit, name: str, tab: str) -> Context:
    claim = visit.client.get(KIND, name, visit.namespace)
    return {"row": claimrows.claim_row(visit.client, claim, all_users=tab == "overview")}


CLAIM = Noun(KIND, "storage", _shown)
events = objects.events(CLAIM)
manifest = objects.manifest(CLAIM)
delete = objects.deletion(CLAIM, gettext_lazy("Claim %(name)s is being deleted."))
