"""Server-side apply: the caller says how it wants an object, the service works out what that changes, and for whom.

What is not there is made. `admission.ownership` merges; here is what becomes of it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from iam.identities import Identity
from workloads.admission import authorize, identify, ownership
from workloads.kinds.base import Kind
from workloads.meta.errors import BadRequest, Conflict, NotFound
from workloads.meta.keys import Key
from workloads.verbs import writes
from workloads.verbs.calls import Answer, Subresource, WriteOptions

JSON = dict[str, Any]


def apply(
    identity: Identity, kind: Kind, key: Key, config: JSON, *, subresource: Subresource, options: WriteOptions
) -> Answer:
    """Raises Conflict where others manage what `config` would change, BadRequest, Invalid, Forbidden."""
    config = writes.copied(config)
    said = _doubled(options)
    options = replace(options, has_applied=True, duplicates=())

    def wish(live: JSON) -> JSON:
        """Of `scale` the whole object is seen."""
        writer = writes.writer_of(identity, kind, options, subresource)
        if subresource == "scale":
            return ownership.apply_scale(kind, live, config, writer, force=options.force)
        return ownership.apply(kind, live, config, writer, force=options.force)

    try:
        answer = writes.change(identity, kind, key, wish, subresource=subresource, options=options, verb="patch")
    except NotFound:
        if subresource:
            raise
        answer = _create(identity, kind, key, config, options)
    return replace(answer, warnings=said + answer.warnings)


def _create(identity: Identity, kind: Kind, key: Key, config: JSON, options: WriteOptions) -> Answer:
    """Raises Conflict when the config means an object that was there once, AlreadyExists when somebody was first."""
    authorize.check(identity, kind, "create", namespace=key.namespace)
    writer = writes.writer_of(identity, kind, options)
    empty = {"apiVersion": writer.api_version, "kind": kind.name, "metadata": {}}
    new = ownership.apply(kind, empty, config, writer, force=options.force)
    metadata = new["metadata"]
    identify.same_name(metadata.get("name"), key.name)
    if metadata.get("uid"):
        raise _gone(kind, key, f"uid mismatch: the provided object specified uid {metadata['uid']}")
    if metadata.pop("resourceVersion", None):
        raise _gone(kind, key, "the provided object specified a resourceVersion")
    return writes.create(identity, kind.name, new, key.namespace, options)


def _gone(kind: Kind, key: Key, reason: str) -> Conflict:
    return Conflict(
        f'Operation cannot be fulfilled on {kind.resource} "{key.name}": {reason}, and no existing object was found',
        details={"name": key.name, "group": kind.group, "kind": kind.plural},
    )


def _doubled(options: WriteOptions) -> tuple[str, ...]:
    """Keys that stood twice in the text. Unknown fields cannot be applied, whatever the mode."""
    if not options.duplicates or options.field_validation == "Ignore":
        return ()
    said = tuple(f'key "{path}" already set in map' for path in options.duplicates)
    if options.field_validation == "Strict":
        raise BadRequest(f"error strict decoding YAML: {', '.join(said)}")
    return said
