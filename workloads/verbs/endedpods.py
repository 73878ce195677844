"""Pods that are gone: how they ended and what they wrote, for as long as logs are kept. Each account sees its own.

In a namespace only its own life is seen: what a namespace of the same name had before belongs to the account alone.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson
from django.conf import settings

from iam.identities import Identity
from workloads.admission import authorize
from workloads.kinds import registry
from workloads.meta import times
from workloads.meta.errors import BadRequest, NotFound
from workloads.store import endedpods, keptlogs, objects
from workloads.store.endedpods import After, Ended, Which
from workloads.store.keptlogs import Kept
from workloads.verbs import podlogs, reads
from workloads.verbs.calls import LogOptions, LogTarget
from workloads.verbs.drafts import loaded

MOST_COUNTED = 10_000
MOST_LOGS = 200
"""Of one pod, shown at once: a container that starts anew every five minutes has 2,000 a week."""


@dataclass(frozen=True)
class EndedPods:
    """A page, the one that went last first. `total` is not counted beyond MOST_COUNTED."""

    items: Sequence[Ended]
    total: int
    continue_token: str = ""


def page(
    identity: Identity,
    namespace: str | None,
    *,
    workload_kind: str,
    workload: str,
    name_part: str,
    limit: int,
    continue_token: str,
    only_visible: bool = False,
) -> EndedPods:
    """Raises NotFound (no such namespace), Forbidden, BadRequest (a token that is none)."""
    kind, seen = registry.kind("Pod"), None
    if only_visible and not namespace:
        seen = authorize.visible(identity, kind)
    else:
        authorize.check(identity, kind, "list", namespace=namespace)
    which = Which(
        account=identity.account,
        namespace=namespace or "",
        workload_kind=workload_kind,
        workload=workload,
        name_part=name_part,
        born=_born(identity, namespace),
        namespaces=seen,
    )
    found = endedpods.page(which, limit=limit + 1, after=_after(continue_token))
    token = _token(found[limit - 1][0]) if len(found) > limit else ""
    return EndedPods([pod for _, pod in found[:limit]], endedpods.count(which, most=MOST_COUNTED), token)


def one(identity: Identity, uid: str) -> Ended:
    """Raises NotFound, Forbidden."""
    found = endedpods.read(identity.account, uid)
    if found is None:
        raise NotFound("There is no such ended pod, or it ended so long ago that nothing is known of it any more.")
    _check(identity, found.namespace, found.name)
    return found


def logs(identity: Identity, uid: str) -> list[Kept]:
    """What is kept of a pod, gone or not: by container, the newest attempt first."""
    found = [log for log in keptlogs.of_pod(uid, most=MOST_LOGS) if log.account == identity.account]
    _check(identity, *_place(identity, uid, found), subresource="log")
    return found


def log_target(identity: Identity, uid: str, options: LogOptions) -> LogTarget:
    """Where to GET the log of a container of a pod that is gone; with one container, it need not be named. Raises
    NotFound, Forbidden."""
    pod = one(identity, uid)
    _check(identity, pod.namespace, pod.name, subresource="log")
    container = options.container or _only_container(identity, uid)
    if not keptlogs.has(identity.account, pod.uid, container):
        raise NotFound(f'no log of a container "{container}" of pod {pod.name} is kept: choose one that is listed')
    return podlogs.at_agent(pod.account, pod.uid, container, options)


def _place(identity: Identity, uid: str, kept: Sequence[Kept]) -> tuple[str | None, str]:
    """The namespace and name of a pod that is there or was; (None, "") of one that nobody knows."""
    if kept:
        return kept[0].namespace, kept[0].pod
    ended = endedpods.read(identity.account, uid)
    if ended is not None:
        return ended.namespace, ended.name
    with suppress(objects.Missing):
        key = objects.read_uid(uid).key
        if key.account == identity.account:
            return key.namespace, key.name
    return None, ""


def _check(identity: Identity, namespace: str | None, name: str, *, subresource: str = "") -> None:
    authorize.check(identity, registry.kind("Pod"), "get", namespace=namespace, name=name, subresource=subresource)


def _only_container(identity: Identity, uid: str) -> str:
    """The one whose logs are kept; "" when there are several, or none."""
    names = {log.container for log in logs(identity, uid)}
    return names.pop() if len(names) == 1 else ""


def expiry(since: datetime) -> datetime:
    """When what is kept since then is removed for its age; room may run out before."""
    return since + timedelta(days=settings.LOG_RETENTION_DAYS)


def _born(identity: Identity, namespace: str | None) -> datetime | None:
    if not namespace:
        return None
    found = loaded(reads.get(identity, "Namespace", namespace, ""))
    return times.parse(found["metadata"]["creationTimestamp"])


def _token(after: After) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([times.format_micro(after.gone), after.id])).decode()


def _after(token: str) -> After | None:
    if not token:
        return None
    try:
        gone, id = orjson.loads(base64.urlsafe_b64decode(token))
        return After(times.parse(gone).astimezone(UTC), int(id))
    except (ValueError, TypeError, binascii.Error) as error:
        raise BadRequest("the continue token is not one of ours: begin with the first page") from error
