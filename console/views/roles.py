"""Roles in namespaces: who has which by what binding, giving and taking them, and what somebody may do there.

Policies and roles intersect where a namespace was made with the RBAC switch; everywhere else policies decide alone, and
bindings count for ServiceAccounts. The pages say which of the two it is.
"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from console import frame, lists, rights, rolerows
from console.access import Visit, guarded
from console.forms.drafts import FieldError, placed, text, together
from console.forms.roles import RoleDraft
from console.lists import Query
from console.pages import Context, page
from console.rolerows import BINDINGS, KINDS, ROLES, BindingRow, Subject
from console.views import asked, create, namespaces
from iam import people
from iam.errors import IamError, NotAdministrator
from iam.identities import Identity
from iam.people import Holders
from iam.policies import ADMINISTRATOR
from workloads.client import JSON, DeleteOptions, Listing
from workloads.kinds.namespaces import RBAC_LABEL
from workloads.meta.errors import AlreadyExists, Conflict, Forbidden, Refused, StatusError

SECTION = "roles"
ASKING = "cci:subjectaccessreview:create"
"""The action of asking what somebody else may."""


@page("roles/list.html", kinds=("RoleBinding", "Namespace"))
def binding_list(visit: Visit) -> Context:
    query, known = Query.of(visit.request, "q"), rolerows.known_names(visit.identity)
    client, part = visit.client, query.get("q").lower()

    def read(limit: int, token: str) -> Listing:
        return client.list("RoleBinding", limit=limit, continue_token=token)

    wanted = (lambda row: row.mentions(part)) if part else None
    shelf = lists.shelf(query, lists.Source(read, lambda item: BindingRow(item, known), wanted))
    return {
        "section": SECTION,
        "tab": "bindings",
        "rows": shelf.rows,
        "pager": shelf.pager,
        "query": query,
        "total": client.count("RoleBinding"),
        "switched": _switched(visit),
    }


@page("roles/tab.html", kinds=(*BINDINGS, "Role", "Namespace"))
def tab(visit: Visit, *, namespace: str) -> Context:
    """`?who=` asks what a user may do here."""
    known = rolerows.known_names(visit.identity)
    rows = rolerows.in_namespace(visit.client, namespace, known)
    who = text(visit.request.GET, "who")
    return {
        **namespaces.common(visit, "access"),
        "rows": rows,
        "is_on": rolerows.switched_on(visit.namespace_object),
        "label": RBAC_LABEL,
        "administrators": _administrators(visit.identity),
        "may_give": visit.client.may("create", "RoleBinding", namespace),
        "may_take": visit.client.may("delete", "RoleBinding", namespace),
        "known": known,
        "who": who,
        **(_asked(visit, rows, who) if who else {}),
    }


@guarded("GET", "POST")
def add(visit: Visit, *, namespace: str) -> HttpResponse:
    visit.client.require("create", "RoleBinding", namespace)
    known = rolerows.known_names(visit.identity)
    roles = [f"ClusterRole/{name}" for name in ROLES]
    own = [f"Role/{name}" for name in rolerows.own_roles(visit.client, namespace)]
    draft, errors = RoleDraft.read(namespace, visit.request.POST or visit.request.GET), list[FieldError]()
    if visit.request.method == "POST":
        rows = rolerows.in_namespace(visit.client, namespace, known)
        errors = together(draft.problems(), draft.clashes(known, rows, [*roles, *own])) or given(visit, draft)
        if not errors:
            said = _("%(name)s has %(role)s in %(namespace)s.")
            role = draft.role.partition("/")[2]
            messages.success(visit.request, said % {"name": draft.name, "role": role, "namespace": namespace})
            return redirect("console:namespace-access", namespace=namespace)
    context = {
        **namespaces.common(visit, "access"),
        "draft": draft,
        "kinds": [(kind, Subject(kind, "").words) for kind in KINDS],
        "roles": [(f"ClusterRole/{name}", name, rolerows.role_words(name)) for name in ROLES],
        "own": [(role, role.partition("/")[2], "") for role in own],
        "known": known,
        "is_on": rolerows.switched_on(visit.namespace_object),
        "focus": "name",
    }
    return create.form(visit, "roles/add.html", "namespaces", context, errors)


@guarded("GET", "POST")
def remove(visit: Visit, *, namespace: str, name: str) -> HttpResponse:
    """Takes subjects (`ticked`) out of a binding; one without any is deleted. Who has it alone is typed by name."""
    visit.client.require("delete", "RoleBinding", namespace)
    row = BindingRow(visit.client.get("RoleBinding", name, namespace), rolerows.known_names(visit.identity))
    word, refusal = row.subjects[0].name if len(row.subjects) == 1 else asked.WORD, ""
    if asked.is_sure(visit, word):
        refusal = _taken(visit, row)
        if not refusal:
            messages.success(visit.request, _("RoleBinding %(name)s was changed.") % {"name": name})
            return redirect("console:namespace-access", namespace=namespace)
    context = {
        **namespaces.common(visit, "access"),
        "visit": visit,
        "frame": frame.of(visit),
        "binding": row,
        "ticked": visit.request.POST.getlist("ticked"),
        "word": word,
        "no": refusal,
    }
    return render(visit.request, "roles/remove.html", context, status=422 if refusal else asked.status(visit))


def _switched(visit: Visit) -> dict[str, bool]:
    """By namespace, whether roles count there for people."""
    try:
        found = visit.client.list("Namespace").items
    except Forbidden:
        return {}
    return {item["metadata"]["name"]: rolerows.switched_on(item) for item in found}


def _administrators(by: Identity) -> Holders | None:
    """None for who may not know."""
    try:
        return people.holders(by, ADMINISTRATOR)
    except NotAdministrator:
        return None


def _asked(visit: Visit, rows: list[BindingRow], who: str) -> Context:
    """What `who` may do here, and why; or why that is not told."""
    identity = visit.identity if who == visit.identity.user else None
    if identity is None and not visit.identity.may(ASKING, visit.namespace):
        said = _("Of others only those may ask who have %(action)s. Ask for your own name.")
        return {"unasked": said % {"action": ASKING}}
    identity = identity or people.identity_named(visit.identity.account, who)
    if identity is None:
        return {"unasked": _("There is no active user called %(name)s.") % {"name": who}}
    try:
        policies = people.effective(visit.identity, who).policies
    except IamError:
        policies = ()
    return {
        "table": rights.table(identity, visit.namespace),
        "is_administrator": identity.is_administrator,
        "policies": policies,
        "held": rolerows.held(rows, who, identity.groups),
    }


def given(visit: Visit, draft: RoleDraft) -> list[FieldError]:
    """Makes the binding; why not."""
    [manifest] = draft.manifests()
    try:
        _create(visit, manifest)
    except Refused as refusal:
        lines = refusal.message.splitlines()
        said = _("You can give nobody more than you may do here yourself. You lack %(count)s rights of this role.")
        return [FieldError("role", said % {"count": len(lines) - 1} if len(lines) > 1 else refusal.message)]
    except Forbidden:
        raise
    except StatusError as refusal:
        return placed(draft, refusal.causes) or [FieldError("", refusal.message)]
    return []


def _create(visit: Visit, manifest: JSON) -> None:
    """By a name that says what it is; where another binding has it, with letters behind."""
    try:
        visit.client.create(manifest["kind"], manifest, visit.namespace)
    except AlreadyExists:
        metadata = manifest["metadata"]
        metadata["generateName"] = f"{metadata.pop('name')}-"
        visit.client.create(manifest["kind"], manifest, visit.namespace)


def _taken(visit: Visit, row: BindingRow) -> str:
    """Why nothing was changed; "" when it was."""
    ticked = visit.request.POST.getlist("ticked")
    left = [one for one in row.obj.get("subjects") or [] if Subject.of(one).id not in ticked]
    if row.subjects and len(left) == len(row.subjects):
        return _("Tick who loses the role.")
    try:
        if left:
            visit.client.update("RoleBinding", row.name, {**row.obj, "subjects": left}, row.namespace)
        else:
            visit.client.delete("RoleBinding", row.name, row.namespace, options=DeleteOptions(uid=row.uid))
    except Conflict:
        return _("Somebody changed it meanwhile: look again.")
    except Refused:
        return _("You may not change this binding: it gives more than you may do here. Somebody who has its role can.")
    return ""
