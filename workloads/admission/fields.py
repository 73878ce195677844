"""Field validation: what a typed decoder would say of the manifest. Wrong types are always an error; unknown and
doubled fields are an error (Strict), warnings (Warn) or nothing (Ignore), and never reach the store."""

from __future__ import annotations

from typing import Any, Literal

from workloads.kinds.base import Kind
from workloads.meta import shapes
from workloads.meta.errors import BadRequest

JSON = dict[str, Any]
Mode = Literal["Strict", "Warn", "Ignore"]


def settle(kind: Kind, obj: JSON, *, mode: Mode, duplicates: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Drops in place what the kind's schema does not know, and returns warnings. Raises BadRequest."""
    from workloads.kinds import schemas

    shape = schemas.shape(kind.schema)
    findings = shapes.check(obj, shape)
    if findings.mismatches:
        causes = tuple(mismatch.cause for mismatch in findings.mismatches)
        raise _undecodable(kind, findings.mismatches[0].sentence, causes=causes)
    shapes.prune(obj, shape)
    said = [f'unknown field "{path}"' for path in findings.unknown]
    said += [f'duplicate field "{path}"' for path in duplicates]
    if said and mode == "Strict":
        raise _undecodable(kind, f"strict decoding error: {', '.join(said)}")
    return tuple(said) if mode == "Warn" else ()


def _undecodable(kind: Kind, problem: str, **rest: Any) -> BadRequest:
    return BadRequest(f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}: {problem}', **rest)
