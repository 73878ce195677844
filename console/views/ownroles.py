"""Roles of namespaces: the list, one with its rules and who has it, and the forms that write them.

A form tells what is wrong while one types: it asks for a dry run of the write that it will send, so that what is said
is the control plane's own word, also about rights that the writer lacks.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from console import frame, lists, rolerows
from console.access import Visit, guarded
from console.forms.drafts import FieldError, by_field, placed
from console.forms.ownroles import BEGINNINGS, OwnRoleDraft, shown
from console.lists import Query
from console.pages import Context, page
from console.rolerows import OwnRoleRow
from console.views import asked, create, roles
from workloads.client import DeleteOptions, Listing, WriteOptions
from workloads.meta.errors import AlreadyExists, Conflict, Forbidden, Refused, StatusError
from workloads.meta.manifests import ManifestError


@page("roles/own_list.html", kinds=("Role", "RoleBinding"))
def role_list(visit: Visit) -> Context:
    query, client = Query.of(visit.request, "q"), visit.client
    held = rolerows.holders_of_roles(client)

    def read(limit: int, token: str) -> Listing:
        return client.list("Role", limit=limit, continue_token=token)

    part = query.get("q").lower()
    wanted = (lambda row: row.mentions(part)) if part else None
    shelf = lists.shelf(query, lists.Source(read, lambda item: OwnRoleRow(item, held), wanted))
    return {
        "section": roles.SECTION,
        "tab": "roles",
        "rows": shelf.rows,
        "pager": shelf.pager,
        "query": query,
        "total": client.count("Role"),
        "may_create": client.may("create", "Role"),
    }


@page("roles/own_detail.html", kinds=("Role", "RoleBinding"))
def detail(visit: Visit, *, namespace: str, name: str) -> Context:
    obj, client = visit.client.get("Role", name, namespace), visit.client
    return {
        "section": roles.SECTION,
        "row": OwnRoleRow(obj),
        "bindings": _bindings(visit, name),
        "may_see_bindings": client.may("list", "RoleBinding", namespace),
        "may_give": client.may("create", "RoleBinding", namespace),
        "may_take": client.may("delete", "RoleBinding", namespace),
        "may_change": client.may("update", "Role", namespace, name=name),
        "may_delete": client.may("delete", "Role", namespace, name=name),
        "document": shown(obj.get("rules") or []),
    }


@guarded("GET", "POST")
def role_create(visit: Visit) -> HttpResponse:
    posted = visit.request.POST
    draft, errors = OwnRoleDraft.read(posted), list[FieldError]()
    beginning = posted.get("go", "").removeprefix("begin-")
    if not posted:
        draft = OwnRoleDraft(create.requested_namespace(visit.request), "", shown(BEGINNINGS["pods"][1]))
    elif beginning in BEGINNINGS:
        draft = replace(draft, typed=shown(BEGINNINGS[beginning][1]))
    elif posted.get("go") == "submit":
        errors = _written(visit, draft, create.WET)
        if not errors:
            said = _("Role %(name)s was created. Give it to somebody.") % {"name": draft.name}
            messages.success(visit.request, said)
            return redirect("console:role", namespace=draft.namespace, name=draft.name)
    return _form(visit, draft, errors, focus="name")


role_create.page = create.form_page(roles.SECTION)  # type: ignore[attr-defined]


@guarded("GET", "POST")
def edit(visit: Visit, *, namespace: str, name: str) -> HttpResponse:
    visit.client.require("update", "Role", namespace)
    stored, posted = visit.client.get("Role", name, namespace), visit.request.POST
    draft, errors = OwnRoleDraft.of(stored), list[FieldError]()
    if posted:
        draft = replace(OwnRoleDraft.read(posted), namespace=namespace, name=name)
        if posted.get("go") == "submit":
            errors = _written(visit, draft, create.WET)
            if not errors:
                messages.success(visit.request, _("%(name)s was changed.") % {"name": name})
                return redirect("console:role", namespace=namespace, name=name)
    return _form(visit, draft, errors, focus="rules", bindings=_bindings(visit, name))


@guarded("GET", "POST")
def delete(visit: Visit, *, namespace: str, name: str) -> HttpResponse:
    """Bindings to it stay and give nothing, as in Kubernetes; the question says whose."""
    visit.client.require("delete", "Role", namespace)
    row = OwnRoleRow(visit.client.get("Role", name, namespace))
    if asked.is_sure(visit, name):
        visit.client.delete("Role", name, namespace, options=DeleteOptions(uid=row.uid))
        messages.success(visit.request, _("Role %(name)s was deleted.") % {"name": name})
        return redirect("console:roles")
    context = {
        "visit": visit,
        "frame": frame.of(visit),
        "section": roles.SECTION,
        "row": row,
        "bindings": _bindings(visit, name),
        "word": name,
    }
    return render(visit.request, "roles/own_delete.html", context, status=asked.status(visit))


def _bindings(visit: Visit, name: str) -> list[rolerows.BindingRow]:
    """Of the visit's namespace to this Role; none where one may not see them."""
    try:
        rows = rolerows.in_namespace(visit.client, visit.namespace, rolerows.known_names(visit.identity))
    except Forbidden:
        return []
    return [row for row in rows if (row.role_kind, row.role) == ("Role", name)]


