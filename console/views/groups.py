"""Groups: people who get policies and roles together. The list, one with members and policies, and every change."""

from __future__ import annotations

import re

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from console import frame, lists, rolerows
from console.access import Visit, guarded
from console.boxes import Boxes
from console.forms.drafts import FieldError, text
from console.iamrefusals import AT_FIELDS, field_errors
from console.lists import Query
from console.pages import Context, page
from console.peoplerows import GroupRow
from console.views import asked, create
from console.views.users import offered_policies, ticked
from iam import people

SECTION = "groups"
_MOST_OFFERED = 500
"""Users in the list that a field offers while one types."""


@page("groups/list.html")
def group_list(visit: Visit) -> Context:
    query = Query.of(visit.request, "q")
    part, after = query.get("q"), query.get("continue")
    found = people.groups(visit.identity, part=part, after=after, limit=lists.PAGE + 1)
    rows = [GroupRow(group) for group in found[: lists.PAGE]]
    return {
        "section": SECTION,
        "rows": rows,
        "query": query,
        "pager": lists.named(query, rows, more=len(found) > lists.PAGE),
        "may_change": visit.identity.is_administrator,
    }


@page("groups/detail.html")
def detail(visit: Visit, *, name: str) -> Context:
    return {
        "section": SECTION,
        "row": GroupRow(people.group(visit.identity, name)),
        "held": rolerows.of_person(visit.client, "", [name]),
        "may_change": visit.identity.is_administrator,
    }


@guarded("GET", "POST")
def group_create(visit: Visit) -> HttpResponse:
    by, posted, errors = visit.identity, visit.request.POST, list[FieldError]()
    people.admit(by, "iam:group:create")
    name, description, chosen = text(posted, "name"), text(posted, "description"), posted.getlist("policies")
    if visit.request.method == "POST":
        try:
            people.create_group(by, name, description=description, policies=chosen)
        except AT_FIELDS as refusal:
            errors = field_errors(refusal)
        else:
            messages.success(visit.request, _("Group %(name)s was created. Add its members.") % {"name": name})
            return redirect("console:group", name=name)
    context = {
        "name": name,
        "description": description,
        "focus": "name",
        "policies": [(one, note, one in chosen) for one, note in offered_policies(by)],
    }
    return create.form(visit, "groups/create.html", SECTION, context, errors)


group_create.page = create.form_page(SECTION)  # type: ignore[attr-defined]


@guarded("GET", "POST")
def edit(visit: Visit, *, name: str) -> HttpResponse:
    """The description: a name is for good, because bindings say it."""
    people.admit(visit.identity, "iam:group:update")
    row, errors = GroupRow(people.group(visit.identity, name)), list[FieldError]()
    description = row.group.description
    if visit.request.method == "POST":
        description = text(visit.request.POST, "description")
        try:
            people.describe_group(visit.identity, name, description)
        except AT_FIELDS as refusal:
            errors = field_errors(refusal, field="description")
        else:
            messages.success(visit.request, _("%(name)s was changed.") % {"name": name})
            return redirect("console:group", name=name)
    context = {"row": row, "description": description, "focus": "description"}
    return create.form(visit, "groups/edit.html", SECTION, context, errors)


@guarded("GET", "POST")
def policies(visit: Visit, *, name: str) -> HttpResponse:
    people.admit(visit.identity, "iam:policy:update")
    has = people.attached_to(people.group(visit.identity, name))
    boxes = Boxes.of(visit.request, offered_policies(visit.identity), has)
    words = {
        "title": _("Policies of group %(name)s") % {"name": name},
        "note": _("Every member has them. A Deny in any of them beats every Allow."),
    }

    def change() -> None:
        people.regive(visit.identity, boxes.added, boxes.removed, group=name)

    return ticked(visit, SECTION, boxes, words, change, back=("console:group", name))


@guarded("GET", "POST")
def add_members(visit: Visit, *, name: str) -> HttpResponse:
    people.admit(visit.identity, "iam:group:update")
    row, errors = GroupRow(people.group(visit.identity, name)), list[FieldError]()
    typed = text(visit.request.POST, "users")
    if visit.request.method == "POST":
        try:
            people.enlist(visit.identity, name, [word for word in re.split(r"[,;\s]+", typed) if word])
        except AT_FIELDS as refusal:
            errors = field_errors(refusal, field="users")
        else:
            messages.success(visit.request, _("Members of %(name)s were added.") % {"name": name})
            return redirect("console:group", name=name)
    offered = [user.name for user in people.users(visit.identity, limit=_MOST_OFFERED)]
    context = {
        "row": row,
        "typed": typed,
        "offered": [user for user in offered if user not in row.members],
        "focus": "users",
    }
    return create.form(visit, "groups/members.html", SECTION, context, errors)


@guarded("GET", "POST")
def remove_member(visit: Visit, *, name: str) -> HttpResponse:
    people.admit(visit.identity, "iam:group:update")
    row = GroupRow(people.group(visit.identity, name))
    user = text(visit.request.POST, "user") or text(visit.request.GET, "user")
    refusal = ""
    if asked.is_sure(visit, user):
        try:
            people.remove_member(visit.identity, name, user)
        except AT_FIELDS as error:
            refusal = field_errors(error)[0].message
        else:
            said = _("%(user)s is no member of %(name)s any more.") % {"user": user, "name": name}
            messages.success(visit.request, said)
            return redirect("console:group", name=name)
    context = {"visit": visit, "frame": frame.of(visit), "section": SECTION, "row": row, "user": user, "no": refusal}
    return render(visit.request, "groups/remove.html", context, status=422 if refusal else asked.status(visit))


@guarded("GET", "POST")
def delete(visit: Visit, *, name: str) -> HttpResponse:
    """Names who loses what."""
    people.admit(visit.identity, "iam:group:delete")
    row, refusal = GroupRow(people.group(visit.identity, name)), ""
    if asked.is_sure(visit, name):
        try:
            people.delete_group(visit.identity, name)
        except AT_FIELDS as error:
            refusal = field_errors(error)[0].message
        else:
            messages.success(visit.request, _("Group %(name)s was deleted.") % {"name": name})
            return redirect("console:groups")
    shown = {"section": SECTION, "row": row, "word": name, "no": refusal}
    context = {"visit": visit, "frame": frame.of(visit), **shown}
    return render(visit.request, "groups/delete.html", context, status=422 if refusal else asked.status(visit))
