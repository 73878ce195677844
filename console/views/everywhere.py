"""Roles that are given in every namespace: who has which by what ClusterRoleBinding; giving, changing, deleting."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from console import frame, lists, rolerows
from console.access import Visit, guarded
from console.forms.drafts import FieldError, text, together
from console.forms.roles import RoleDraft
from console.lists import Query
from console.pages import Context, page
from console.rolerows import KINDS, ROLES, BindingRow, Subject
from console.views import asked, create, roles
from workloads.client import DeleteOptions, Listing
from workloads.meta.errors import Conflict, Refused, StatusError

KIND = "ClusterRoleBinding"


@page("roles/everywhere.html", kinds=(KIND,))
def binding_list(visit: Visit) -> Context:
    query, known, client = Query.of(visit.request, "q"), rolerows.known_names(visit.identity), visit.client
    part = query.get("q").lower()

    def read(limit: int, token: str) -> Listing:
        return client.list(KIND, limit=limit, continue_token=token)

    wanted = (lambda row: row.mentions(part)) if part else None
    shelf = lists.shelf(query, lists.Source(read, lambda item: BindingRow(item, known), wanted))
    return {
        "section": roles.SECTION,
        "tab": "everywhere",
        "rows": shelf.rows,
        "pager": shelf.pager,
        "query": query,
        "total": client.count(KIND),
        "may_give": client.may("create", KIND),
        "may_change": client.may("update", KIND),
        "may_take": client.may("delete", KIND),
    }


@guarded("GET", "POST")
def add(visit: Visit) -> HttpResponse:
    visit.client.require("create", KIND)
    known = rolerows.known_names(visit.identity)
    draft, errors = RoleDraft.read("", visit.request.POST), list[FieldError]()
    if visit.request.method == "POST":
        rows = [BindingRow(item) for item in visit.client.list(KIND, limit=rolerows.MOST).items]
        offered = [f"ClusterRole/{name}" for name in ROLES]
        errors = together(draft.problems(), draft.clashes(known, rows, offered)) or roles.given(visit, draft)
        if not errors:
            said = _("%(name)s has %(role)s in every namespace.")
            messages.success(visit.request, said % {"name": draft.name, "role": draft.role.partition("/")[2]})
            return redirect("console:everywhere")
    context = {
        "draft": draft,
        "kinds": _kinds(),
        "roles": [(f"ClusterRole/{name}", name, rolerows.role_words(name)) for name in ROLES],
        "known": known,
        "focus": "name",
    }
    return create.form(visit, "roles/everywhere_add.html", roles.SECTION, context, errors)


@guarded("GET", "POST")
def change(visit: Visit, *, name: str) -> HttpResponse:
    """Who is ticked loses the role; who is named gets it, too."""
    visit.client.require("update", KIND)
    known = rolerows.known_names(visit.identity)
    row = BindingRow(visit.client.get(KIND, name), known)
    draft, errors = RoleDraft.read("", visit.request.POST), list[FieldError]()
    if visit.request.method == "POST":
        errors = _changed(visit, row, draft)
        if not errors:
            messages.success(visit.request, _("%(name)s was changed.") % {"name": name})
            return redirect("console:everywhere")
    context = {
        "binding": row,
        "draft": draft,
        "ticked": visit.request.POST.getlist("ticked"),
        "word": asked.WORD,
        "kinds": _kinds(),
        "known": known,
        "focus": "name",
    }
    return create.form(visit, "roles/everywhere_change.html", roles.SECTION, context, errors)


@guarded("GET", "POST")
def delete(visit: Visit, *, name: str) -> HttpResponse:
    visit.client.require("delete", KIND)
    row = BindingRow(visit.client.get(KIND, name), rolerows.known_names(visit.identity))
    if asked.is_sure(visit, asked.WORD):
        visit.client.delete(KIND, name, options=DeleteOptions(uid=row.uid))
        messages.success(visit.request, _("ClusterRoleBinding %(name)s was deleted.") % {"name": name})
        return redirect("console:everywhere")
    context = {"visit": visit, "frame": frame.of(visit), "section": roles.SECTION, "binding": row, "word": asked.WORD}
    return render(visit.request, "roles/everywhere_delete.html", context, status=asked.status(visit))


def _kinds() -> list[tuple[str, str]]:
    return [(kind, Subject(kind, "").words) for kind in KINDS]


def _changed(visit: Visit, row: BindingRow, draft: RoleDraft) -> list[FieldError]:
    ticked, had = visit.request.POST.getlist("ticked"), row.obj.get("subjects") or []
    subjects = [one for one in had if Subject.of(one).id not in ticked]
    is_loss = len(subjects) < len(had)
    if text(visit.request.POST, "name"):
        if problems := [*draft.problems(), *draft.unknown(rolerows.known_names(visit.identity))]:
            return problems
        if draft.subject in map(Subject.of, subjects):
            return [FieldError("name", _("%(name)s has it already.") % {"name": draft.name})]
        subjects.append(draft.subject_manifest())
    if not subjects:
        return [FieldError("", _("Nobody would be left. Delete the binding instead."))]
    if is_loss and not asked.is_sure(visit, asked.WORD):
        return [FieldError("", _("Who is ticked loses the role in every namespace: confirm it."))]
    try:
        visit.client.update(KIND, row.name, {**row.obj, "subjects": subjects})
    except Conflict:
        return [FieldError("", _("Somebody changed it meanwhile: look again."))]
    except Refused:
        said = _("You may not change this binding: it gives more than you may do here. Somebody who has its role can.")
        return [FieldError("", said)]
    except StatusError as refusal:
        return [FieldError("", refusal.message)]
    return []
