"""A socket speaks the language of the page that opened it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import get_language_from_request


def language_of(scope: dict[str, Any]) -> str:
    """By the same cookie and header that chose the page's."""
    request = HttpRequest()
    request.COOKIES = dict(scope.get("cookies", {}))
    headers = dict(scope.get("headers", ()))
    request.META = {"HTTP_ACCEPT_LANGUAGE": headers.get(b"accept-language", b"").decode("latin-1")}
    return get_language_from_request(request)
