"""Objects as the caller accepted them: whole, as rows of a Table, or as metadata alone.

Whole objects are never parsed: the stored bytes are joined.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import orjson
import yaml

from workloads.admission import hooks
from workloads.client import Rows
from workloads.kinds.base import Column, Kind
from workloads.kubeapi.exchange import JSON_TYPE, Reply
from workloads.kubeapi.negotiation import Accepted
from workloads.meta.errors import NotAcceptable
from workloads.watch import WatchEvent

JSON = dict[str, Any]
Include = Literal["None", "Metadata", "Object"]

_AT_ONCE = 64 * 1024
"""Bytes of a watch's beginning that are sent together."""
INITIAL_EVENTS_END = {"k8s.io/initial-events-end": "true"}
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_UNTOLD = "--"
_COSTED = ("Pod", "Deployment", "Job", "CronJob", "Namespace")
_COSTS = tuple(
    Column(name, lambda obj, now: _UNTOLD, description=description, priority=1)
    for name, description in (
        ("Spec", "The pod specification that is billed: cores and GiB; of a namespace its flavor."),
        ("Cost/h", "What it costs an hour now, in the region's currency; of a pod that waits, what it will cost."),
        ("Cost", "What a pod has cost; of others since the month began (UTC)."),
    )
)
"""What only billing knows."""


