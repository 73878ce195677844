"""Deployments and ReplicaSets: defaults, rules, columns."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from workloads.kinds import deployments, registry

DEPLOYMENT, REPLICASET = registry.kind("Deployment"), registry.kind("ReplicaSet")
BOTH = pytest.mark.parametrize("kind", [DEPLOYMENT, REPLICASET], ids=lambda kind: kind.name)


def workload(*, name: str = "web", **spec: Any) -> dict[str, Any]:
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": "nginx:1.27"}]},
    }
    selector = {"matchLabels": {"app": "web"}}
    return {"metadata": {"name": name}, "spec": {"selector": selector, "template": template, **spec}}


def deployment(**spec: Any) -> dict[str, Any]:
    obj = workload(**spec)
    DEPLOYMENT.default(obj)
    return obj


def causes(obj: dict[str, Any], old: dict[str, Any] | None = None) -> list[tuple[str, str]]:
    return [(cause.field, cause.message) for cause in DEPLOYMENT.validate(obj, old)]


def test_a_deployment_gets_the_defaults_of_apps_v1() -> None:
    spec = deployment()["spec"]
    assert {name: value for name, value in spec.items() if name not in ("template", "selector")} == {
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},
    }


def test_a_template_gets_the_defaults_of_a_pod() -> None:
    spec = deployment()["spec"]["template"]["spec"]
    assert spec == {
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "securityContext": {},
        "schedulerName": "default-scheduler",
        "containers": [
            {
                "name": "web",
                "image": "nginx:1.27",
                "imagePullPolicy": "IfNotPresent",
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
                "resources": {},
            }
        ],
    }


def test_a_replica_set_has_no_strategy() -> None:
    obj = workload(replicas=0)
    REPLICASET.default(obj)
    REPLICASET.prepare(obj, None)
    assert obj["spec"]["replicas"] == 0
    assert "strategy" not in obj["spec"]
    assert obj["status"] == {"replicas": 0}


@BOTH
def test_defaults_are_filled_once_and_right(kind: Any) -> None:
    obj = workload()
    kind.default(obj)
    again = copy.deepcopy(obj)
    kind.default(again)
    assert again == obj
    assert kind.validate(obj, None) == kind.validate(again, obj) == []


@BOTH
def test_status_begins_empty_and_updates_leave_it(kind: Any) -> None:
    obj = workload()
    kind.prepare(obj, None)
    before = copy.deepcopy(obj["status"])
    kind.prepare(obj, obj)
    assert obj["status"] == before


def test_replace_needs_no_steps() -> None:
    obj = deployment(strategy={"type": "Recreate"})
    assert "rollingUpdate" not in obj["spec"]["strategy"]
    assert causes(obj) == []


@pytest.mark.parametrize(
    ("spec", "field", "message"),
    [
        ({"replicas": -1}, "spec.replicas", "must be greater than or equal to 0"),
        ({"minReadySeconds": -1}, "spec.minReadySeconds", "must be greater than or equal to 0"),
        ({"revisionHistoryLimit": -1}, "spec.revisionHistoryLimit", "must be greater than or equal to 0"),
        ({"minReadySeconds": 600}, "spec.progressDeadlineSeconds", "must be greater than minReadySeconds"),
        ({"selector": {}}, "spec.selector", "empty selector is invalid for deployment"),
        ({"selector": {"matchLabels": {"-": "a"}}}, "spec.selector.matchLabels", "name part must consist of"),
        (
            {"selector": {"matchLabels": {"app": "db"}}},
            "spec.template.metadata.labels",
            "`selector` does not match template `labels`",
        ),
        ({"strategy": {"type": "Canary"}}, "spec.strategy.type", 'supported values: "Recreate", "RollingUpdate"'),
        (
            {"strategy": {"type": "Recreate", "rollingUpdate": {}}},
            "spec.strategy.rollingUpdate",
            "may not be specified when strategy `type` is 'Recreate'",
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}}},
            "spec.strategy.rollingUpdate.maxUnavailable",
            "may not be 0 when `maxSurge` is 0",
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": -1}}},
            "spec.strategy.rollingUpdate.maxSurge",
            "must be greater than or equal to 0",
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": "1"}}},
            "spec.strategy.rollingUpdate.maxSurge",
            "a valid percent string must be a numeric string followed by an ending '%'",
        ),
        (
            {"strategy": {"rollingUpdate": {"maxUnavailable": "101%"}}},
            "spec.strategy.rollingUpdate.maxUnavailable",
            "must not be greater than 100%",
        ),
    ],
)
def test_a_deployment_out_of_rule_names_field_and_rule(spec: dict[str, Any], field: str, message: str) -> None:
    found = causes(deployment(**spec))
    assert [each[0] for each in found] == [field]
    assert message in found[0][1]


def test_a_surge_may_be_more_than_all() -> None:
    assert causes(deployment(strategy={"rollingUpdate": {"maxSurge": "200%", "maxUnavailable": 0}})) == []


def test_a_selector_is_required() -> None:
    obj = deployment()
    del obj["spec"]["selector"]
    assert causes(obj)[0][0] == "spec.selector"
    assert "Required value" in causes(obj)[0][1]


def test_a_selector_is_chosen_once() -> None:
    old, new = deployment(), deployment(selector={"matchExpressions": [{"key": "app", "operator": "Exists"}]})
    ((field, message),) = causes(new, old)
    assert field == "spec.selector"
    assert message.endswith("field is immutable")


def test_a_template_runs_for_ever_and_says_so() -> None:
    obj = deployment()
    obj["spec"]["template"]["spec"].update(restartPolicy="Never", nodeName="n")
    obj["spec"]["template"]["metadata"]["labels"]["-"] = "x"
    assert [field for field, _ in causes(obj)] == [
        "spec.template.metadata.labels",
        "spec.template.spec.restartPolicy",
        "spec.template.spec.nodeName",
    ]
    assert causes(obj)[1][1] == 'Unsupported value: "Never": supported values: "Always"'


def test_an_empty_deployment_is_refused_not_a_crash() -> None:
    obj: dict[str, Any] = {"metadata": {"name": "web"}}
    DEPLOYMENT.default(obj)
    assert [field for field, _ in causes(obj)] == ["spec.selector", "spec.template.spec.containers"]


@pytest.mark.parametrize(
    ("value", "replicas", "up", "down"),
    [("25%", 4, 1, 1), ("25%", 3, 1, 0), ("25%", 10, 3, 2), (2, 10, 2, 2), ("0%", 5, 0, 0), ("100%", 3, 3, 3)],
)
def test_shares_round_up_for_surge_and_down_for_unavailable(
    value: int | str, replicas: int, up: int, down: int
) -> None:
    assert deployments.share(value, replicas, rounding="up") == up
    assert deployments.share(value, replicas, rounding="down") == down


def test_the_rows_kubectl_prints() -> None:
    obj = deployment(replicas=3)
    obj["metadata"]["creationTimestamp"] = "1970-01-01T00:00:00Z"
    obj["status"] = {"replicas": 3, "readyReplicas": 2, "updatedReplicas": 3, "availableReplicas": 1}
    wide = ["web", "nginx:1.27", "app=web"]
    assert [column.cell(obj, 5.0) for column in DEPLOYMENT.columns] == ["web", "2/3", 3, 1, "5s", *wide]
    assert [column.cell(obj, 5.0) for column in REPLICASET.columns] == ["web", 3, 3, 2, "5s", *wide]
    assert [column.name for column in DEPLOYMENT.columns if column.priority] == ["Containers", "Images", "Selector"]
    assert REPLICASET.field_selectors["status.replicas"](obj) == "3"


def test_a_row_of_an_object_without_status_or_selector() -> None:
    obj = workload()
    del obj["spec"]["selector"]
    assert [column.cell(obj, 0.0) for column in DEPLOYMENT.columns][1:5] == ["0/0", 0, 0, "<unknown>"]
    assert DEPLOYMENT.columns[-1].cell(obj, 0.0) == "<none>"
