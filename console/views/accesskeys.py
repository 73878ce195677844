"""A person's own access keys and the tokens that speak for them. A secret is shown once, by the answer that made it."""

from __future__ import annotations

from urllib.parse import quote

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from console import frame, lists
from console.access import Visit, guarded
from console.forms.drafts import FieldError
from console.lists import Query
from console.pages import Context, page
from console.states import State
from console.views import asked, create, kubectl
from iam import accesskeys, tokens
from workloads.meta.errors import BadRequest, NotFound

SECTION = "accesskeys"
VERBS = {"disable": accesskeys.disable, "enable": accesskeys.enable, "delete": accesskeys.delete}


@page("accesskeys/list.html")
def key_list(visit: Visit) -> Context:
    query, alive = Query.of(visit.request), tokens.listed(visit.user)
    begun = next((index for index, token in enumerate(alive, 1) if token.id == query.get("continue")), 0)
    shown, more = alive[begun : begun + lists.PAGE], len(alive) > begun + lists.PAGE
    count = _("%(shown)s of %(all)s shown") % {"shown": len(shown), "all": len(alive)}
    return {
        "section": SECTION,
        "rows": [(row, _state(row)) for row in accesskeys.listed(visit.user)],
        "most_active": accesskeys.MOST_ACTIVE,
        "tokens": shown,
        "pager": lists.Pager(count, begun == 0, query.path, query.following(shown[-1].id) if more else ""),
    }


@never_cache
@guarded("GET", "POST")
def key_create(visit: Visit) -> HttpResponse:
    """The answer has the secret; nobody sees it again."""
    description, wrong = visit.request.POST.get("description", "").replace("\0", ""), list[FieldError]()
    if visit.request.method == "POST":
        try:
            made = accesskeys.create(visit.user, description=description)
        except accesskeys.FieldError as refusal:
            wrong = [FieldError(refusal.field, str(refusal))]
        else:
            csv = f"User,Access Key Id,Secret Access Key\r\n{visit.user.name},{made.ak},{made.sk}\r\n"
            shown = {"made": made, "csv": quote(csv), "commands": kubectl.sign_in_with(made.ak)}
            return create.form(visit, "accesskeys/made.html", SECTION, shown, [])
    context = {"description": description, "focus": "description"}
    return create.form(visit, "accesskeys/create.html", SECTION, context, wrong)


key_create.page = create.form_page(SECTION)  # type: ignore[attr-defined]


@guarded("GET", "POST")
def key_change(visit: Visit) -> HttpResponse:
    """Asks before it disables, enables or deletes (`do`) the key `ak`."""
    ak, verb = _asked(visit, "ak"), _asked(visit, "do")
    if verb not in VERBS:
        raise BadRequest(_("Say what to do with the access key: disable, enable or delete."))
    row = next((row for row in accesskeys.listed(visit.user) if row.ak == ak), None)
    if row is None:
        raise NotFound(_("There is no access key %(ak)s.") % {"ak": ak})
    refusal = ""
    if asked.is_sure(visit, asked.WORD) or (visit.request.method == "POST" and verb != "delete"):
        try:
            VERBS[verb](visit.user, ak)
        except (accesskeys.FieldError, accesskeys.UnknownKey) as error:
            refusal = str(error)
        else:
            messages.success(visit.request, _("Access key %(ak)s was changed.") % {"ak": ak})
            return redirect("console:access-keys")
    around = {"visit": visit, "frame": frame.of(visit), "section": SECTION}
    context = {**around, "row": row, "verb": verb, "no": refusal, "word": asked.WORD}
    return render(visit.request, "accesskeys/change.html", context, status=asked.status(visit))


@guarded("GET", "POST")
def token_revoke(visit: Visit) -> HttpResponse:
    """One of one's own tokens by its `id`, or all without."""
    token = _asked(visit, "id")
    if asked.is_sure(visit, asked.WORD):
        if token and not tokens.revoke_one(visit.user, token):
            raise NotFound(_("This token is revoked already, or has run out."))
        if not token:
            tokens.revoke_all(visit.user)
        messages.success(visit.request, _("Revoked. It speaks for you no more within two seconds."))
        return redirect("console:access-keys")
    context = {"visit": visit, "frame": frame.of(visit), "section": SECTION, "token": token, "word": asked.WORD}
    return render(visit.request, "accesskeys/revoke.html", context, status=asked.status(visit))


def _asked(visit: Visit, name: str) -> str:
    request = visit.request
    return str(request.POST.get(name) or request.GET.get(name, "")).replace("\0", "")


def _state(row: accesskeys.Row) -> State:
    if not row.readable:
        said = _("sealed with a key file that is gone: delete it and make a new one")
        return State(_("Unreadable"), said, tone="bad", shape="diamond")
    return State(_("Active"), tone="ok") if row.active else State(_("Disabled"), tone="idle", shape="hollow")
