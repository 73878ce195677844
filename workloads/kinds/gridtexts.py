"""The grid as people write it: rows with `0.25-32` cores and `1-512` GiB, as CSV or YAML. Pure.

One row has the fields of `FIELDS`; a span is written `least-most`, a single number stands for both.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import yaml

from workloads.kinds.grids import DEFAULT, ContainerRule, Grid, Row, number
from workloads.meta import quantity

FIELDS = ("flavor", "cpu", "step", "memory", "ratio", "gpu", "gpus")
"""CPU and its step in cores, memory in GiB, ratio in GiB per core."""
CONTAINER_FIELDS = ("step", "memory", "count")
_NUMBER = re.compile(r"\d{1,6}(?:\.\d{1,3})?", re.ASCII)


class Unreadable(ValueError):
    """Not a grid as it is written here; the text says where, and how it is written."""

    @property
    def field(self) -> str:
        """The field of a row that it begins with; "" for none."""
        first = str(self).partition(" ")[0]
        return first if first in FIELDS else ""


def row_of(fields: Mapping[str, Any]) -> Row:
    """Only how it is written is judged here; what may stand in a row is `grids.row_problems`'. Raises Unreadable."""
    if unknown := set(fields) - set(FIELDS):
        raise Unreadable(f"{', '.join(map(repr, sorted(map(str, unknown))))}: a row has {', '.join(FIELDS)}")
    text = {name: str(value).strip() for name, value in fields.items() if value not in (None, "")}
    for name in ("flavor", "cpu", "memory"):
        if name not in text:
            raise Unreadable(f"{name} is missing: a row has at least flavor, cpu and memory")
    cpu, memory = _span(text["cpu"], "cpu", "0.25-32"), _span(text["memory"], "memory", "1-512")
    ratio = _span(text["ratio"], "ratio", "2-8") if "ratio" in text else (None, None)
    return Row(
        flavor=text["flavor"],
        min_cpu_millis=int(cpu[0] * 1000),
        max_cpu_millis=int(cpu[1] * 1000),
        min_memory_gib=_whole(memory[0], "memory"),
        max_memory_gib=_whole(memory[1], "memory"),
        step_cpu_millis=int(_number(text.get("step", "0.25"), "step", "0.25") * 1000),
        min_ratio=None if ratio[0] is None else _whole(ratio[0], "ratio"),
        max_ratio=None if ratio[1] is None else _whole(ratio[1], "ratio"),
        gpu=text.get("gpu", ""),
        gpus=_whole(_number(text.get("gpus", "1" if text.get("gpu") else "0"), "gpus", "1"), "gpus"),
    )


def fields_of(row: Row) -> dict[str, str]:
    """What `row_of` reads."""
    least, most = row.min_ratio, row.max_ratio
    return {
        "flavor": row.flavor,
        "cpu": _joined(number(row.min_cpu_millis), number(row.max_cpu_millis)),
        "step": number(row.step_cpu_millis),
        "memory": _joined(str(row.min_memory_gib), str(row.max_memory_gib)),
        "ratio": "" if not (least or most) else _joined(str(least or 1), str(most or 65_536)),
        "gpu": row.gpu,
        "gpus": str(row.gpus) if row.gpus else "",
    }


def rule_fields(rule: ContainerRule) -> dict[str, str]:
    return {
        "step": number(rule.step_cpu_millis),
        "memory": _memory(rule.min_memory_bytes),
        "count": str(rule.max_containers),
    }


def to_csv(grid: Grid) -> str:
    """The rows alone."""
    out = io.StringIO()
    writer = csv.DictWriter(out, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(fields_of(row) for row in grid.rows)
    return out.getvalue()


def to_yaml(grid: Grid) -> str:
    rows = [{name: value for name, value in fields_of(row).items() if value} for row in grid.rows]
    return yaml.safe_dump({"containers": rule_fields(grid.containers), "rows": rows}, sort_keys=False)


def of_csv(text: str, *, containers: ContainerRule = DEFAULT.containers) -> Grid:
    """CSV says nothing of containers: `containers` stays. Raises Unreadable."""
    reader = csv.DictReader(io.StringIO(text), restkey="more", strict=True)
    rows = []
    try:
        for fields in reader:
            rows.append(_row(fields, f"line {reader.line_num}"))
    except csv.Error as error:
        raise Unreadable(f"line {reader.line_num}: {error}") from None
    return Grid(tuple(rows), containers)


def of_yaml(text: str, *, containers: ContainerRule = DEFAULT.containers) -> Grid:
    """Raises Unreadable."""
    try:
        read = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise Unreadable(f"this is not YAML: {error}") from None
    if not isinstance(read, dict) or not isinstance(read.get("rows"), list) or set(read) - {"rows", "containers"}:
        raise Unreadable("a grid has rows (a list) and containers, nothing else")
    rows = tuple(_row(fields, f"rows[{index}]") for index, fields in enumerate(read["rows"]))
    return Grid(rows, _rule(read["containers"]) if read.get("containers") else containers)


def _row(fields: Any, where: str) -> Row:
    if not isinstance(fields, Mapping):
        raise Unreadable(f"{where}: a row has {', '.join(FIELDS)}")
    try:
        return row_of(fields)
    except Unreadable as error:
        raise Unreadable(f"{where}: {error}") from None


def _rule(fields: Any) -> ContainerRule:
    if not isinstance(fields, Mapping) or set(fields) - set(CONTAINER_FIELDS):
        raise Unreadable(f"containers: it has {', '.join(CONTAINER_FIELDS)}")
    text = {name: str(value) for name, value in (rule_fields(DEFAULT.containers) | dict(fields)).items()}
    if problem := quantity.problem(text["memory"]):
        raise Unreadable(f"containers: memory: {problem}")
    return ContainerRule(
        step_cpu_millis=int(_number(text["step"], "containers: step", "0.25") * 1000),
        min_memory_bytes=quantity.whole(text["memory"]),
        max_containers=_whole(_number(text["count"], "containers: count", "5"), "containers: count"),
    )


def _span(text: str, name: str, example: str) -> tuple[Decimal, Decimal]:
    least, dash, most = text.partition("-")
    low = _number(least, name, example)
    return low, _number(most, name, example) if dash else low


def _number(text: str, name: str, example: str) -> Decimal:
    if not _NUMBER.fullmatch(text.strip()):
        raise Unreadable(f"{name} is {text!r}: write it as {example}")
    return Decimal(text.strip())


def _whole(value: Decimal, name: str) -> int:
    if value % 1:
        raise Unreadable(f"{name} is {value}: it must be whole")
    return int(value)


def _memory(count: int) -> str:
    """`0.2Gi` where that stands for exactly so many bytes."""
    short = f"{(Decimal(count) / quantity.GIB).quantize(Decimal('0.001')).normalize():f}Gi"
    return short if quantity.whole(short) == count else quantity.canonical(str(count))


def _joined(least: str, most: str) -> str:
    return least if least == most else f"{least}-{most}"
