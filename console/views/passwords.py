"""Everybody's own password."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from console.access import Visit, guarded
from console.forms.drafts import FieldError
from console.iamrefusals import field_errors
from console.views import create
from iam import logins, people
from iam.errors import WrongFields


@sensitive_post_parameters("current", "password", "again")
@never_cache
@guarded("GET", "POST")
def own(visit: Visit) -> HttpResponse:
    """The session it is changed in goes on; others end."""
    posted, errors = visit.request.POST, list[FieldError]()
    current, password, again = (posted.get(name, "") for name in ("current", "password", "again"))
    if visit.request.method == "POST":
        errors = _changed(visit, current, password, again)
        if not errors:
            messages.success(visit.request, _("You have another password. Everything else must sign in again."))
            return redirect("console:password")
    context = {"current": current, "password": password, "again": again, "focus": "current"}
    return create.form(visit, "users/own_password.html", "", context, errors)


own.page = create.form_page("")  # type: ignore[attr-defined]


def _changed(visit: Visit, current: str, password: str, again: str) -> list[FieldError]:
    if password != again:
        return [FieldError("again", _("The two differ: type the new password twice."))]
    address = visit.request.META.get("REMOTE_ADDR", "")
    try:
        people.change_own_password(visit.user, current=current, password=password, address=address)
    except WrongFields as refusal:
        return field_errors(refusal)
    except logins.TooManyTries as refusal:
        return [FieldError("current", str(refusal))]
    update_session_auth_hash(visit.request, visit.user)
    return []
