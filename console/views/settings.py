"""Settings: what a person chose for this browser, what the account chose for itself, and how this installation is."""

from __future__ import annotations

import tomllib
from functools import cache

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from console import limits, spans
from console.access import Visit, guarded
from console.forms.drafts import FieldError, text
from console.iamrefusals import field_errors
from console.pages import Context, page
from console.views import create
from iam import accounts, operators
from iam.accounts import GENERAL_COMPUTING, Choices
from iam.errors import WrongFields
from workloads.meta.errors import Forbidden

SECTION = "settings"


@page("settings/page.html")
def settings_page(visit: Visit) -> Context:
    return {
        "section": SECTION,
        "choices": accounts.choices(visit.identity.account),
        "installation_rounds": settings.OFF_GRID == "round",
        "may_change": visit.identity.may(accounts.CHANGE),
        "is_operator": operators.is_operator(visit.identity),
        "limits": limits.of(visit.client),
        "installation": _installation(),
    }


@guarded("GET", "POST")
def account(visit: Visit) -> HttpResponse:
    """Raises Forbidden."""
    if not visit.identity.may(accounts.CHANGE):
        raise Forbidden(accounts.CHANGE)
    posted, errors = visit.request.POST, list[FieldError]()
    wanted = accounts.choices(visit.identity.account)
    if posted:
        wanted = Choices(
            off_grid=text(posted, "off_grid"),
            default_flavor=GENERAL_COMPUTING if posted.get("default_flavor") else "",
            price_warnings=bool(posted.get("price_warnings")),
        )
        try:
            accounts.choose(visit.identity, wanted)
        except WrongFields as refusal:
            errors = field_errors(refusal)
        else:
            messages.success(visit.request, _("The account's settings are saved."))
            return redirect("console:settings")
    context = {
        "choices": wanted,
        "focus": "off_grid",
        "off_grid": [
            (
                "",
                _("As the installation has it"),
                _("It rounds them up.") if settings.OFF_GRID == "round" else _("It refuses them."),
            ),
            ("refuse", _("Refuse"), _("The answer names the rule and the nearest specifications with their price.")),
            (
                "round",
                _("Round up"),
                _("To the smallest specification that holds the pod. A warning tells the price."),
            ),
        ],
    }
    return create.form(visit, "settings/account.html", SECTION, context, errors)


account.page = create.form_page(SECTION)  # type: ignore[attr-defined]


def _installation() -> list[tuple[str, str]]:
    days = _("%(count)s days")
    return [
        (_("Version"), _version()),
        (_("Region"), settings.REGION),
        (_("Host"), settings.NODE_NAME),
        (_("Runtime"), settings.RUNTIME),
        (_("ELB addresses"), str(settings.ELB_POOL or "--")),
        (_("Pod networks"), settings.POD_CIDR),
        (_("Logs of ended pods are kept"), days % {"count": settings.LOG_RETENTION_DAYS}),
        (_("The audit trail is kept"), days % {"count": settings.AUDIT_DAYS}),
        (_("Signed out without a click after"), spans.age(settings.SESSION_COOKIE_AGE)),
    ]


@cache
def _version() -> str:
    project: str = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]["version"]
    return project
