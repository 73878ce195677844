"""What a pod of the cluster is rounded to: the worked values, and what is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from burst import rounding
from burst.refusals import Refused
from tests.burst.pods import container, sized


@pytest.mark.parametrize(
    ("cpu", "memory", "cores", "gib"),
    [
        ("100m", "0.1Gi", "0.25", 1),
        ("1", "1Gi", "1", 2),
        ("0.25", "3Gi", "0.5", 3),
        ("1", "10Gi", "1.25", 10),
        ("3.1", "10.5Gi", "3.25", 11),
        ("48", "96Gi", "48", 96),
        ("64", "512Gi", "64", 512),
        ("32", "1Gi", "32", 64),
        ("250m", "1025Mi", "0.25", 2),
    ],
)
def test_a_pod_is_rounded_up_to_the_next_specification(cpu: str, memory: str, cores: str, gib: int) -> None:
    assert rounding.rounded({"containers": [sized(cpu, memory)]}) == rounding.Rounded(Decimal(cores), gib)


@pytest.mark.parametrize(("cpu", "memory"), [("33", "66Gi"), ("32.1", "64Gi"), ("65", "130Gi"), ("64", "513Gi")])
def test_a_size_that_is_off_the_grid_when_rounded_is_refused(cpu: str, memory: str) -> None:
    with pytest.raises(Refused, match="CCI has no such size") as refused:
        rounding.rounded({"containers": [sized(cpu, memory)]})
    assert refused.value.reason == "BurstSizeRefused"


def test_a_pod_that_asks_for_nothing_gets_the_smallest() -> None:
    assert rounding.rounded({"containers": [container()]}) == rounding.Rounded(Decimal("0.25"), 1)


def test_the_limit_counts_and_the_request_where_there_is_no_limit() -> None:
    resources = {"requests": {"cpu": "2", "memory": "1Gi"}, "limits": {"memory": "4Gi"}}
    assert rounding.effective({"containers": [container(resources=resources)]}) == rounding.Asked(
        Decimal(2), Decimal(4)
    )


def test_the_largest_init_container_counts_where_it_is_more_than_the_sum_of_the_others() -> None:
    spec: dict[str, Any] = {
        "containers": [sized("500m", "1Gi"), sized("500m", "1Gi")],
        "initContainers": [sized("100m", "6Gi"), sized("3", "1Gi")],
    }
    assert rounding.effective(spec) == rounding.Asked(Decimal(3), Decimal(6))


def test_a_sidecar_counts_with_the_containers() -> None:
    spec: dict[str, Any] = {
        "containers": [sized("1", "2Gi")],
        "initContainers": [sized("1", "2Gi", restartPolicy="Always"), sized("1500m", "1Gi")],
    }
    assert rounding.effective(spec) == rounding.Asked(Decimal("2.5"), Decimal(4))


def test_what_is_no_quantity_is_refused_with_its_text() -> None:
    with pytest.raises(Refused, match='asks for cpu "lots"'):
        rounding.rounded({"containers": [sized("lots", "1Gi")]})


def test_sizes_are_written_as_each_side_reads_them() -> None:
    size = rounding.Rounded(Decimal("1.50"), 10)
    assert (size.cpu_text(), size.memory_text(), size.size()) == ("1.5", "10Gi", "1.50_10.0")
    assert rounding.Rounded(Decimal(10), 20).cpu_text() == "10"
