"""What `iam` refuses, as a Status for doors that answer with one, and as sentences at the fields of a form."""

from __future__ import annotations

from console.forms.drafts import FieldError
from console.lowerwords import said
from iam import errors
from workloads.meta.errors import AlreadyExists, Cause, Conflict, Forbidden, Invalid, NotFound, StatusError

AT_FIELDS = (errors.Busy, errors.Taken, errors.WrongFields)
"""What somebody who fills in a form can mend there."""


def status_of(error: errors.IamError) -> StatusError:
    match error:
        case errors.NotAdministrator():
            return Forbidden(error.action, sentence=error.sentence)
        case errors.Missing():
            return NotFound(error.message, details={"name": error.name, "kind": error.what})
        case errors.Taken():
            return AlreadyExists(error.message, details={"name": error.name, "kind": error.what})
        case errors.WrongFields():
            return Invalid(error.message, causes=tuple(Cause(*field) for field in error.fields.items()))
    return Conflict(error.message)


def field_errors(error: errors.IamError, *, field: str = "") -> list[FieldError]:
    """Of `AT_FIELDS`. What names no field of its own stands at `field`."""
    if isinstance(error, errors.WrongFields):
        return [FieldError(name, spoken(sentence)) for name, sentence in error.fields.items()]
    return [FieldError("name" if isinstance(error, errors.Taken) else field, spoken(error.message))]


def spoken(sentence: str) -> str:
    """With a capital letter and a full stop."""
    return said(f"{sentence[:1].upper()}{sentence[1:]}".rstrip(".") + ".")
