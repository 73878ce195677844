"""Objects to drafts and rows to objects: the one place where the store's columns are computed from the JSON."""

from __future__ import annotations

from typing import Any

from workloads.kinds.base import Kind
from workloads.meta import times, wire
from workloads.meta.errors import TooLarge
from workloads.meta.keys import Key, Uid
from workloads.meta.owners import owner_kind_of, owner_of
from workloads.store.objects import Draft, Row

JSON = dict[str, Any]


MOST_OF_KIND = 64
"""Characters of an owner's kind that are kept: an owner may be of any kind that somebody has made up."""
MOST_BYTES = 1_572_864
"""1.5 MiB, as etcd bounds Kubernetes' objects: many small patches must not make what one request could not."""


def draft(kind: Kind, account: str, obj: JSON) -> Draft:
    """Raises TooLarge."""
    metadata, facts, data = obj["metadata"], kind.facts(obj), wire.dump(obj)
    if len(data) > MOST_BYTES:
        raise TooLarge(
            f'{kind.resource} "{metadata["name"]}" would have {len(data)} bytes: an object may have {MOST_BYTES}'
        )
    return Draft(
        key=Key(account, kind.name, metadata.get("namespace", ""), metadata["name"]),
        uid=Uid(metadata["uid"]),
        data=data,
        labels=metadata.get("labels") or {},
        owner_uid=facts.about or owner_of(metadata),
        phase=facts.phase,
        node=facts.node,
        created=times.parse(metadata["creationTimestamp"]),
        deleting="deletionTimestamp" in metadata,
        health=facts.health,
        owner_kind=owner_kind_of(metadata)[:MOST_OF_KIND],
        images=facts.images,
    )


def loaded(row: Row) -> JSON:
    """A fresh object that the caller may change."""
    return wire.load(row.data)


def at_revision(obj: JSON, revision: int) -> JSON:
    """`obj` as the API shows it after the write that made `revision`. The order of keys is the store's own."""
    return wire.load(wire.stamp(wire.dump(obj), revision))
