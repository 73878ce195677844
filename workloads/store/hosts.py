"""What the agent says of its host, for those who cannot ask the runtime: one row a (host, subject), written when it
changes.

    room    what pods get of the host: {"cpu_millis": ..., "memory_bytes": ...}
    api     where pods reach the Kubernetes API: {"address": ...}, or why they do not: {"problem": ...}
    dns     where pods ask for names, in the same words
    node    what the host is: see `kinds.nodes`; said again every minute, for it says that the agent lives
    disk    how full its disk is, and what is done about it (`node.disks`)
    proxy   what Envoy rejects: {"rejected": [{"account", "kind", "namespace", "name", "why"}]}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from iam import sql
from workloads.store.models import HostWord
from workloads.store.writing import write

ROOM, DISK, API, DNS, NODE, PROXY = "room", "disk", "api", "dns", "node", "proxy"


def put(host: str, subject: str, said: Mapping[str, Any]) -> bool:
    """Whether that is news. What was said under another name of the host is forgotten."""
    text = orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()
    if HostWord.objects.filter(host=host, subject=subject, said=text).exists():
        return False
    with write():
        HostWord.objects.filter(subject=subject).exclude(host=host).delete()
        HostWord.objects.update_or_create(host=host, subject=subject, defaults={"said": text})
    return True


def several(*subjects: str) -> dict[str, dict[str, Any]]:
    """`get` of those of which something was said, in one question."""
    marks = ", ".join(["%s"] * len(subjects))
    query = f"SELECT subject, said FROM workloads_hostword WHERE subject IN ({marks}) ORDER BY id DESC"  # noqa: S608
    return {subject: dict(orjson.loads(said)) for subject, said in sql.select(query, subjects)}


def get(subject: str) -> dict[str, Any] | None:
    """There is one host, whatever it is called. None when nothing was said yet."""
    found = sql.select("SELECT said FROM workloads_hostword WHERE subject = %s ORDER BY id LIMIT 1", [subject])
    return dict(orjson.loads(found[0][0])) if found else None
