"""What running pods use now: which pods may be seen is decided here, the figures come from the agent.

Figures are of the last seconds and are kept nowhere else; a pod that has just started has none yet.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from typing import Any

import httpx
import orjson
from django.conf import settings

from iam.identities import Identity
from workloads.meta import times
from workloads.meta.errors import NotFound, Unavailable
from workloads.store.objects import Row
from workloads.verbs import reads
from workloads.verbs.calls import ContainerFigure, PodFigures, UsagePoint

TIMEOUT_SECONDS = 5.0
MOST_NAMED = 100
"""More pods than these are not named in the question: all are asked for."""
_AWAY = "the server is currently unable to handle the request"
_GROUP = "metrics.k8s.io"


def of_pods(
    identity: Identity,
    namespace: str | None,
    *,
    label_selector: str = "",
    field_selector: str = "",
    owner_uid: str | None = None,
    only_visible: bool = False,
) -> list[PodFigures]:
    """Of all Running pods that match, without those that are too young. Raises BadRequest, Forbidden, Unavailable."""
    found = reads.rows(
        identity,
        "Pod",
        namespace,
        label_selector=label_selector,
        field_selector=field_selector,
        owner_uid=owner_uid,
        only_visible=only_visible,
    )
    return _measured(found.rows)


def of_pod(identity: Identity, namespace: str, name: str) -> PodFigures:
    """Raises NotFound: no such pod, or none that runs for long enough. Raises Forbidden, Unavailable."""
    found = _measured([reads.get(identity, "Pod", name, namespace)])
    if not found:
        raise NotFound.named("podmetrics", f"{namespace}/{name}", group=_GROUP)
    return found[0]


def history(
    identity: Identity, namespace: str, *, name: str = "", owner_uid: str | None = None
) -> dict[str, list[UsagePoint]]:
    """By pod uid what each container of a pod, or of Running pods of one owner (`MOST_NAMED` at most), used every half
    minute of the last hour, the oldest first. Raises NotFound, Forbidden, Unavailable."""
    if name:
        rows = [reads.get(identity, "Pod", name, namespace)]
    else:
        rows = reads.rows(identity, "Pod", namespace, owner_uid=owner_uid).rows
    running = [row.uid for row in rows if row.phase == "Running"][:MOST_NAMED]
    found: dict[str, list[UsagePoint]] = {}
    for item in _asked_of_agent(running, path="/v1/usage/history") if running else ():
        point = UsagePoint(
            container=item["container"],
            at=times.parse(item["at"]),
            cpu_nanocores=item["cpuNanocores"],
            memory_bytes=item["memoryBytes"],
        )
        found.setdefault(item["uid"], []).append(point)
    return found


def told(rows: Iterable[Row], by_uid: Mapping[str, list[dict[str, Any]]]) -> list[PodFigures]:
    """What the agent's items, by pod, say of those of `rows` that are Running."""
    return [_figures(row, by_uid[row.uid]) for row in rows if row.phase == "Running" and row.uid in by_uid]


def _measured(rows: list[Row]) -> list[PodFigures]:
    running = [row.uid for row in rows if row.phase == "Running"]
    if not running:
        return []
    by_uid: dict[str, list[dict[str, Any]]] = {}
    for item in _asked_of_agent(running):
        by_uid.setdefault(item["uid"], []).append(item)
    return told(rows, by_uid)


def _figures(row: Row, items: list[dict[str, Any]]) -> PodFigures:
    containers = [ContainerFigure(one["container"], one["cpuNanocores"], one["memoryBytes"]) for one in items]
    return PodFigures(
        namespace=row.key.namespace,
        name=row.key.name,
        uid=row.uid,
        labels=dict(row.labels),
        at=max(times.parse(one["at"]) for one in items),
        window=timedelta(seconds=max(one["windowSeconds"] for one in items)),
        containers=tuple(sorted(containers, key=lambda one: one.name)),
    )


def _asked_of_agent(uids: Collection[str], *, path: str = "/v1/usage") -> list[dict[str, Any]]:
    """Raises Unavailable."""
    if not settings.AGENT_SOCKET.exists():
        raise Unavailable(f"{_AWAY}: the node agent is not running, nobody measures pods now")
    transport = httpx.HTTPTransport(uds=str(settings.AGENT_SOCKET), verify=False)
    headers = {"Authorization": f"Bearer {settings.AGENT_TOKEN}"}
    named = {"uid": list(uids) if len(uids) <= MOST_NAMED else []}
    try:
        with httpx.Client(transport=transport, base_url="http://agent", timeout=TIMEOUT_SECONDS) as client:
            answer = client.get(path, params=named, headers=headers).raise_for_status()
        return list(orjson.loads(answer.content)["items"])
    except (httpx.HTTPError, orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise Unavailable(f"{_AWAY}: the node agent does not answer, nobody measures pods now: {error}") from error
