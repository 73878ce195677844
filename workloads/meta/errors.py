"""Every way a request can fail. Each error knows its HTTP code, Kubernetes reason and `Status` body.

    StatusError                 500 InternalError
    ├── InternalError           500 InternalError     (nobody's fault, and said as a kubelet says it)
    ├── BadRequest              400 BadRequest
    │   └── QuotaReached        400 BadRequest        errorCode CCI.02.400106
    ├── Unauthorized            401 Unauthorized
    ├── Forbidden               403 Forbidden         errorCode CCI.01.403105
    │   └── Refused             403 Forbidden         (the right is there, the moment or the writer is wrong;
    │                                                  errorCode CCI.01.403110: a budget, CCI.01.403111: arrears)
    ├── NotFound                404 NotFound
    ├── MethodNotAllowed        405 MethodNotAllowed
    ├── NotAcceptable           406 NotAcceptable
    ├── Conflict                409 Conflict
    ├── AlreadyExists           409 AlreadyExists
    ├── Expired                 410 Expired
    ├── TooLarge                413 RequestEntityTooLarge
    ├── UnsupportedMediaType    415 UnsupportedMediaType
    ├── Invalid                 422 Invalid
    ├── TooManyRequests         429 TooManyRequests
    ├── NotBuilt                501 NotImplemented
    ├── Unavailable             503 ServiceUnavailable
    └── Timeout                 504 Timeout

Handlers raise; one place in each door (kubeapi, console, rest) answers. Messages use Kubernetes' own wording.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Cause:
    """One thing that is wrong: `field` is a path as kubectl prints it (`spec.containers[0].image`), `message`
    names the rule and the remedy, `reason` is Kubernetes' FieldValueInvalid, FieldValueRequired, ..."""

    field: str
    message: str
    reason: str = "FieldValueInvalid"

    def body(self) -> dict[str, str]:
        return {"reason": self.reason, "message": self.message, "field": self.field}


class StatusError(Exception):
    """Base of all. `body()` is the `Status` that Kubernetes clients understand, with `errorCode` where we have one."""

    code: ClassVar[int] = 500
    reason: ClassVar[str] = "InternalError"

    def __init__(
        self,
        message: str,
        *,
        causes: tuple[Cause, ...] = (),
        error_code: str = "",
        details: dict[str, Any] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.causes = causes
        self.error_code = error_code
        self.details = details or {}
        self.retry_after = retry_after

    def body(self) -> dict[str, Any]:
        """`Status` v1 as a dict, ready for JSON."""
        details = {name: value for name, value in self.details.items() if value != ""}  # as upstream leaves them out
        if self.causes:
            details["causes"] = [cause.body() for cause in self.causes]
        if self.retry_after is not None:
            details["retryAfterSeconds"] = self.retry_after
        body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        }
        if details:
            body["details"] = details
        if self.error_code:
            body["errorCode"] = self.error_code
        return body


class InternalError(StatusError):
    """A kubelet's answer when a container is not in the state for what is asked."""


class BadRequest(StatusError):
    code, reason = 400, "BadRequest"


class QuotaReached(BadRequest):
    """The account has as many as it may."""

    def __init__(self, message: str, **rest: Any) -> None:
        super().__init__(message, error_code="CCI.02.400106", **rest)


class Unauthorized(StatusError):
    code, reason = 401, "Unauthorized"


class Forbidden(StatusError):
    code, reason = 403, "Forbidden"
    action = ""
    """What was missing; "" where no right would have helped."""

    def __init__(self, action: str, *, sentence: str = "", details: dict[str, Any] | None = None) -> None:
        """`action` is what was missing, for example `cci:namespace:create`; `sentence` says more of it."""
        missing = f"insufficient operation permission, require {action}"
        message = f"{missing}: {sentence}" if sentence else missing
        super().__init__(message, error_code="CCI.01.403105", details=details)
        self.action = action


