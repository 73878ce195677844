"""Event: what `kubectl get events` prints and selects by."""

from __future__ import annotations

from typing import Any

from workloads.kinds import registry

KIND = registry.kind("Event")


def event(**rest: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "web-0.17c", "namespace": "shop"},
        "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "web-0", "uid": "u"},
        "type": "Normal",
        "reason": "Started",
        "message": "Started container web\n",
        "source": {"component": "node", "host": "n1"},
        "firstTimestamp": "1970-01-01T00:00:00Z",
        "lastTimestamp": "1970-01-01T00:01:00Z",
        "count": 3,
        **rest,
    }


def cells(obj: dict[str, Any], *, wide: bool = True) -> list[Any]:
    return [column.cell(obj, 100.0) for column in KIND.columns if wide or not column.priority]


def test_the_row_kubectl_prints() -> None:
    assert cells(event(), wide=False) == ["40s", "Normal", "Started", "pod/web-0", "Started container web"]


def test_the_wide_row_says_where_from_how_often_and_since_when() -> None:
    assert cells(event())[4:6] == ["", "node, n1"]
    assert cells(event())[7:] == ["100s", 3, "web-0.17c"]


def test_a_series_counts_and_an_event_time_stands_in() -> None:
    obj = event(
        firstTimestamp=None,
        lastTimestamp=None,
        eventTime="1970-01-01T00:00:30.000000Z",
        count=0,
        series={"count": 7, "lastObservedTime": "1970-01-01T00:01:35.000000Z"},
        source={},
        reportingComponent="meter",
    )
    assert cells(obj)[0] == "5s"
    assert cells(obj)[5] == "meter"
    assert cells(obj)[7:9] == ["70s", 7]
    del obj["series"]
    assert cells(obj)[0] == "70s"
    assert cells(obj)[8] == 1


def test_an_event_about_nothing_named_shows_the_kind() -> None:
    assert cells(event(involvedObject={"kind": "Pod"}))[3] == "pod"


def test_fields_it_is_selected_by() -> None:
    obj = event()
    chosen = {field: value(obj) for field, value in KIND.field_selectors.items()}
    newer = {field: value for field, value in chosen.items() if field.startswith("regarding.")}
    assert newer["regarding.name"] == "web-0" and newer["regarding.kind"] == "Pod"
    assert {field: value for field, value in chosen.items() if field not in newer} == {
        "involvedObject.kind": "Pod",
        "involvedObject.namespace": "shop",
        "involvedObject.name": "web-0",
        "involvedObject.uid": "u",
        "involvedObject.apiVersion": "",
        "involvedObject.resourceVersion": "",
        "involvedObject.fieldPath": "",
        "reason": "Started",
        "type": "Normal",
        "source": "node",
        "reportingComponent": "",
        "reportingController": "",
    }


def test_an_event_stands_in_the_namespace_of_what_it_is_about() -> None:
    assert KIND.validate(event(), None) == []
    (cause,) = KIND.validate(event(involvedObject={"namespace": "other"}), None)
    assert cause.field == "involvedObject.namespace"
    assert "does not match event.namespace" in cause.message
