"""The columns of the lists: what one may choose to see, and what each says in a CSV file (for programs: English words,
ISO 8601 moments, plain numbers). The cells that pages show are in the templates, between `{% column %}` tags.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from billing.client import Meter, Rate, plain

Costs = Mapping[str, Meter]
"""By uid, what workloads cost."""
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


@dataclass(frozen=True)
class Column:
    name: str
    title: str | Promise
    value: Callable[[Any, Costs], object]
    """Of a row; for CSV."""
    usual: bool = True
    """Whether it is shown to who has not chosen."""


@dataclass(frozen=True)
class Table:
    """The columns of one list, and those that are shown."""

    columns: tuple[Column, ...]
    shown: frozenset[str]
    chosen: bool
    """Whether somebody chose, or it is as usual."""

    def shows(self, name: str) -> bool:
        return name in self.shown

    @property
    def choices(self) -> list[tuple[Column, bool]]:
        return [(column, column.name in self.shown) for column in self.columns]


def table(kind: str, asked: str) -> Table:
    """`asked` names columns, with commas between; what is none is passed over, and nothing means the usual ones."""
    columns = OF[kind]
    known = {column.name for column in columns}
    wanted = frozenset(asked.split(",")) & known
    usual = frozenset(column.name for column in columns if column.usual)
    return Table(columns, wanted or usual, bool(wanted) and wanted != usual)


def csv_line(values: Iterable[object]) -> str:
    csv.writer(written := io.StringIO(), lineterminator="\r\n").writerow([_cell(value) for value in values])
    return written.getvalue()


def csv_head(shown: Table) -> str:
    return csv_line(["namespace", "name", *(column.name for column in _said(shown))])


def csv_row(shown: Table, row: Any, costs: Costs) -> str:
    return csv_line([row.namespace, row.name, *(column.value(row, costs) for column in _said(shown))])


def _said(shown: Table) -> Sequence[Column]:
    return [column for column in shown.columns if column.name in shown.shown]


def _cell(value: object) -> str:
    """Text that a spreadsheet would compute gets an apostrophe before it; numbers are numbers."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULAS) else value
    return "" if value is None else str(value)


def _state(row: Any, costs: Costs) -> str:
    return f"{row.state.word}: {row.state.sentence}" if row.state.sentence else str(row.state.word)


def _images(row: Any, costs: Costs) -> str:
    return " ".join(row.images)


def _size(row: Any, costs: Costs) -> str:
    return str(row.size or "")


def _meter(row: Any, costs: Costs) -> str:
    found = costs.get(row.uid)
    return plain(found.rate.per_hour) if found is not None and found.running else "0"


def _rate(row: Any, costs: Costs) -> str:
    rate: Rate | None = row.rate
    return plain(rate.per_hour) if rate is not None else "0"


def _moment(moment: Any) -> str:
    return "" if moment is None else str(moment.isoformat()) if hasattr(moment, "isoformat") else str(moment)


def _labels(row: Any, costs: Costs) -> str:
    return " ".join(f"{key}={value}" for key, value in sorted(row.labels.items()))


STATE = Column("state", _("State"), _state)
SIZE = Column("size", _("Specification"), _size)
IMAGE = Column("image", _("Image"), _images)
METER = Column("cost", _("Cost/h"), _meter)
RATE = Column("cost", _("Cost/h"), _rate)
AGE = Column("age", _("Age"), lambda row, costs: row.created)
LABELS = Column("labels", _("Labels"), _labels, usual=False)
_KEYS = Column("keys", _("Keys"), lambda row, costs: " ".join(entry.key for entry in row.entries))
_BYTES = Column("size", _("Size"), lambda row, costs: sum(entry.size for entry in row.entries))
_CHANGES = Column("changes", _("Changes"), lambda row, costs: "immutable" if row.immutable else "can be changed")

OF: dict[str, tuple[Column, ...]] = {
    "Deployment": (
        STATE,
        Column("pods", _("Pods"), lambda row, costs: f"{row.ready} of {row.wanted}"),
        SIZE,
        IMAGE,
        METER,
        AGE,
        LABELS,
    ),
    "Job": (
        STATE,
        Column("done", _("Succeeded"), lambda row, costs: row.succeeded),
        Column("parallelism", _("At a time"), lambda row, costs: row.parallelism),
        SIZE,
        IMAGE,
        RATE,
        Column("took", _("Took"), lambda row, costs: row.seconds),
        AGE,
        LABELS,
    ),
    "CronJob": (
        STATE,
        Column("schedule", _("Schedule"), lambda row, costs: f"{row.cron} {row.zone}"),
        Column("next", _("Next"), lambda row, costs: _moment(row.next)),
        Column("last", _("Last"), lambda row, costs: _moment(row.last_run)),
        Column("active", _("At work"), lambda row, costs: len(row.active)),
        METER,
        Column("month", _("This month"), lambda row, costs: plain(costs[row.uid].accrued) if row.uid in costs else "0"),
        AGE,
        LABELS,
    ),
    "Pod": (
        STATE,
        Column("source", _("Source"), lambda row, costs: f"{row.source.kind}/{row.source.name}" if row.source else ""),
        SIZE,
        IMAGE,
        Column("ip", _("Pod IP"), lambda row, costs: row.status.get("podIP")),
        RATE,
        AGE,
        LABELS,
    ),
    "Service": (
        STATE,
        Column("type", _("Type"), lambda row, costs: row.type),
        Column("inside", _("Inside"), lambda row, costs: f"{row.address} {row.port_words}".strip()),
        Column("outside", _("Outside"), lambda row, costs: " ".join(map(str, row.doors))),
        Column("ready", _("Ready"), lambda row, costs: row.behind),
        AGE,
        LABELS,
    ),
    "Ingress": (
        STATE,
        Column("hosts", _("Hosts"), lambda row, costs: " ".join(row.hosts)),
        Column("address", _("Address"), lambda row, costs: " ".join(map(str, row.doors))),
        Column("services", _("Services"), lambda row, costs: " ".join(row.service_names)),
        AGE,
        LABELS,
    ),
    "Network": (
        STATE,
        Column("cidr", _("Range in use"), lambda row, costs: row.cidr),
        Column("addresses", _("Addresses"), lambda row, costs: row.addresses),
        Column("pods", _("Pods"), lambda row, costs: row.pods),
        Column("vpc", "VPC", lambda row, costs: row.vpc, usual=False),
        AGE,
        LABELS,
    ),
    "ServiceAccount": (
        Column("roles", _("Roles"), lambda row, costs: " ".join(row.role_names)),
        Column("pulls", _("Pulls images with"), lambda row, costs: " ".join(row.pulls)),
        Column("token", _("Token"), lambda row, costs: "mounted" if row.mounts_token else "not mounted"),
        AGE,
        LABELS,
    ),
    "ConfigMap": (_KEYS, _BYTES, _CHANGES, AGE, LABELS),
    "Secret": (Column("type", _("Type"), lambda row, costs: row.type), _KEYS, _BYTES, _CHANGES, AGE, LABELS),
    "PersistentVolumeClaim": (
        STATE,
        Column("class", _("Class"), lambda row, costs: row.storage_class),
        Column("size", _("Size"), lambda row, costs: row.size),
        Column("used", _("Used"), lambda row, costs: row.used),
        Column("users", _("Used by"), lambda row, costs: " ".join(row.holders)),
        AGE,
        LABELS,
    ),
}
"""By kind. The name, with its namespace, is always there."""
