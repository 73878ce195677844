"""Rows of a list, shown anew from the changes of their objects alone (`console.live.quick`). What a change may mean for
the list itself (a row comes, goes, or is not what is filtered for any more) is for the whole page to say.

The page's context has `rows`, its `pager`, and the `source` (`console.lists.Source`) they came from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from console import rows
from console.access import Visit
from console.live.quick import WHOLE, Change, Context, Fragment, Quick, Quickly
from console.rows import DeploymentRow, Row
from workloads.client import JSON
from workloads.kinds import health
from workloads.meta.errors import NotFound

MOST = 10
"""Deployments that are read for a batch of changes; of more the whole page is."""
Place = tuple[str, str]


def of_kind(kind: str, template: str, row: Callable[[JSON], Row]) -> Quick:
    """For a list whose rows depend on their own objects alone."""

    def quick(visit: Visit, shown: Context, changes: Sequence[Change]) -> Quickly:
        there, whole = _there(shown), False
        newest: dict[Place, Change] = {}
        for change in changes:
            place = change.namespace, change.name
            if change.kind != kind:
                continue
            if place not in there:
                whole = whole or _may_come(shown, change)
            elif change.type != "MODIFIED" or change.obj["metadata"]["uid"] != shown["rows"][there[place]].uid:
                whole = True
            elif change.revision > _revision(shown["rows"][there[place]]):
                newest[place] = change
        made = [row(change.obj) for change in newest.values()]
        return _replaced(visit, shown, kind, template, made, whole=whole)

    return quick


def of_deployments(template: str) -> Quick:
    """Those whose pods say how they do are read again when one of these changes."""

    def quick(visit: Visit, shown: Context, changes: Sequence[Change]) -> Quickly:
        there, whole = _there(shown), False
        stirred = dict.fromkeys(place for change in changes if (place := _deployment_of(change)) is not None)
        own = [change for change in changes if change.kind == "Deployment"]
        for change in own:
            place = change.namespace, change.name
            whole = whole or (place not in there and _may_come(shown, change))
            whole = whole or (place in there and change.type != "MODIFIED")
        of_own = {(change.namespace, change.name) for change in own}
        asked = [place for place in stirred if place in there and (place in of_own or _is_open(shown, there[place]))]
        if len(asked) > MOST:
            return WHOLE
        try:
            objs = [visit.client.get("Deployment", name, namespace) for namespace, name in asked]
        except NotFound:
            return WHOLE
        return _replaced(visit, shown, "Deployment", template, rows.deployment_rows(visit.client, objs), whole=whole)

    return quick


def _replaced(visit: Visit, shown: Context, kind: str, template: str, made: Iterable[Row], *, whole: bool) -> Quickly:
    """Puts the rows where their older selves are."""
    there, fragments = _there(shown), []
    for row in made:
        if not shown["source"].takes(row.obj) or not _is_wanted(shown, row):
            whole = True
        elif not visit.client.may("list", kind, row.namespace):
            return WHOLE
        else:
            shown["rows"][there[row.namespace, row.name]] = row
            fragments.append(Fragment(template, {"row": row}))
    return Quickly(tuple(fragments), whole)


def _is_wanted(shown: Context, row: Any) -> bool:
    wanted = shown["source"].wanted
    return wanted is None or bool(wanted(row))


def _there(shown: Context) -> dict[Place, int]:
    return {(row.namespace, row.name): index for index, row in enumerate(shown["rows"])}


def _may_come(shown: Context, change: Change) -> bool:
    """Whether the list may have a row of it now where this page shows some."""
    if change.type == "DELETED":
        return False
    listed, pager, place = shown["rows"], shown["pager"], (change.namespace, change.name)
    if listed and pager.next and place > (listed[-1].namespace, listed[-1].name):
        return False
    if listed and not pager.first and place < (listed[0].namespace, listed[0].name):
        return False
    return bool(shown["source"].takes(change.obj))


def _revision(row: Row) -> int:
    return int(row.obj["metadata"]["resourceVersion"])


def _is_open(shown: Context, index: int) -> bool:
    row: DeploymentRow = shown["rows"][index]
    return not health.settled(row.obj)


def _deployment_of(change: Change) -> Place | None:
    if change.kind == "Deployment":
        return change.namespace, change.name
    if change.kind not in ("ReplicaSet", "Pod"):
        return None
    owner = rows.controller_of(change.obj)
    if owner is None or owner["kind"] != ("Deployment" if change.kind == "ReplicaSet" else "ReplicaSet"):
        return None
    return change.namespace, owner["name"] if change.kind == "ReplicaSet" else owner["name"].rpartition("-")[0]
