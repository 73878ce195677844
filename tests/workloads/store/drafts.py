"""The smallest objects the store can hold."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import orjson

from workloads.meta.keys import Key, Uid
from workloads.store.objects import Draft

MORNING = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def draft(
    name: str,
    *,
    account: str = "acme",
    kind: str = "Pod",
    namespace: str = "shop",
    uid: str = "",
    labels: dict[str, str] | None = None,
    phase: str = "",
    owner_uid: str = "",
    deleting: bool = False,
    **more: Any,
) -> Draft:
    """A Pod called `name`; `more` becomes top-level fields of its JSON."""
    uid = uid or str(uuid4())
    metadata = {"resourceVersion": "0", "name": name, "namespace": namespace, "uid": uid, "labels": labels or {}}
    metadata["creationTimestamp"] = "2026-03-01T08:00:00Z"
    return Draft(
        key=Key(account, kind, namespace, name),
        uid=Uid(uid),
        data=orjson.dumps({"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": {"containers": []}, **more}),
        labels=labels or {},
        owner_uid=owner_uid,
        phase=phase,
        node="",
        created=MORNING,
        deleting=deleting,
    )


def revision_in(data: bytes) -> int:
    """What the object itself says its revision is."""
    return int(orjson.loads(data)["metadata"]["resourceVersion"])
