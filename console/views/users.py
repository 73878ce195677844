"""Users: the list, one of them with what they may and by which way, the form that makes one, and every change.

Rules and refusals are `iam.people`'s; what it says stands where it can be mended. A made password is shown once.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from console import frame, lists, peoplerows, policywords, rolerows
from console.access import Visit, guarded
from console.boxes import Boxes
from console.forms.drafts import FieldError, by_field, text
from console.iamrefusals import AT_FIELDS, field_errors
from console.lists import Query
from console.lowerwords import said
from console.pages import Context, page
from console.peoplerows import UserRow
from console.views import asked, create
from iam import accesskeys, people, tokens
from iam.errors import IamError
from iam.identities import Identity
from iam.policies import SYSTEM
from workloads.meta.errors import BadRequest

SECTION = "users"
_MADE_BYTES = 12


@page("users/list.html")
def user_list(visit: Visit) -> Context:
    query = Query.of(visit.request, "q")
    part, after = query.get("q"), query.get("continue")
    found = people.users(visit.identity, part=part, after=after, limit=lists.PAGE + 1)
    rows = peoplerows.of_users(visit.identity, found[: lists.PAGE])
    return {
        "section": SECTION,
        "rows": rows,
        "query": query,
        "pager": lists.named(query, rows, more=len(found) > lists.PAGE),
        "may_change": visit.identity.is_administrator,
    }


@page("users/detail.html")
def detail(visit: Visit, *, name: str) -> Context:
    row, found = _row(visit.identity, name), people.effective(visit.identity, name)
    return {
        "section": SECTION,
        "row": row,
        "sentences": [one for document in found.documents for one in policywords.sentences(document)],
        "table": policywords.table(found.documents),
        "held": rolerows.of_person(visit.client, name, row.groups),
        "keys": accesskeys.listed(row.user),
        "most_active": accesskeys.MOST_ACTIVE,
        "tokens": len(tokens.listed(row.user)),
        "may_change": visit.identity.is_administrator,
    }


@sensitive_post_parameters("password")
@never_cache
@guarded("GET", "POST")
def user_create(visit: Visit) -> HttpResponse:
    """Without a password one is made, and the answer shows it."""
    by, posted, errors = visit.identity, visit.request.POST, list[FieldError]()
    people.admit(by, "iam:user:create")
    name, typed = text(posted, "name"), posted.get("password", "")
    chosen = {field: posted.getlist(field) for field in ("groups", "policies")}
    if visit.request.method == "POST":
        password = typed or _made_password()
        try:
            people.create_user(by, name, password=password, **chosen)
        except AT_FIELDS as refusal:
            errors = field_errors(refusal)
        else:
            return _with_password(visit, name, typed, password, _("User %(name)s was created."))
    context = {
        "name": name,
        "password": typed,
        "focus": "name",
        "groups": [(one.name, one.description, one.name in chosen["groups"]) for one in people.groups(by)],
        "policies": [(one, note, one in chosen["policies"]) for one, note in offered_policies(by)],
    }
    return create.form(visit, "users/create.html", SECTION, context, errors)


user_create.page = create.form_page(SECTION)  # type: ignore[attr-defined]


@sensitive_post_parameters("password")
@never_cache
@guarded("GET", "POST")
def password(visit: Visit, *, name: str) -> HttpResponse:
    """Another password, typed or made: every token of the user is revoked, every session ends."""
    people.admit(visit.identity, "iam:user:update")
    row, typed = _row(visit.identity, name), visit.request.POST.get("password", "")
    errors: list[FieldError] = []
    if visit.request.method == "POST":
        fresh = typed or _made_password()
        try:
            people.set_password(visit.identity, name, password=fresh)
        except AT_FIELDS as refusal:
            errors = field_errors(refusal, field="password")
        else:
            return _with_password(visit, name, typed, fresh, _("%(name)s has another password."))
    context = {"row": row, "password": typed, "focus": "password"}
    return create.form(visit, "users/password.html", SECTION, context, errors)


@guarded("GET", "POST")
def policies(visit: Visit, *, name: str) -> HttpResponse:
    """Those attached directly, all to tick."""
    people.admit(visit.identity, "iam:policy:update")
    row = _row(visit.identity, name)
    boxes = Boxes.of(visit.request, offered_policies(visit.identity), row.own)
    words = {
        "title": _("Policies of %(name)s") % {"name": name},
        "note": _("Together with those of their groups. A Deny in any of them beats every Allow."),
    }

    def change() -> None:
        people.regive(visit.identity, boxes.added, boxes.removed, user=name)

    return ticked(visit, SECTION, boxes, words, change, back=("console:user", name))


@guarded("GET", "POST")
def groups(visit: Visit, *, name: str) -> HttpResponse:
    people.admit(visit.identity, "iam:group:update")
    row = _row(visit.identity, name)
    offered = [(group.name, group.description) for group in people.groups(visit.identity)]
    boxes = Boxes.of(visit.request, offered, row.groups)
    words = {
        "title": _("Groups of %(name)s") % {"name": name},
        "note": _("A member has the group's policies, and the roles that are given to it in namespaces."),
        "nothing": _("There are no groups yet. Create one first: what several people may is easier to keep there."),
    }

    def change() -> None:
        people.regroup(visit.identity, name, boxes.added, boxes.removed)

    return ticked(visit, SECTION, boxes, words, change, back=("console:user", name))


@guarded("GET", "POST")
def change(visit: Visit, *, name: str) -> HttpResponse:
    """Asks before it does one of `_CHANGES` (`do`) to the user."""
    people.admit(visit.identity, "iam:user:update")
    row, ak = _row(visit.identity, name), _asked(visit, "ak")
    verb = _asked(visit, "do") or ("disable" if row.user.is_active else "enable")
    if verb not in _CHANGES:
        raise BadRequest(_("Say what to do with the user: %(verbs)s.") % {"verbs": ", ".join(_CHANGES)})
    refusal = ""
    if visit.request.method == "POST":
        try:
            said = _CHANGES[verb](visit.identity, name, ak)
        except AT_FIELDS as error:
            refusal = field_errors(error)[0].message
        else:
            messages.success(visit.request, said)
            return redirect("console:user", name=name)
    context = {"visit": visit, "frame": frame.of(visit), "section": SECTION, "row": row, "verb": verb, "ak": ak}
    return render(visit.request, "users/change.html", {**context, "no": refusal}, status=422 if refusal else 200)


@guarded("GET", "POST")
def delete(visit: Visit, *, name: str) -> HttpResponse:
    """Asks to type the name, and says what goes."""
    people.admit(visit.identity, "iam:user:delete")
    row = _row(visit.identity, name)
    refusal = ""
    if asked.is_sure(visit, name):
        try:
            people.delete_user(visit.identity, name)
        except AT_FIELDS as error:
            refusal = field_errors(error)[0].message
        else:
            messages.success(visit.request, _("User %(name)s was deleted.") % {"name": name})
            return redirect("console:users")
    context = {
        "visit": visit,
        "frame": frame.of(visit),
        "section": SECTION,
        "row": row,
        "held": rolerows.of_person(visit.client, name, ()),
        "keys": accesskeys.listed(row.user),
        "tokens": len(tokens.listed(row.user)),
        "word": name,
        "no": refusal,
    }
    return render(visit.request, "users/delete.html", context, status=asked.status(visit))


def offered_policies(by: Identity) -> list[tuple[str, str]]:
    """Names with what they say of themselves, the system's first."""
    own = [(one.name, one.description) for one in people.custom_policies(by)]
    return [*((one.name, said(one.description)) for one in SYSTEM.values()), *own]


