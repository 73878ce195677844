"""Pod: defaults, rules, what is refused with what instead, and what may change."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from workloads.kinds import podspecs, registry
from workloads.kinds.base import Facts

KIND = registry.kind("Pod")


def pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    obj = {"metadata": {"name": "web-0"}, "spec": {"containers": list(containers) or [container()], **spec}}
    KIND.default(obj)
    return obj


def container(name: str = "web", **rest: Any) -> dict[str, Any]:
    return {"name": name, "image": "nginx:1.27", **rest}


def causes(obj: dict[str, Any], old: dict[str, Any] | None = None) -> list[tuple[str, str]]:
    return [(cause.field, cause.message) for cause in KIND.validate(obj, old)]


# --- defaults -----------------------------------------------------------------------------------------------------


def test_a_pod_gets_the_defaults_of_v1_once() -> None:
    reference = {"valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    obj = pod(container(ports=[{"containerPort": 80}], env=[{"name": "IP", **reference}], image="nginx"))
    spec = obj["spec"]
    assert (spec["restartPolicy"], spec["terminationGracePeriodSeconds"]) == ("Always", 30)
    assert spec["containers"][0]["imagePullPolicy"] == "Always"
    assert spec["containers"][0]["ports"] == [{"containerPort": 80, "protocol": "TCP"}]
    assert spec["containers"][0]["env"][0]["valueFrom"]["fieldRef"]["apiVersion"] == "v1"
    again = copy.deepcopy(obj)
    KIND.default(again)
    assert again == obj
    assert causes(obj) == []


def test_what_is_given_stays() -> None:
    given = container(
        imagePullPolicy="Never",
        ports=[{"containerPort": 53, "protocol": "UDP", "name": "dns"}],
        env=[
            {"name": "A", "value": "1"},
            {"name": "B", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}},
        ],
    )
    obj = pod(
        copy.deepcopy(given), restartPolicy="Never", terminationGracePeriodSeconds=0, serviceAccountName="default"
    )
    assert obj["spec"]["containers"][0].items() >= given.items()
    assert obj["spec"]["serviceAccount"] == "default"
    assert obj["spec"]["terminationGracePeriodSeconds"] == 0
    assert causes(obj) == []


def test_requests_and_limits_fill_each_other_and_become_canonical() -> None:
    obj = pod(container(resources={"limits": {"cpu": "0.5"}, "requests": {"memory": "1024Mi"}}))
    both = {"cpu": "500m", "memory": "1Gi"}
    assert obj["spec"]["containers"][0]["resources"] == {"limits": both, "requests": both}


def test_a_mistake_in_a_limit_is_told_once() -> None:
    obj = pod(container(resources={"limits": {"cpu": "-1", "memory": "1 Gi"}}))
    assert [field.rpartition("resources.")[2] for field, _ in causes(obj)] == ["limits.cpu", "limits.memory"]


def test_an_empty_pod_is_refused_not_a_crash() -> None:
    obj: dict[str, Any] = {"metadata": {"name": "a"}}
    KIND.default(obj)
    assert causes(obj) == [("spec.containers", "Required value: a pod needs at least one container")]


def test_service_links_are_on_unless_said_and_stay_as_they_were() -> None:
    old = pod(container())
    KIND.prepare(old, None)
    assert old["spec"]["enableServiceLinks"] is True
    new = pod(container())
    KIND.prepare(new, old)
    assert causes(new, old) == []
    assert new["spec"]["enableServiceLinks"] is True


def test_a_pod_begins_pending_with_its_quality_of_service() -> None:
    obj = pod(container(resources={"limits": {"cpu": 1, "memory": "2Gi"}}))
    KIND.prepare(obj, None)
    assert obj["status"] == {"phase": "Pending", "qosClass": "Guaranteed"}


@pytest.mark.parametrize(
    ("resources", "quality"),
    [
        ({}, "BestEffort"),
        ({"limits": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "2Gi"}}, "Guaranteed"),
    ],
)
def test_the_quality_of_service_follows_kubernetes(resources: dict[str, Any], quality: str) -> None:
    obj = pod(container(resources=resources))
    KIND.prepare(obj, None)
    assert obj["status"]["qosClass"] == quality


# --- rules --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"name": ""}, "name", "Required value"),
        ({"name": "Web"}, "name", "a lowercase RFC 1123 label"),
        ({"image": ""}, "image", "give the image the container is made from"),
        ({"image": "a b"}, "image", "must be an image reference"),
        ({"imagePullPolicy": "Sometimes"}, "imagePullPolicy", '"Always", "IfNotPresent", "Never"'),
        ({"env": [{"name": ""}]}, "env[0].name", "Required value"),
        ({"env": [{"name": "1"}]}, "env[0].name", "a valid environment variable name"),
        ({"ports": [{}]}, "ports[0].containerPort", "Required value"),
        ({"ports": [{"containerPort": 70000}]}, "ports[0].containerPort", "must be between 1 and 65535"),
        ({"ports": [{"containerPort": 80, "name": "a_b"}]}, "ports[0].name", "must contain only alpha-numeric"),
        ({"ports": [{"containerPort": 80, "protocol": "tcp"}]}, "ports[0].protocol", '"SCTP", "TCP", "UDP"'),
        ({"ports": [{"containerPort": 80, "hostPort": 80}]}, "ports[0].hostPort", "the host's ports are not offered"),
        (
            {"ports": [{"containerPort": 80, "hostIP": "1.1.1.1"}]},
            "ports[0].hostIP",
            "the host's ports are not offered",
        ),
        (
            {"ports": [{"containerPort": 80, "name": "a"}, {"containerPort": 81, "name": "a"}]},
            "ports[1].name",
            'Duplicate value: "a"',
        ),
        ({"resources": {"limits": {"cpu": "1 m"}}}, "resources.limits.cpu", "is not a quantity"),
        ({"resources": {"limits": {"cpu": "-1"}}}, "resources.limits.cpu", "must be greater than or equal to 0"),
        (
            {"resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "2"}}},
            "resources.requests.cpu",
            "must be less than or equal to cpu limit of 1",
        ),
        (
            {"resources": {"limits": {"ephemeral-storage": "1Gi"}, "requests": {"ephemeral-storage": "2Gi"}}},
            "resources.requests.ephemeral-storage",
            "must be less than or equal to ephemeral-storage limit of 1Gi",
        ),
        (
            {"resources": {"limits": {"ephemeral-storage": "a lot"}}},
            "resources.limits.ephemeral-storage",
            "is not a quantity",
        ),
        (
            {"resources": {"limits": {"example.com/card": "1"}}},
            "resources.limits[example.com/card]",
            "is not offered",
        ),
        ({"resources": {"claims": [{"name": "a"}]}}, "resources.claims", "is not supported yet"),
        (
            {"securityContext": {"privileged": True}},
            "securityContext.privileged",
            "privileged containers are not offered",
        ),
        ({"livenessProbe": {"grpc": {"port": 0}}}, "livenessProbe.grpc.port", "must be between 1 and 65535"),
        ({"restartPolicy": "Always"}, "restartPolicy", "may not be set for non-init containers"),
        ({"volumeMounts": [{"name": "a", "mountPath": "/a"}]}, "volumeMounts[0].name", "Not found"),
        ({"envFrom": [{}]}, "envFrom[0]", "must specify one of: `configMapRef` or `secretRef`"),
        ({"envFrom": [{"configMapRef": {}}]}, "envFrom[0].configMapRef.name", "Required value"),
        (
            {"envFrom": [{"prefix": "1", "secretRef": {"name": "s"}}]},
            "envFrom[0].prefix",
            "must not start with a digit",
        ),
        ({"envFrom": [{"configMapRef": {}, "secretRef": {}}]}, "envFrom[0]", "may not have more than one field"),
        ({"terminationMessagePolicy": "Log"}, "terminationMessagePolicy", '"FallbackToLogsOnError", "File"'),
    ],
)
def test_a_container_out_of_rule_names_field_and_rule(change: dict[str, Any], field: str, message: str) -> None:
    found = causes(pod({**container(), **change}))
    assert [each[0] for each in found] == [f"spec.containers[0].{field}"]
    assert message in found[0][1]


@pytest.mark.parametrize(
    "harmless",
    [
        {"securityContext": {}},
        {"securityContext": {"privileged": False, "allowPrivilegeEscalation": False}},
        {"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}},
        {"envFrom": [], "volumeMounts": [], "terminationMessagePolicy": "File"},
        {"terminationMessagePath": "/tmp/why", "terminationMessagePolicy": "FallbackToLogsOnError"},
        {"stdin": True, "stdinOnce": True, "tty": True, "workingDir": "/tmp", "command": ["a"], "args": ["b"]},
    ],
)
def test_what_means_what_happens_anyway_is_accepted(harmless: dict[str, Any]) -> None:
    assert causes(pod(container(**harmless))) == []


def test_container_names_are_not_used_twice() -> None:
    assert causes(pod(container("a"), container("b"), container("a"))) == [
        ("spec.containers[2].name", 'Duplicate value: "a"')
    ]


@pytest.mark.parametrize(
    "path",
    [
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
        "spec.nodeName",
        "status.hostIP",
        "status.podIP",
        "status.podIPs",
        "spec.serviceAccountName",
        "metadata.labels['app']",
        "metadata.annotations['example.com/x']",
    ],
)
def test_env_may_come_from_the_pod_itself(path: str) -> None:
    assert causes(pod(container(env=[{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": path}}}]))) == []


@pytest.mark.parametrize(
    ("source", "field", "message"),
    [
        ({}, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"),
        ({"fieldRef": {}, "secretKeyRef": {}}, "", "may not have more than one field specified at a time"),
        ({"secretKeyRef": {"name": "s"}}, ".secretKeyRef.key", "Required value"),
        ({"configMapKeyRef": {"key": "k"}}, ".configMapKeyRef.name", "Required value"),
        ({"configMapKeyRef": {"name": "C", "key": "k"}}, ".configMapKeyRef.name", "RFC 1123 subdomain"),
        ({"secretKeyRef": {"name": "s", "key": "a/b"}}, ".secretKeyRef.key", "a valid config key"),
        ({"fileKeyRef": {}}, ".fileKeyRef", "is not supported yet"),
        ({"resourceFieldRef": {}}, ".resourceFieldRef.resource", "Required value"),
        ({"resourceFieldRef": {"resource": "limits.gpu"}}, ".resourceFieldRef.resource", "Unsupported value"),
        (
            {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1k"}},
            ".resourceFieldRef.divisor",
            "only divisor's values 1m, 1 are supported with the cpu resource",
        ),
        ({"fieldRef": {"fieldPath": ""}}, ".fieldRef.fieldPath", "Required value"),
        ({"fieldRef": {"fieldPath": "status.phase"}}, ".fieldRef.fieldPath", "Unsupported value"),
        ({"fieldRef": {"fieldPath": "metadata.labels['']"}}, ".fieldRef.fieldPath", "name part must be non-empty"),
        ({"fieldRef": {"apiVersion": "v2", "fieldPath": "metadata.name"}}, ".fieldRef.apiVersion", "Unsupported value"),
    ],
)
def test_env_may_not_come_from_elsewhere(source: dict[str, Any], field: str, message: str) -> None:
    ((where, said),) = causes(pod(container(env=[{"name": "A", "valueFrom": source}])))
    assert where == f"spec.containers[0].env[0].valueFrom{field}"
    assert message in said


def test_a_variable_has_a_value_or_a_source_not_both() -> None:
    variable = {"name": "A", "value": "1", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    ((_, said),) = causes(pod(container(env=[variable])))
    assert "may not be specified when `value` is not empty" in said


@pytest.mark.parametrize(
    ("spec", "field", "message"),
    [
        ({"hostNetwork": True}, "hostNetwork", "each pod has its own address"),
        ({"hostPID": True}, "hostPID", "the host's processes are not offered"),
        ({"hostIPC": True}, "hostIPC", "the host's IPC is not offered"),
        (
            {"volumes": [{"name": "a", "hostPath": {"path": "/"}}]},
            "volumes[0].hostPath",
            "put what the container needs into its image",
        ),
        ({"volumes": [{"name": "a", "nfs": {}}]}, "volumes[0].nfs", "is not supported yet"),
        ({"nodeSelector": {"a": "b"}}, "nodeSelector", "there are no nodes to choose from"),
        ({"nodeName": "n1"}, "nodeName", "the service chooses where a pod runs"),
        ({"initContainers": [container()]}, "initContainers[0].name", "Duplicate value"),
        ({"activeDeadlineSeconds": 0}, "activeDeadlineSeconds", "must be between 1 and 2147483647, inclusive"),
        ({"dnsPolicy": "None"}, "dnsConfig", "must provide `dnsConfig` when `dnsPolicy` is None"),
        ({"securityContext": {"sysctls": [{}]}}, "securityContext.sysctls", "is not supported yet"),
        ({"imagePullSecrets": [{}]}, "imagePullSecrets[0].name", "Required value"),
        ({"schedulerName": "mine"}, "schedulerName", "there is one scheduler"),
        ({"os": {"name": "windows"}}, "os", "pods run on linux"),
        ({"restartPolicy": "Sometimes"}, "restartPolicy", '"Always", "OnFailure", "Never"'),
        ({"terminationGracePeriodSeconds": -1}, "terminationGracePeriodSeconds", "must be from 0 to 86400 seconds"),
        ({"hostname": "A b"}, "hostname", "a lowercase RFC 1123 label"),
    ],
)
def test_a_pod_out_of_rule_names_field_and_remedy(spec: dict[str, Any], field: str, message: str) -> None:
    found = [each for each in causes(pod(**spec)) if each[0] != "spec.serviceAccount"]
    assert [each[0] for each in found] == [f"spec.{field}"]
    assert message in found[0][1]


@pytest.mark.parametrize(
    "harmless",
    [
        {"hostNetwork": False, "hostPID": False, "volumes": [], "nodeSelector": {}, "affinity": {}},
        {"priority": 0, "preemptionPolicy": "PreemptLowerPriority", "enableServiceLinks": True},
        {"shareProcessNamespace": True, "enableServiceLinks": False},
        {"tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "tolerationSeconds": 300}]},
        {"automountServiceAccountToken": False, "serviceAccountName": "default", "hostname": "web"},
    ],
)
def test_what_real_manifests_carry_without_meaning_is_accepted(harmless: dict[str, Any]) -> None:
    assert causes(pod(**harmless)) == []


# --- updates ------------------------------------------------------------------------------------------------------


def running() -> dict[str, Any]:
    old = pod(container(resources={"limits": {"cpu": "1", "memory": "2Gi"}}))
    old["metadata"]["annotations"] = {podspecs.ANNOTATION: "1.00_2.0"}
    old["spec"]["nodeName"] = "n1"
    return old


def test_an_image_a_label_and_an_added_toleration_may_change() -> None:
    old, new = running(), running()
    new["spec"]["containers"][0]["image"] = "nginx:1.28"
    new["spec"]["tolerations"] = [{"key": "a"}]
    new["metadata"]["labels"] = {"x": "y"}
    assert causes(new, old) == []


@pytest.mark.parametrize(
    "change",
    [
        {"restartPolicy": "Never"},
        {"containers": [container("web"), container("more")]},
        {"nodeName": "n2"},
        {"terminationGracePeriodSeconds": 5},
    ],
)
def test_the_rest_of_a_spec_may_not(change: dict[str, Any]) -> None:
    old, new = running(), running()
    new["spec"].update(change)
    KIND.default(new)
    ((field, said),) = causes(new, old)
    assert field == "spec"
    assert said.startswith("Forbidden: pod updates may not change fields other than `spec.containers[*].image`")


def test_a_toleration_may_not_be_taken_away() -> None:
    old, new = running(), running()
    old["spec"]["tolerations"] = [{"key": "a"}]
    assert [field for field, _ in causes(new, old)] == ["spec"]


def test_a_node_is_given_once() -> None:
    old, new = running(), running()
    del old["spec"]["nodeName"]
    assert causes(new, old) == []


def test_the_billed_size_is_kept_for_life() -> None:
    old, new = running(), running()
    new["metadata"]["annotations"][podspecs.ANNOTATION] = "2.00_4.0"
    ((field, said),) = causes(new, old)
    assert field == "metadata.annotations[resource.cci.io/pod-size-specs]"
    assert "a pod keeps the specification it is billed for" in said


def test_what_the_service_wrote_and_an_update_leaves_out_stays() -> None:
    old = running()
    new = pod(container(resources={"limits": {"cpu": "1", "memory": "2Gi"}}))
    KIND.prepare(new, old)
    assert causes(new, old) == []
    assert new["spec"]["nodeName"] == "n1"
    assert podspecs.annotation(new) == "1.00_2.0"


def test_a_pod_without_size_or_node_keeps_none() -> None:
    old, new = pod(), pod()
    KIND.prepare(new, old)
    assert "annotations" not in new["metadata"]
    assert "nodeName" not in new["spec"]


# --- selection ----------------------------------------------------------------------------------------------------


def test_fields_it_is_selected_by() -> None:
    obj = running()
    obj["status"] = {"phase": "Running", "podIP": "10.0.0.2"}
    chosen = {field: value(obj) for field, value in KIND.field_selectors.items()}
    assert chosen == {
        "status.phase": "Running",
        "status.podIP": "10.0.0.2",
        "status.nominatedNodeName": "",
        "spec.nodeName": "n1",
        "spec.restartPolicy": "Always",
        "spec.schedulerName": "default-scheduler",
        "spec.serviceAccountName": "",
    }
    assert KIND.facts(obj) == Facts(phase="Running", node="n1", health="changing", images="nginx:1.27")
