"""The OpenAPI document of this API, made of the same serializers that read its questions. Served at `/rest/schema/`.

Every method of a `Resource` says with `operation` what it asks for and what it answers; what all have in common is said
here: who may come in, the idempotency key of writes, and that every failure is a Kubernetes Status.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from typing import Any, TypeVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers

JSON = dict[str, Any]
F = TypeVar("F", bound=Callable[..., Any])
Shape = type[serializers.BaseSerializer[Any]]

_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x21-\x7e]+$"},
    OpenApiParameter.HEADER,
    description=(
        "The same request with the same key is done once and answered alike for 24 hours. Another request with it is "
        "422; while the first is at work, 409 with Retry-After."
    ),
)
_WRITES = ("POST", "PUT", "PATCH", "DELETE")


class CauseAnswer(serializers.Serializer[JSON]):
    field = serializers.CharField()
    reason = serializers.CharField()
    message = serializers.CharField()


class DetailsAnswer(serializers.Serializer[JSON]):
    name = serializers.CharField(required=False)
    kind = serializers.CharField(required=False)
    group = serializers.CharField(required=False)
    causes = CauseAnswer(many=True, required=False)
    retryAfterSeconds = serializers.IntegerField(required=False)


class StatusAnswer(serializers.Serializer[JSON]):
    """Why it was not done, as the Kubernetes API says it: `causes` name the fields, `errorCode` the rule."""

    kind = serializers.ChoiceField(choices=["Status"])
    apiVersion = serializers.ChoiceField(choices=["v1"])
    metadata = serializers.DictField()
    status = serializers.ChoiceField(choices=["Failure"])
    message = serializers.CharField()
    reason = serializers.CharField()
    code = serializers.IntegerField()
    details = DetailsAnswer(required=False)
    errorCode = serializers.CharField(required=False)


def operation(
    summary: str,
    *,
    query: Shape | None = None,
    body: Shape | JSON | None = None,
    answer: Shape | JSON | None = None,
    code: int = 200,
    also: JSON | None = None,
    media: str = "application/json",
) -> Callable[[F], F]:
    """What one method takes and gives. `summary` is a few words for a list of all; the docstring is the description.
    `also` are further answers by their code; `media` is what the answer is when it is not JSON."""
    key: Any = (code, media) if answer is not None else code
    return extend_schema(
        summary=summary,
        parameters=[query] if query else [],  # type: ignore[list-item]
        request=body,
        responses={key: answer, **(also or {})},
    )


class Schema(AutoSchema):
    def get_operation_id(self) -> str:
        """`getUsers`, `patchUser`."""
        return self.method.lower() + type(self.view).__name__.removesuffix("View")

    def get_description(self) -> str:  # type: ignore[override]
        """Of the method, else of its view: what a base class says of itself is no description."""
        handler = getattr(self.view, self.method.lower())
        return inspect.cleandoc(handler.__doc__ or type(self.view).__doc__ or "")

    def get_override_parameters(self) -> list[Any]:
        return [_KEY] if self.method in _WRITES else []

    def _get_format_parameters(self) -> list[Any]:
        """Where there is a choice, `Accept` makes it."""
        return []

    def get_tags(self) -> list[str]:
        return [self.path.removeprefix("/api/v1/").partition("/")[0]]

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        """The method's own answers under the names their codes have in HTTP, and the Status of all others."""
        done = super()._get_response_bodies(direction)
        named = {code: {**said, "description": HTTPStatus(int(code)).phrase} for code, said in done.items()}
        json = ["application/json"]
        failure = self._get_response_for_code(StatusAnswer, "default", json, direction)  # type: ignore[no-untyped-call]
        return {**named, "default": {**failure, "description": "It was not done, and why."}}


class _BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "console.rest.authentication.BearerToken"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> JSON:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "The token of a kubeconfig: cci-iam-authenticator token --token-only",
        }


class _SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "console.rest.authentication.BrowserSession"
    name = ("session", "csrf")  # type: ignore[assignment]

    def get_security_requirement(self, auto_schema: Any) -> Any:
        """Reading takes the session alone."""
        return {"session": [], "csrf": []} if auto_schema.method in _WRITES else {"session": []}

    def get_security_definition(self, auto_schema: Any) -> Any:
        from django.conf import settings

        return [
            {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME},
            {"type": "apiKey", "in": "header", "name": "X-CSRFToken"},
        ]


@lru_cache(maxsize=1)
def document() -> JSON:
    """The whole document, made once a process."""
    generator = SchemaGenerator(urlconf="console.urls")  # type: ignore[no-untyped-call]
    found: JSON = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return found
