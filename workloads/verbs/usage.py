"""What running pods use now: which pods may be seen is decided here, the figures come from the agent.

Figures are of the last seconds; a pod that has just started has none yet. The agent remembers a day of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import httpx
import orjson
from django.conf import settings

from iam.identities import Identity
from workloads.meta import times
from workloads.meta.errors import NotFound, Unavailable
from workloads.store.objects import Row
from workloads.verbs import endedpods, reads
from workloads.verbs.calls import ContainerFigure, PodFigures, UsageHistory, UsageStep

TIMEOUT_SECONDS = 5.0
MOST_NAMED = 100
"""More pods than these are not named in the question: all are asked for."""
MOST_SUMMED = 1000
Grain = Literal["hour", "day"]
"""An hour by half minutes, a day by five minutes."""
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
    identity: Identity,
    namespace: str,
    grain: Grain,
    *,
    name: str = "",
    owner_uids: Collection[str] = (),
    workload: tuple[str, str] = ("", ""),
) -> UsageHistory:
    """Of a pod; or of all pods of these owners (`MOST_SUMMED` at most, those that run first) and the last ones that are
    gone of the `workload` (kind, name). Raises NotFound, Forbidden, Unavailable."""
    if name:
        uids: list[str] = [reads.get(identity, "Pod", name, namespace).uid]
    else:
        owned = [row for uid in owner_uids for row in reads.rows(identity, "Pod", namespace, owner_uid=uid).rows]
        there = [row.uid for row in sorted(owned, key=lambda row: row.phase != "Running")]
        uids = [*there, *_gone(identity, namespace, workload)][:MOST_SUMMED]
    found = _history(uids[:MOST_NAMED], grain)
    for first in range(MOST_NAMED, len(uids), MOST_NAMED):
        found = _together(found, _history(uids[first : first + MOST_NAMED], grain))
    return found


def told(rows: Iterable[Row], by_uid: Mapping[str, list[dict[str, Any]]]) -> list[PodFigures]:
    """What the agent's items, by pod, say of those of `rows` that are Running."""
    return [_figures(row, by_uid[row.uid]) for row in rows if row.phase == "Running" and row.uid in by_uid]


def _gone(identity: Identity, namespace: str, workload: tuple[str, str]) -> list[str]:
    kind, name = workload
    if not name:
        return []
    page = endedpods.page(
        identity, namespace, workload_kind=kind, workload=name, name_part="", limit=MOST_NAMED, continue_token=""
    )
    return [pod.uid for pod in page.items]


def _history(uids: Collection[str], grain: Grain) -> UsageHistory:
    answer: Any = _asked_of_agent({"uid": list(uids), "grain": grain}, path="/v1/usage/history")
    try:
        cpu, memory, received, sent = (_steps(answer[name]) for name in ("cpu", "memory", "received", "sent"))
        step, measured = timedelta(seconds=answer["stepSeconds"]), frozenset(map(str, answer["uids"]))
    except (KeyError, TypeError, ValueError) as error:
        raise Unavailable(f"{_AWAY}: the node agent says of usage what cannot be read: {error}") from error
    return UsageHistory(step, measured, cpu, memory, received, sent)


def _steps(told: Iterable[Sequence[float]]) -> list[UsageStep]:
    return [UsageStep(datetime.fromtimestamp(at, UTC), *rest) for at, *rest in told]


def _together(one: UsageHistory, other: UsageHistory) -> UsageHistory:
    return UsageHistory(
        one.step,
        one.uids | other.uids,
        cpu=_added(one.cpu, other.cpu),
        memory=_added(one.memory, other.memory),
        received=_added(one.received, other.received),
        sent=_added(one.sent, other.sent),
    )


def _added(one: Sequence[UsageStep], other: Sequence[UsageStep]) -> list[UsageStep]:
    found = {step.at: step for step in one}
    for step in other:
        found[step.at] = found[step.at] + step if step.at in found else step
    return [found[at] for at in sorted(found)]


def _measured(rows: list[Row]) -> list[PodFigures]:
    running = [row.uid for row in rows if row.phase == "Running"]
    if not running:
        return []
    by_uid: dict[str, list[dict[str, Any]]] = {}
    named = {"uid": running if len(running) <= MOST_NAMED else []}
    for item in _items(_asked_of_agent(named, path="/v1/usage")):
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


def _items(answer: Any) -> list[dict[str, Any]]:
    try:
        return list(answer["items"])
    except (KeyError, TypeError) as error:
        raise Unavailable(f"{_AWAY}: the node agent says of usage what cannot be read: {error}") from error


def _asked_of_agent(question: Mapping[str, Any], *, path: str) -> Any:
    """Raises Unavailable."""
    if not settings.AGENT_SOCKET.exists():
        raise Unavailable(f"{_AWAY}: the node agent is not running, nobody measures pods now")
    transport = httpx.HTTPTransport(uds=str(settings.AGENT_SOCKET), verify=False)
    headers = {"Authorization": f"Bearer {settings.AGENT_TOKEN}"}
    try:
        with httpx.Client(transport=transport, base_url="http://agent", timeout=TIMEOUT_SECONDS) as client:
            answer = client.get(path, params=question, headers=headers).raise_for_status()
        return orjson.loads(answer.content)
    except (httpx.HTTPError, orjson.JSONDecodeError) as error:
        raise Unavailable(f"{_AWAY}: the node agent does not answer, nobody measures pods now: {error}") from error