class Refused(Forbidden):
    """Not a missing right: nobody in the caller's place may do this now. The message says why, as a sentence."""

    def __init__(self, message: str, **rest: Any) -> None:
        StatusError.__init__(self, message, **rest)

    @classmethod
    def named(
        cls,
        resource: str,
        name: str,
        why: str,
        *,
        group: str = "",
        causes: tuple[Cause, ...] = (),
        error_code: str = "",
    ) -> Refused:
        """`deployments.apps "web" is forbidden: exceeded quota: ...`, as kubectl prints it."""
        label = f"{resource}.{group}" if group else resource
        details = {"name": name, "group": group, "kind": resource}
        said = f'{label} "{name}" is forbidden: {why}'
        return cls(said, causes=causes, details=details, error_code=error_code)


class NotFound(StatusError):
    code, reason = 404, "NotFound"

    @classmethod
    def named(cls, resource: str, name: str, *, group: str = "") -> NotFound:
        """`deployments.apps "web" not found`, as kubectl prints it."""
        label = f"{resource}.{group}" if group else resource
        return cls(f'{label} "{name}" not found', details={"name": name, "group": group, "kind": resource})


class MethodNotAllowed(StatusError):
    code, reason = 405, "MethodNotAllowed"


class NotAcceptable(StatusError):
    code, reason = 406, "NotAcceptable"


class Conflict(StatusError):
    code, reason = 409, "Conflict"

    @classmethod
    def stale(cls, resource: str, name: str, *, group: str = "") -> Conflict:
        label = f"{resource}.{group}" if group else resource
        return cls(
            f'Operation cannot be fulfilled on {label} "{name}": the object has been modified; '
            "please apply your changes to the latest version and try again",
            details={"name": name, "group": group, "kind": resource},
        )


class AlreadyExists(StatusError):
    code, reason = 409, "AlreadyExists"

    @classmethod
    def named(cls, resource: str, name: str, *, group: str = "", error_code: str = "") -> AlreadyExists:
        label = f"{resource}.{group}" if group else resource
        return cls(
            f'{label} "{name}" already exists',
            details={"name": name, "group": group, "kind": resource},
            error_code=error_code,
        )


class Expired(StatusError):
    """The revision asked for is no longer in the log: list again, or go on by `continue_token` where one is given."""

    code, reason = 410, "Expired"

    def __init__(self, message: str, *, continue_token: str = "", **rest: Any) -> None:
        super().__init__(message, **rest)
        self.continue_token = continue_token

    def body(self) -> dict[str, Any]:
        body = super().body()
        if self.continue_token:
            body["metadata"] = {"continue": self.continue_token}
        return body


class TooLarge(StatusError):
    code, reason = 413, "RequestEntityTooLarge"

    @classmethod
    def of_request(cls, why: str) -> TooLarge:
        """`Request entity is too large: limit is 3145728`."""
        return cls(f"Request entity is too large: {why}")


class UnsupportedMediaType(StatusError):
    code, reason = 415, "UnsupportedMediaType"


class Invalid(StatusError):
    code, reason = 422, "Invalid"

    @classmethod
    def of(cls, kind: str, name: str, causes: tuple[Cause, ...], *, group: str = "", error_code: str = "") -> Invalid:
        """`Deployment.apps "web" is invalid: spec.replicas: ...`; several causes are joined as upstream does."""
        label = f"{kind}.{group}" if group else kind
        lines = [f"{cause.field}: {cause.message}" if cause.field else cause.message for cause in causes]
        text = lines[0] if len(lines) == 1 else "[" + ", ".join(lines) + "]"
        return cls(
            f'{label} "{name}" is invalid: {text}',
            causes=causes,
            details={"name": name, "group": group, "kind": kind},
            error_code=error_code,
        )


class TooManyRequests(StatusError):
    code, reason = 429, "TooManyRequests"


class NotBuilt(StatusError):
    """The product does not do this (yet), and says what to do instead."""

    code, reason = 501, "NotImplemented"


class Unavailable(StatusError):
    code, reason = 503, "ServiceUnavailable"


class Timeout(StatusError):
    """What was waited for did not come in time, for example a revision that nobody has written yet."""

    code, reason = 504, "Timeout"
