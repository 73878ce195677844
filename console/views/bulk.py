"""What was ticked on a list: the question before, the work, and what was refused, object by object."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console import bulk, frame, sections
from console.access import Visit, guarded
from console.bulk import Action, Candidate, Pick, Wish
from console.pages import Context
from console.views.deployments import MOST_PODS


class ScaleForm(forms.Form):
    replicas = forms.IntegerField(label=gettext_lazy("Pods"), min_value=0, max_value=MOST_PODS)


class LabelForm(forms.Form):
    key = forms.CharField(label=gettext_lazy("Label"), max_length=317)
    value = forms.CharField(label=gettext_lazy("Value"), max_length=63, required=False)
    remove = forms.BooleanField(label=gettext_lazy("Take this label away instead"), required=False)


@guarded("GET", "POST")
def act(visit: Visit, *, kind: str) -> HttpResponse:
    """A form posts here twice: what was ticked, which is answered with the question, and then the answer. Who comes
    back to the address later is led to the list."""
    if kind not in bulk.KINDS:
        raise Http404
    posted = visit.request.POST
    back = way_back(visit, kind)
    picks = list(dict.fromkeys(pick for value in posted.getlist("pick") if (pick := Pick.read(value)) is not None))
    action = bulk.action_of(posted.get("action", ""), kind)
    if action is None or not picks:
        return redirect(back)
    if len(picks) > bulk.MOST:
        messages.error(visit.request, _("At most %(most)s at a time. Choose fewer.") % {"most": bulk.MOST})
        return redirect(back)
    candidates = bulk.look(visit.client, visit.identity.account, action, kind, picks)
    form, wish = _wish(visit, action)
    word = posted.get("word", "").strip()
    is_answered = bool(posted.get("go")) and wish is not None and (not action.danger or word == bulk.WORD)
    if wish is None or not is_answered:
        asked = {"form": form, "wrong": bool(posted.get("go")) and action.danger}
        return _question(visit, action, kind, candidates, {"back": back, **asked})
    return _done(visit, action, kind, bulk.act(visit.client, action, kind, candidates, wish), wish, back)


def _question(visit: Visit, action: Action, kind: str, candidates: list[Candidate], asked: Context) -> HttpResponse:
    able = [one for one in candidates if not one.problem]
    context = {
        **_common(visit, kind, action),
        **asked,
        "able": able,
        "unable": [one for one in candidates if one.problem],
        "what": bulk.counted(kind, len(able)),
        "burns": bulk.burns(candidates),
        "goes": bulk.goes(kind),
        "replaced": bulk.replaced(candidates) if kind == "Pod" else 0,
        "word": bulk.WORD,
    }
    status = 422 if visit.request.POST.get("go") else 200
    return render(visit.request, "bulk/ask.html", context, status=status)


def _done(visit: Visit, action: Action, kind: str, results: list[Candidate], wish: Wish, back: str) -> HttpResponse:
    """All well: back to the list. Otherwise a page that names what was refused, and why."""
    failed = [one for one in results if one.problem]
    good = len(results) - len(failed)
    if good:
        messages.success(visit.request, bulk.done(action, kind, good, wish))
    if not failed:
        return redirect(back)
    context = {
        **_common(visit, kind, action),
        "failed": failed,
        "good": [one for one in results if not one.problem],
        "what": bulk.counted(kind, len(failed)),
        "back": back,
        "posted": {name: visit.request.POST.get(name, "") for name in ("replicas", "key", "value", "remove")},
    }
    return render(visit.request, "bulk/outcome.html", context)


def _common(visit: Visit, kind: str, action: Action) -> Context:
    section = next(one for one in sections.SECTIONS if one.kind == kind)
    return {"visit": visit, "frame": frame.of(visit), "section": section.name, "kind": kind, "action": action}


def _wish(visit: Visit, action: Action) -> tuple[forms.Form | None, Wish | None]:
    """The form that the action asks with, if any, and what it says; no wish where it is not filled in well."""
    if action.name not in ("scale", "label"):
        return None, Wish()
    made = ScaleForm if action.name == "scale" else LabelForm
    form = made(visit.request.POST if visit.request.POST.get("go") else None)
    if not form.is_bound or not form.is_valid():
        return form, None
    said = form.cleaned_data
    if action.name == "scale":
        return form, Wish(replicas=said["replicas"])
    return form, Wish(key=said["key"].strip(), value=None if said["remove"] else said["value"])


def way_back(visit: Visit, kind: str) -> str:
    """The list one came from, with its filters."""
    asked = visit.request.POST.get("back", "")
    if asked.startswith("/") and url_has_allowed_host_and_scheme(asked, allowed_hosts=None):
        return asked
    return reverse(next(one.everywhere for one in sections.SECTIONS if one.kind == kind))