def ticked(
    visit: Visit,
    section: str,
    boxes: Boxes,
    words: dict[str, str],
    change: Callable[[], None],
    *,
    back: tuple[str, str],
) -> HttpResponse:
    """A page of boxes, and what is done with them. `words` has a title and a note; `back` is a url's name and the name
    of what is changed."""
    errors: list[FieldError] = []
    if visit.request.method == "POST":
        try:
            change()
        except IamError as refusal:
            if not isinstance(refusal, AT_FIELDS):
                raise
            errors = field_errors(refusal, field="ticked")
        else:
            messages.success(visit.request, _("%(name)s was changed.") % {"name": back[1]})
            return redirect(back[0], name=back[1])
    context: dict[str, Any] = {
        "visit": visit,
        "frame": frame.of(visit),
        "section": section,
        "boxes": boxes,
        "errors": by_field(errors),
        "back": back,
        **words,
    }
    return render(visit.request, "users/boxes.html", context, status=422 if errors else 200)


def _row(by: Identity, name: str) -> UserRow:
    return peoplerows.of_users(by, [people.user(by, name)])[0]


def _made_password() -> str:
    return secrets.token_urlsafe(_MADE_BYTES)


def _with_password(visit: Visit, name: str, typed: str, password: str, said: str) -> HttpResponse:
    """On to the user; first the password, when nobody has typed it."""
    said %= {"name": name}
    if typed:
        messages.success(visit.request, said)
        return redirect("console:user", name=name)
    shown = {"name": name, "made": password, "said": said, "account": visit.identity.account}
    return create.form(visit, "users/made.html", SECTION, shown, [])


def _set_active(by: Identity, name: str, *, active: bool) -> str:
    people.set_active(by, name, active=active)
    if active:
        return _("%(name)s can sign in again.") % {"name": name}
    return _("%(name)s cannot sign in any more. What was open ends within seconds.") % {"name": name}


def _unlock(by: Identity, name: str) -> str:
    people.unlock(by, name)
    return _("Wrong passwords of %(name)s count no more.") % {"name": name}


def _revoke(by: Identity, name: str) -> str:
    count = people.revoke_tokens(by, name)
    said = ngettext("%(count)s token of %(name)s was revoked.", "%(count)s tokens of %(name)s were revoked.", count)
    return said % {"count": count, "name": name}


def _disable_key(by: Identity, name: str, ak: str) -> str:
    people.disable_key(by, name, ak)
    return _("Access key %(ak)s signs in no more.") % {"ak": ak}


_CHANGES: dict[str, Callable[[Identity, str, str], str]] = {
    "disable": lambda by, name, ak: _set_active(by, name, active=False),
    "enable": lambda by, name, ak: _set_active(by, name, active=True),
    "unlock": lambda by, name, ak: _unlock(by, name),
    "revoke": lambda by, name, ak: _revoke(by, name),
    "disable-key": _disable_key,
}


def _asked(visit: Visit, name: str) -> str:
    request = visit.request
    return str(request.POST.get(name) or request.GET.get(name, "")).replace("\0", "")
