"""Who asks the REST API: a signed-in browser, or the bearer of a token of the Kubernetes API. Either way `request.auth`
is the identity."""

from __future__ import annotations

from dataclasses import dataclass

from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from iam import tokens
from iam.identities import Identity, identity_of
from iam.models import User


@dataclass(frozen=True)
class Bearer:
    """What REST framework takes for a user: a token speaks for an identity, not for a row."""

    identity: Identity
    is_authenticated: bool = True


class BearerToken(BaseAuthentication):
    """`Authorization: Bearer <token>`, the token a kubeconfig carries."""

    def authenticate(self, request: Request) -> tuple[Bearer, Identity] | None:
        """None when no token was sent; raises AuthenticationFailed when one was sent and is nobody's."""
        words = get_authorization_header(request).split()
        if len(words) != 2 or words[0].lower() != b"bearer":
            return None
        try:
            identity = _came(request, tokens.bearer(words[1].decode("latin-1"), address=_address(request)).identity)
        except tokens.InvalidToken:
            raise AuthenticationFailed("This token was never issued, has run out, or was revoked.") from None
        return Bearer(identity), identity

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class BrowserSession(SessionAuthentication):
    """The console's own session, with Django's CSRF check on writes."""

    def authenticate(self, request: Request) -> tuple[User, Identity] | None:
        found = super().authenticate(request)
        return (found[0], _came(request, identity_of(found[0]))) if found else None


def _came(request: Request, identity: Identity) -> Identity:
    return identity.came("rest", address=_address(request), agent=request.META.get("HTTP_USER_AGENT", ""))


def _address(request: Request) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))
