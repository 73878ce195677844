"""Namespace: what is chosen once, in which words it is refused, and what it means."""

from __future__ import annotations

from typing import Any

import pytest

from workloads.kinds import namespaces, registry
from workloads.kinds.base import Facts

KIND = registry.kind("Namespace")


def namespace(name: str = "shop", *, labels: dict[str, str] | None = None, **annotations: str) -> dict[str, Any]:
    written = {namespaces.FLAVOR: "general-computing", **{_LONG[key]: value for key, value in annotations.items()}}
    obj: dict[str, Any] = {"metadata": {"name": name, "labels": labels or {}, "annotations": written}}
    KIND.default(obj)
    return obj


_LONG = {
    "flavor": namespaces.FLAVOR,
    "pool": namespaces.WARM_POOL_SIZE,
    "recycle": namespaces.WARM_POOL_RECYCLE_HOURS,
    "ready": namespaces.READY_BEFORE_POD_RUN,
    "normalize": namespaces.AUTO_NORMALIZE,
}


def fields(obj: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
    return [cause.field for cause in KIND.validate(obj, old)]


def test_a_namespace_begins_active_with_its_finalizer_and_name_label() -> None:
    obj = namespace()
    KIND.prepare(obj, None)
    assert obj["status"] == {"phase": "Active"}
    assert obj["spec"] == {"finalizers": ["kubernetes"]}
    assert obj["metadata"]["labels"] == {"kubernetes.io/metadata.name": "shop"}
    assert KIND.facts(obj) == Facts(phase="Active")
    assert KIND.field_selectors["status.phase"](obj) == "Active"


def test_the_row_kubectl_prints() -> None:
    obj = namespace()
    obj["metadata"]["creationTimestamp"] = "1970-01-01T00:00:00Z"
    KIND.prepare(obj, None)
    assert [column.cell(obj, 61.0) for column in KIND.columns] == ["shop", "Active", "61s"]


def test_defaults_are_filled_once() -> None:
    obj = namespace()
    again = {**obj, "metadata": {**obj["metadata"]}}
    KIND.default(again)
    assert again == obj


@pytest.mark.parametrize("name", ["Shop", "a.b", "", "a" * 64])
def test_a_name_is_a_dns_label(name: str) -> None:
    assert "metadata.name" in fields(namespace(name))


def test_a_missing_flavor_is_the_products_400() -> None:
    error = namespaces.flavor_error("")
    assert error is not None
    assert error.body()["errorCode"] == "CCI.02.400111"
    assert "give one of general-computing, gpu-accelerated" in error.message


def test_an_unknown_flavor_is_the_products_400() -> None:
    error = namespaces.flavor_error("tiny")
    assert error is not None
    assert error.body()["errorCode"] == "CCI.02.400110"
    assert 'Unsupported value: "tiny"' in error.message


@pytest.mark.parametrize("flavor", namespaces.FLAVORS)
def test_the_two_flavors_are_right(flavor: str) -> None:
    assert namespaces.flavor_error(flavor) is None


@pytest.mark.parametrize("size", ["-1", "501", "many", "", "1.5", "٣", "9" * 20])
def test_a_warm_pool_is_0_to_500(size: str) -> None:
    assert fields(namespace(pool=size)) == [f"metadata.annotations[{namespaces.WARM_POOL_SIZE}]"]


@pytest.mark.parametrize("hours", ["0", "x", "8761"])
def test_a_recycle_interval_is_whole_hours(hours: str) -> None:
    assert fields(namespace(recycle=hours)) == [f"metadata.annotations[{namespaces.WARM_POOL_RECYCLE_HOURS}]"]


def test_switches_have_their_words() -> None:
    obj = namespace(ready="yes", normalize="1", labels={namespaces.RBAC_LABEL: "on"})
    assert fields(obj) == [
        f"metadata.annotations[{namespaces.READY_BEFORE_POD_RUN}]",
        f"metadata.annotations[{namespaces.AUTO_NORMALIZE}]",
        f"metadata.labels[{namespaces.RBAC_LABEL}]",
    ]


def test_everything_of_the_request_form_is_accepted() -> None:
    labels = {namespaces.RBAC_LABEL: "true", namespaces.ENTERPRISE_PROJECT_LABEL: "7"}
    obj = namespace(pool="0", recycle="24", ready="vpc-network-ready", normalize="true", labels=labels)
    assert fields(obj) == []
    assert namespaces.flavor(obj) == "general-computing"
    assert namespaces.warm_pool_size(obj) == 0
    assert namespaces.warm_pool_recycle_hours(obj) == 24
    assert namespaces.waits_for_network(obj)
    assert namespaces.auto_normalize(obj) is True
    assert namespaces.enterprise_project(obj) == "7"


def test_what_is_left_out_has_its_default() -> None:
    obj: dict[str, Any] = {"metadata": {"name": "shop"}}
    assert namespaces.flavor(obj) == ""
    assert namespaces.warm_pool_size(obj) == 10
    assert namespaces.warm_pool_recycle_hours(obj) is None
    assert not namespaces.waits_for_network(obj)
    assert namespaces.auto_normalize(obj) is None
    assert namespaces.enterprise_project(obj) == "0"


def test_what_is_chosen_once_cannot_be_changed() -> None:
    old = namespace(pool="5", labels={namespaces.RBAC_LABEL: "true"})
    new = namespace(flavor="gpu-accelerated", pool="6", recycle="2", labels={namespaces.RBAC_LABEL: "false"})
    KIND.prepare(new, old)
    found = KIND.validate(new, old)
    assert len(found) == 4
    assert all("field is immutable; it is chosen when the namespace is made" in cause.message for cause in found)


def test_what_an_update_leaves_out_stays() -> None:
    old = namespace(pool="5", labels={namespaces.RBAC_LABEL: "true"})
    new: dict[str, Any] = {"metadata": {"name": "shop", "annotations": {"mine": "1"}}, "spec": {"finalizers": []}}
    KIND.default(new)
    KIND.prepare(new, old)
    assert KIND.validate(new, old) == []
    assert namespaces.warm_pool_size(new) == 5
    assert new["metadata"]["annotations"]["mine"] == "1"
    assert new["metadata"]["labels"][namespaces.RBAC_LABEL] == "true"
    assert new["spec"]["finalizers"] == ["kubernetes"]


def test_a_namespace_that_chose_nothing_has_nothing_to_carry() -> None:
    old: dict[str, Any] = {"metadata": {"name": "shop"}, "spec": {"finalizers": ["kubernetes"]}}
    new: dict[str, Any] = {"metadata": {"name": "shop"}, "spec": {}}
    KIND.prepare(new, old)
    assert new == old


def test_rounding_may_be_switched_later() -> None:
    old, new = namespace(), namespace(normalize="false")
    assert fields(new, old) == []
    assert namespaces.auto_normalize(new) is False
