"""Field validation: what a typed decoder would say of the manifest. Wrong types are always an error; unknown and
doubled fields are an error (Strict), warnings (Warn) or nothing (Ignore), and never reach the store."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from workloads.kinds import schemas
from workloads.kinds.base import Kind
from workloads.meta import shapes
from workloads.meta.errors import BadRequest, Cause
from workloads.meta.shapes import Shape

JSON = dict[str, Any]
SCALE = "io.k8s.api.autoscaling.v1.Scale"
Mode = Literal["Strict", "Warn", "Ignore"]


class Undecodable(BadRequest):
    """What a typed decoder refuses. `said` is what it says, without the kind it read."""

    def __init__(self, prefix: str, said: str, causes: tuple[Cause, ...] = ()) -> None:
        super().__init__(f"{prefix}: {said}", causes=causes)
        self.prefix, self.said = prefix, said


def settle(
    kind: Kind,
    obj: JSON,
    *,
    mode: Mode,
    doubts: tuple[str, ...] = (),
    schema: str = "",
    known: JSON | None = None,
) -> tuple[str, ...]:
    """Drops in place what the kind's schema (or this other version's) does not know, and returns warnings, with the
    `doubts` that the text itself gave. `known` is what is stored and has been through this. Raises Undecodable."""
    shape = schemas.shape(schema or kind.schema)
    if not doubts and shapes.is_clean(obj, shape, known):
        return ()
    try:
        return _settle(obj, shape, name=kind.name, version=kind.version, mode=mode, doubts=doubts)
    except Undecodable as error:
        raise _silenced(error) if kind.is_confidential else error from None


def settle_scale(obj: JSON, *, mode: Mode, doubts: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The same for the body of the scale subresource."""
    return _settle(obj, schemas.shape(SCALE), name="Scale", version="v1", mode=mode, doubts=doubts)


def settle_as(obj: JSON, schema: str, *, name: str, mode: Mode) -> tuple[str, ...]:
    """The same for a body that is no object of a kind: a `name` with this schema, in version v1."""
    return _settle(obj, schemas.shape(schema), name=name, version="v1", mode=mode, doubts=())


def doubled(duplicates: tuple[str, ...]) -> tuple[str, ...]:
    """The doubts about keys that stood twice, by their paths."""
    return tuple(f'duplicate field "{path}"' for path in duplicates)


def _silenced(error: Undecodable) -> Undecodable:
    """The same without the values: a mistyped secret is still one. Names of fields are not secret."""
    if not error.causes:
        return error
    causes = tuple(replace(cause, message=f"Invalid value: {_rule(cause)}") for cause in error.causes)
    return Undecodable(error.prefix, f"{causes[0].field}: {_rule(causes[0])}", causes)


def _rule(cause: Cause) -> str:
    """The end of `Invalid value: "x": must be base64`."""
    return cause.message.rpartition(": ")[2]


def _settle(
    obj: JSON, shape: Shape, *, name: str, version: str, mode: Mode, doubts: tuple[str, ...]
) -> tuple[str, ...]:
    prefix = f'{name} in version "{version}" cannot be handled as a {name}'
    findings = shapes.check(obj, shape)
    if findings.mismatches:
        causes = tuple(mismatch.cause for mismatch in findings.mismatches)
        raise Undecodable(prefix, findings.mismatches[0].sentence, causes)
    shapes.prune(obj, shape)
    said = [*(f'unknown field "{path}"' for path in findings.unknown), *doubts]
    if said and mode == "Strict":
        raise Undecodable(prefix, f"strict decoding error: {', '.join(said)}")
    return tuple(said) if mode == "Warn" else ()
