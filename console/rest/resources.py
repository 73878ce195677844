"""What every address of this API is: a `Resource`, which reads its question, knows who asks, honours idempotency keys
and answers every failure with a Status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar, cast

import orjson
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.permissions import SAFE_METHODS
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from console.iamrefusals import status_of
from console.models import KeptAnswer
from console.rest import idempotency
from iam.errors import IamError, NotAdministrator
from iam.identities import Identity
from workloads.meta.errors import BadRequest, Cause, Conflict, TooLarge

JSON = dict[str, Any]
Question = TypeVar("Question", bound=serializers.Serializer[Any])


class _Answered(Exception):
    """The request was done before."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class Resource(APIView):
    """Writes with the header `Idempotency-Key` are done once. What `iam` refuses becomes a Status."""

    shows_secret: ClassVar[bool] = False
    """Whether an answer to a write shows a secret that is shown once. Such answers are not kept."""
    _claimed: KeptAnswer | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        body = b"" if request.method in SAFE_METHODS else _body(request)
        super().initial(request, *args, **kwargs)
        key = request.headers.get(idempotency.HEADER)
        if key is None or request.method in SAFE_METHODS:
            return
        digest = idempotency.digest_of(str(request.method), request.get_full_path(), body)
        found = idempotency.claim(identity(request), key, digest)
        if found.code is not None:
            raise _Answered(self._again(found))
        self._claimed = found

    def handle_exception(self, exc: Exception) -> Response:
        """What `iam` refuses and has written into the audit trail itself is not written there twice."""
        if isinstance(exc, _Answered):
            return exc.response
        if isinstance(exc, IamError):
            refusal = status_of(exc)
            if isinstance(exc, NotAdministrator) and exc.is_recorded:
                return Response(refusal.body(), status=refusal.code)
            exc = refusal
        try:
            return super().handle_exception(exc)
        except Exception:
            self._settle(None)
            raise

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Response:
        """A failure is a Status in JSON, also where the answer would have been CSV."""
        self._settle(response)
        if response.status_code >= 400:
            request.accepted_renderer, request.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
        return super().finalize_response(request, response, *args, **kwargs)

    def _settle(self, response: HttpResponseBase | None) -> None:
        claimed, self._claimed = self._claimed, None
        if claimed is None:
            return
        if response is None or not 200 <= response.status_code < 300:
            idempotency.release(claimed)
            return
        said = getattr(response, "data", None)
        is_told = said is not None and not self.shows_secret
        idempotency.keep(claimed, response.status_code, JSONRenderer().render(said).decode() if is_told else "")

    def _again(self, found: KeptAnswer) -> Response:
        if self.shows_secret:
            raise Conflict(
                f"this was done at {found.at:%F %T} UTC, and its answer showed a secret, which is shown once: "
                "use another key to have another one made"
            )
        said = orjson.loads(found.body) if found.body else None
        return Response(said, status=found.code, headers={idempotency.REPLAYED: "true"})


def identity(request: Request) -> Identity:
    return cast(Identity, request.auth)


def read(question: type[Question], given: Any) -> JSON:
    """What was asked, checked and with its defaults: of a query string or of a body. Raises BadRequest with a cause a
    field, also for fields of a body that are unknown: a misspelled one would be a wish nobody hears."""
    asked = question(data=given)
    known = asked.fields
    if type(given) is dict and (unknown := [name for name in given if name not in known]):
        rule = f"is unknown: known are {', '.join(known)}"
        raise refusal_of({name: [rule] for name in unknown})
    if not asked.is_valid():
        raise refusal_of(asked.errors)
    return cast(JSON, asked.validated_data)


def refusal_of(errors: Mapping[str, Any]) -> BadRequest:
    """REST framework's errors by field as one Status with a cause a field."""
    causes = tuple(Cause(field, _sentence(sentences)) for field, sentences in errors.items())
    return BadRequest("; ".join(f"{cause.field}: {cause.message}" for cause in causes), causes=causes)


def _sentence(said: Any) -> str:
    """Of a field, and of what lies below it."""
    if isinstance(said, Mapping):
        return " ".join(f"{name}: {_sentence(inner)}" for name, inner in said.items())
    if isinstance(said, list):
        return " ".join(_sentence(one) for one in said)
    return str(said)


def _body(request: Request) -> bytes:
    """Read before anything else does, so that it can be read again. Raises TooLarge."""
    try:
        return request.body
    except RequestDataTooBig:
        raise TooLarge.of_request(f"limit is {settings.DATA_UPLOAD_MAX_MEMORY_SIZE}") from None