@dataclass(frozen=True)
class View:
    """How objects of `kind`, asked for under `api_version`, are shown to one caller."""

    kind: Kind
    api_version: str
    accepted: Accepted
    include: Include = "Metadata"
    """What a Table's rows carry beside their cells."""
    account: str = ""
    """Whose objects they are, for what they cost; "" nobody's in particular."""

    @property
    def asks_for_costs(self) -> bool:
        """Then showing objects asks the database."""
        return bool(self.account) and self.accepted.form == "table" and self.kind.name in _COSTED

    def one(self, data: bytes, *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
        return self._reply(self.shown(data), status=status, headers=headers)

    def many(self, found: Rows) -> Reply:
        metadata: JSON = {"resourceVersion": str(found.revision)}
        if found.continue_token:
            metadata["continue"] = found.continue_token
            if found.remaining:
                metadata["remainingItemCount"] = found.remaining
        if self._shows_what_is_stored and found.joined is not None:
            head = self._head(f"{self.kind.name}List", self.api_version, metadata)
            return self._reply(b"".join((head, found.joined.text, b"]}")))
        return self.listed([row.data for row in found.rows], metadata)

    def listed(self, datas: list[bytes], metadata: JSON) -> Reply:
        """A list of objects that need not be stored ones."""
        if self.accepted.form == "table":
            return self._reply(self._table(datas, metadata))
        if self.accepted.form == "metadata":
            return self._reply(self._list("PartialObjectMetadataList", self._meta_version, metadata, datas))
        return self._reply(self._list(f"{self.kind.name}List", self.api_version, metadata, datas))

    def _list(self, kind: str, api_version: str, metadata: JSON, datas: Iterable[bytes]) -> bytes:
        items = list(datas) if self._shows_what_is_stored else [self.shown(data) for data in datas]
        items = items or [b""]
        items[0] = self._head(kind, api_version, metadata) + items[0]
        items[-1] += b"]}"
        return b",".join(items)  # the one time that all of it is copied

    def _head(self, kind: str, api_version: str, metadata: JSON) -> bytes:
        """All of a list in front of its items."""
        return orjson.dumps({"kind": kind, "apiVersion": api_version, "metadata": metadata})[:-1] + b',"items":['

    def shown(self, data: bytes) -> bytes:
        if self.accepted.form == "table":
            return self._table([data], {"resourceVersion": orjson.loads(data)["metadata"].get("resourceVersion", "")})
        if self.accepted.form == "metadata":
            return orjson.dumps(self.metadata_of(orjson.loads(data)))
        return self._versioned(data)

    def _versioned(self, data: bytes) -> bytes:
        """The same object under another group and version, where a kind is served as several."""
        if self.api_version == self.kind.api_version:
            return data
        return orjson.dumps(self.kind.shown(orjson.loads(data), self.api_version))

    @property
    def _shows_what_is_stored(self) -> bool:
        return self.accepted.form == "object" and self.api_version == self.kind.api_version

    @property
    def _meta_version(self) -> str:
        return f"meta.k8s.io/{self.accepted.meta_version}"

    def metadata_of(self, obj: JSON) -> JSON:
        return {
            "kind": "PartialObjectMetadata",
            "apiVersion": self._meta_version,
            "metadata": obj.get("metadata", {}),
        }

    def _table(self, datas: Iterable[bytes], metadata: JSON, *, columns: bool = True) -> bytes:
        now, objs = time.time(), [orjson.loads(data) for data in datas]
        costs: Iterable[tuple[str, ...] | None] = [None] * len(objs)
        if self.asks_for_costs:
            costs = hooks.cost_cells(self.account, self.kind.name, objs)
        rows = [self.row(obj, now, costs=cells) for obj, cells in zip(objs, costs, strict=True)]
        return self.table_of(rows, metadata, columns=columns)

    def table_of(self, rows: list[JSON], metadata: JSON, *, columns: bool) -> bytes:
        return orjson.dumps(
            {
                "kind": "Table",
                "apiVersion": self._meta_version,
                "metadata": metadata,
                "columnDefinitions": self._columns() if columns else None,
                "rows": rows,
            }
        )

    def row(self, obj: JSON, now: float, *, costs: Iterable[str] | None = None) -> JSON:
        """Without `costs` nobody was asked for them: an event of a watch is written at once."""
        row: JSON = {"cells": [column.cell(obj, now) for column in self.kind.columns]}
        if self.kind.name in _COSTED:
            row["cells"] += costs or [_UNTOLD] * len(_COSTS)
        if self.include == "Metadata":
            row["object"] = self.metadata_of(obj)
        elif self.include == "Object":
            row["object"] = obj
        return row

    def _columns(self) -> list[JSON]:
        return [
            {
                "name": column.name,
                "type": column.type,
                "format": column.format,
                "description": column.description,
                "priority": column.priority,
            }
            for column in self.columns
        ]

    @property
    def columns(self) -> tuple[Column, ...]:
        return (*self.kind.columns, *(_COSTS if self.kind.name in _COSTED else ()))

    def _reply(self, body: bytes, *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
        if not self.accepted.yaml:
            return Reply(status, body, JSON_TYPE, headers)
        text = yaml.dump(orjson.loads(body), Dumper=_Dumper, sort_keys=False, allow_unicode=True)
        return Reply(status, text.encode(), "application/yaml", headers)


class EventWriter:
    """Watch events as the caller accepted them. A Table's columns go out once, with the first event. An event is
    written once for all watchers that want it in the same form."""

    def __init__(self, view: View) -> None:
        if view.accepted.yaml:
            raise NotAcceptable("a watch is answered as application/json only")
        self._view = view
        self._columns_due = view.accepted.form == "table"
        form = (view.api_version, view.accepted.form, view.accepted.meta_version, view.include)
        self._form, self._form_with_columns = form, (*form, "columns")

    def change(self, event: WatchEvent) -> bytes:
        if event.type == "BOOKMARK":
            return self.bookmark(event.revision)
        if not self._columns_due:
            return event.shown(self._form, self._line)
        self._columns_due = False
        return event.shown(self._form_with_columns, self._line_with_columns)

    def listed(self, datas: Iterable[bytes]) -> Iterator[bytes]:
        """What there is at the beginning, some at a time."""
        some: list[bytes] = []
        size = 0
        for data in datas:
            columns, self._columns_due = self._columns_due, False
            some.append(self._written("ADDED", data, columns=columns))
            size += len(some[-1])
            if size >= _AT_ONCE:
                yield b"".join(some)
                some, size = [], 0
        if some:
            yield b"".join(some)

    def _line(self, event: WatchEvent) -> bytes:
        return self._written(event.type, event.data, columns=False)

    def _line_with_columns(self, event: WatchEvent) -> bytes:
        return self._written(event.type, event.data, columns=True)

    def _written(self, type: str, data: bytes, *, columns: bool) -> bytes:
        if self._view.accepted.form != "table":
            return _event(type, self._view.shown(data))
        obj = orjson.loads(data)
        revision = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
        return _event(type, self._view.table_of([self._view.row(obj, time.time())], revision, columns=columns))

    def bookmark(self, revision: int, *, initial_events_end: bool = False) -> bytes:
        metadata: JSON = {"resourceVersion": str(revision), "creationTimestamp": None}
        if initial_events_end:
            metadata["annotations"] = INITIAL_EVENTS_END
        if self._view.accepted.form == "table":
            cells = [""] * len(self._view.columns)
            row = {"cells": cells, "object": self._view.metadata_of({"metadata": metadata})}
            columns, self._columns_due = self._columns_due, False
            table = self._view.table_of([row], {"resourceVersion": str(revision)}, columns=columns)
            return _event("BOOKMARK", table)
        if self._view.accepted.form == "metadata":
            return _event("BOOKMARK", orjson.dumps(self._view.metadata_of({"metadata": metadata})))
        mark = {"kind": self._view.kind.name, "apiVersion": self._view.api_version, "metadata": metadata}
        return _event("BOOKMARK", orjson.dumps(mark))

    def error(self, status: JSON) -> bytes:
        return _event("ERROR", orjson.dumps(status))


def _event(type: str, shown: bytes) -> bytes:
    return b'{"type":"' + type.encode() + b'","object":' + shown + b"}\n"
