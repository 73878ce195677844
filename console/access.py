"""The guard every page calls: session -> identity -> the control plane's door, opened for that identity.

A view never opens a door by itself. What belongs to another account does not exist here: 404.
What the control plane or `iam` refuses becomes a page with its sentence, in one place (`_refusal`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import wraps
from typing import Any, Concatenate

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import render
from django.utils import timezone

from console.iamrefusals import status_of
from iam.errors import IamError, NotAdministrator
from iam.identities import Identity, identity_of
from iam.models import User
from workloads.client import JSON, Client, WriteOptions
from workloads.meta.errors import Forbidden, NotFound, StatusError, Unauthorized

LIVE = "CCI-Live"
"""The header of requests that a page makes by itself."""
RENEW_SECONDS = 60
_SEEN = "seen"
MANAGER = "cci-console"
"""Who `managedFields` says wrote what was written here."""


@dataclass(frozen=True)
class Visit:
    """Somebody looks at a page: who, in which namespace ("" on pages of the whole account), and the door. Pages ask the
    door with `client`; `user` is for what is the person's own (a kubeconfig)."""

    request: HttpRequest
    user: User
    identity: Identity
    client: Client
    namespace: str = ""
    namespace_object: JSON = field(default_factory=dict)

    @property
    def scope(self) -> str | None:
        """The namespace to list in, as the client says it: None spans the account."""
        return self.namespace or None


View = Callable[..., HttpResponseBase]


def guarded(
    *methods: str,
) -> Callable[[Callable[Concatenate[Visit, ...], HttpResponseBase]], View]:
    """For a view that takes a `Visit` first. A `namespace` in the url must exist in the visitor's own account.
    `methods` are the HTTP methods answered; GET alone when none is named."""
    allowed = [*(methods or ("GET",)), *(["HEAD"] if not methods or "GET" in methods else [])]

    def decorate(view: Callable[Concatenate[Visit, ...], HttpResponseBase]) -> View:
        @wraps(view)
        def guard(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            if not isinstance(request.user, User):
                return redirect_to_login(request.get_full_path())
            if request.method not in allowed:
                return HttpResponseNotAllowed(allowed)
            _renew(request)
            try:
                return view(open_visit(request, namespace=kwargs.get("namespace", "")), **kwargs)
            except StatusError as refusal:
                return _answer(request, request.user, refusal, view.__name__, kwargs)
            except IamError as refusal:
                return _answer(request, request.user, status_of(refusal), view.__name__, kwargs, error=refusal)

        guard.guarded = True  # type: ignore[attr-defined]
        return guard

    return decorate


def open_visit(request: HttpRequest, *, namespace: str = "") -> Visit:
    """Raises NotFound when the namespace is not the visitor's, Unauthorized when nobody is signed in."""
    if not isinstance(request.user, User):
        raise Unauthorized("Sign in first.")
    identity = _identity(request, request.user)
    client = Client(identity, WriteOptions(manager=MANAGER), only_visible=True)
    found = client.get("Namespace", namespace) if namespace else {}
    return Visit(request, request.user, identity, client, namespace, found)


def still_signed_in(request: HttpRequest) -> User:
    """Who it is now, for what goes on after a request: locked users, sessions that were ended, and those from before a
    change of password are nobody's, and so are those in which nobody asked for anything for too long. Raises
    Unauthorized."""
    alive = Session.objects.filter(session_key=request.session.session_key or "", expire_date__gt=timezone.now())
    user = get_user(request) if alive.exists() else None
    if not isinstance(user, User):
        raise Unauthorized("Sign in first.")
    return user


def renew(session_key: str) -> None:
    """For what is asked for over a socket, such as what is typed into a terminal."""
    ends = timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE)
    Session.objects.filter(session_key=session_key, expire_date__gt=timezone.now()).update(expire_date=ends)


def _renew(request: HttpRequest) -> None:
    """A person is here: the session lives on. A page that keeps itself true (`CCI-Live`) is no person."""
    now = int(timezone.now().timestamp())
    if LIVE not in request.headers and now - request.session.get(_SEEN, 0) >= RENEW_SECONDS:
        request.session[_SEEN] = now


def _identity(request: HttpRequest, user: User) -> Identity:
    address, agent = request.META.get("REMOTE_ADDR", ""), request.META.get("HTTP_USER_AGENT", "")
    return identity_of(user).came("console", address=address, agent=agent)


def _answer(
    request: HttpRequest,
    user: User,
    refusal: StatusError,
    view: str,
    kwargs: Mapping[str, Any],
    *,
    error: IamError | None = None,
) -> HttpResponse:
    """What is denied is in the audit trail, unless `iam` wrote it there itself."""
    is_recorded = isinstance(error, NotAdministrator) and error.is_recorded
    if isinstance(refusal, Forbidden) and not is_recorded:
        client = Client(_identity(request, user))
        client.note_denial(refusal, view, str(kwargs.get("name", "")), str(kwargs.get("namespace", "")))
    return _refusal(request, refusal)


def _refusal(request: HttpRequest, refusal: StatusError) -> HttpResponse:
    """The page that says no: what, why, and where to go."""
    template = "refusal.html"
    context = {"refusal": refusal, "missing": isinstance(refusal, NotFound)}
    response = render(request, template, context, status=refusal.code)
    if refusal.retry_after is not None:
        response["Retry-After"] = str(refusal.retry_after)
    return response