def _written(visit: Visit, draft: OwnRoleDraft, options: WriteOptions) -> list[FieldError]:
    """Sends it, or tries: why not."""
    if problems := draft.problems():
        return problems
    client, manifest = visit.client, draft.manifest()
    try:
        if draft.since:
            client.update("Role", draft.name, manifest, draft.namespace, options=options)
        else:
            client.create("Role", manifest, draft.namespace, options=options)
    except AlreadyExists:
        said = _("The namespace has a Role of this name already: choose another name.")
        return [FieldError("name", said)]
    except Conflict:
        said = _("Somebody changed it meanwhile: open the form again, your text is below.")
        return [FieldError("rules", said)]
    except Refused as refusal:
        return [FieldError("rules", _beyond(refusal))]
    except StatusError as refusal:
        return placed(draft, refusal.causes) or [FieldError("rules", refusal.message)]
    return []


def _beyond(refusal: Refused) -> str:
    """Which of the rights are more than the writer has."""
    _head, *lines = refusal.message.splitlines()
    if not lines:
        return refusal.message
    said = _("A Role can allow no more than you may do there yourself. You lack: %(rights)s")
    return said % {"rights": "; ".join(lines)}


def _form(
    visit: Visit,
    draft: OwnRoleDraft,
    errors: list[FieldError],
    *,
    focus: str,
    bindings: list[rolerows.BindingRow] | None = None,
) -> HttpResponse:
    """`verdict` is the region that follows what is typed."""
    context: Context = {
        "draft": draft,
        "focus": focus,
        "bindings": bindings,
        "beginnings": [(name, label) for name, (label, _rules) in BEGINNINGS.items()],
        "verdict": by_field(_tried(visit, draft)).get("rules", []),
        "rules": _rules(draft),
    }
    if bindings is None:
        context["namespaces"] = [(name, name) for name in create.namespace_names(visit)]
    return create.form(visit, "roles/own_form.html", roles.SECTION, context, errors)


def _tried(visit: Visit, draft: OwnRoleDraft) -> list[FieldError]:
    """What is wrong with the rules, whatever name and namespace are still to be chosen."""
    places = [draft.namespace] if draft.namespace else create.namespace_names(visit)[:1]
    if not places:
        return draft.problems()
    trial = draft if draft.since else replace(draft, namespace=places[0], name=draft.name or "x")
    try:
        return _written(visit, trial, create.DRY)
    except Forbidden as refusal:
        return [FieldError("rules", refusal.message)]


def _rules(draft: OwnRoleDraft) -> list[Any]:
    try:
        return rolerows.rule_rows(draft.rules())
    except ManifestError:
        return []
