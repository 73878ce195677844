"""The manifest that installs the bursting add-on in a cluster, for one account. Pure."""

from __future__ import annotations

import base64
from typing import Any

import yaml

from iam.authenticator import NAME, VERSIONS

JSON = dict[str, Any]

PLACE = "kube-system"
ADDON = "cci-burst"
KUBELET_PORT, WEBHOOK_PORT = 10250, 9443
IMAGE = "cci-burst:latest"
YOUR_AK, YOUR_SK = "YOUR_AK", "YOUR_SK"
_NODE = "virtual-kubelet"
_LEASES = "kube-node-lease"
"""Where a cluster looks for a node's heartbeat."""
_COORDINATION, _RBAC = "coordination.k8s.io", "rbac.authorization.k8s.io"
_SCRATCH = "/tmp"  # noqa: S108 - of the add-on's container, an emptyDir
_LABELS = {"app.kubernetes.io/name": ADDON}


def install(*, cluster: str, server: str, authority: str, region: str, image: str = IMAGE) -> str:
    """YAML. `server` is CCI's API as the cluster reaches it, `authority` the PEM text that it is checked by."""
    objects = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _metadata()},
        _cluster_role(),
        _binding(),
        *_in(PLACE, _place_rules()),
        *_in(_LEASES, _heartbeat_rules()),
        _secret(server, authority, region),
        _service(),
        _deployment(cluster, image),
    ]
    return "---\n".join(yaml.safe_dump(one, sort_keys=False, width=120) for one in objects)


def _metadata(**more: Any) -> JSON:
    return {"name": ADDON, "namespace": PLACE, "labels": dict(_LABELS)} | more


def _rule(group: str, resources: list[str], verbs: list[str]) -> JSON:
    return {"apiGroups": [group], "resources": resources, "verbs": verbs}


def _of(name: str, group: str, resource: str, verbs: str) -> JSON:
    """Of one object alone. `create` cannot be given so: a request to create does not name its object."""
    return _rule(group, [resource], verbs.split()) | {"resourceNames": [name]}


def _cluster_role() -> JSON:
    """What the add-on asks of the whole cluster. Pods can be anybody's, so what they need is read everywhere."""
    rules = [
        _rule("", ["nodes"], ["create"]),
        _of(_NODE, "", "nodes", "get patch delete"),
        _of(_NODE, "", "nodes/status", "patch"),
        _rule("", ["pods"], ["get", "list", "watch", "patch", "delete"]),
        _rule("", ["pods/status"], ["patch"]),
        _rule("", ["configmaps", "secrets"], ["get", "list", "watch"]),
        _rule("", ["serviceaccounts/token"], ["create"]),
        _rule("", ["events"], ["get", "create", "patch"]),
        _rule("apps", ["deployments", "replicasets", "statefulsets"], ["get"]),
        _rule("batch", ["jobs", "cronjobs"], ["get"]),
        _rule("scheduling.cci.io", ["scheduleprofiles"], ["list"]),
        _rule("certificates.k8s.io", ["certificatesigningrequests"], ["create", "list", "watch"]),
        _rule("authentication.k8s.io", ["tokenreviews"], ["create"]),
        _rule("authorization.k8s.io", ["subjectaccessreviews"], ["create"]),
        _rule("admissionregistration.k8s.io", ["mutatingwebhookconfigurations"], ["create"]),
        _of(ADDON, "admissionregistration.k8s.io", "mutatingwebhookconfigurations", "get update"),
    ]
    metadata = {"name": ADDON, "labels": dict(_LABELS)}
    return {"apiVersion": f"{_RBAC}/v1", "kind": "ClusterRole", "metadata": metadata, "rules": rules}


def _place_rules() -> list[JSON]:
    """The webhook's certificate, and the Lease by which replicas elect."""
    return [
        _rule("", ["secrets"], ["create"]),
        _rule(_COORDINATION, ["leases"], ["create"]),
        _of(ADDON, _COORDINATION, "leases", "get update"),
    ]


def _heartbeat_rules() -> list[JSON]:
    """The Lease by which the cluster sees that the node is alive."""
    return [_rule(_COORDINATION, ["leases"], ["create"]), _of(_NODE, _COORDINATION, "leases", "patch delete")]


def _in(namespace: str, rules: list[JSON]) -> list[JSON]:
    """A Role for `namespace` alone, and its binding."""
    metadata = _metadata(namespace=namespace)
    return [
        {"apiVersion": f"{_RBAC}/v1", "kind": "Role", "metadata": metadata, "rules": rules},
        _bound("RoleBinding", "Role", metadata),
    ]


def _binding() -> JSON:
    return _bound("ClusterRoleBinding", "ClusterRole", {"name": ADDON, "labels": dict(_LABELS)})


def _bound(kind: str, role: str, metadata: JSON) -> JSON:
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": kind,
        "metadata": metadata,
        "roleRef": {"apiGroup": _RBAC, "kind": role, "name": ADDON},
        "subjects": [{"kind": "ServiceAccount", "name": ADDON, "namespace": PLACE}],
    }


def _secret(server: str, authority: str, region: str) -> JSON:
    """The kubeconfig of CCI: an access key, with which the add-on gets tokens as kubectl does."""
    cluster, user = f"cci-cluster-{region}", f"cci-user-{region}"
    plugin = {
        "apiVersion": VERSIONS[0],
        "command": NAME,
        "args": ["token", f"--iam-endpoint={server}", f"--ak={YOUR_AK}"],
        "env": [{"name": "CCI_SK", "value": YOUR_SK}, {"name": "CCI_CACHE_DIR", "value": f"{_SCRATCH}/cci"}],
        "interactiveMode": "Never",
        "provideClusterInfo": True,
    }
    trust = base64.b64encode(authority.encode()).decode()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster, "cluster": {"server": server, "certificate-authority-data": trust}}],
        "users": [{"name": user, "user": {"exec": plugin}}],
        "contexts": [{"name": "cci", "context": {"cluster": cluster, "user": user}}],
        "current-context": "cci",
    }
    text = yaml.safe_dump(config, sort_keys=False, width=4096)
    metadata = _metadata(name=f"{ADDON}-kubeconfig")
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"kubeconfig": text}}


def _service() -> JSON:
    ports = [{"name": "webhook", "port": 443, "targetPort": WEBHOOK_PORT}]
    spec = {"selector": dict(_LABELS), "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": _metadata(), "spec": spec}


def _deployment(cluster: str, image: str) -> JSON:
    container = {
        "name": ADDON,
        "image": image,
        "args": [
            f"--cluster-id={cluster}",
            "--cci-kubeconfig=/etc/cci/kubeconfig",
            f"--kubelet-port={KUBELET_PORT}",
            f"--webhook-port={WEBHOOK_PORT}",
            f"--webhook-service={PLACE}/{ADDON}",
            f"--lease-namespace={PLACE}",
        ],
        "env": [_field("POD_IP", "status.podIP"), _field("POD_NAME", "metadata.name")],
        "ports": [
            {"name": "kubelet", "containerPort": KUBELET_PORT},
            {"name": "webhook", "containerPort": WEBHOOK_PORT},
        ],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": "webhook", "scheme": "HTTPS"}},
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": "kubelet", "scheme": "HTTPS"}},
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "cci", "mountPath": "/etc/cci", "readOnly": True},
            {"name": "tmp", "mountPath": _SCRATCH},
        ],
    }
    spec = {
        "serviceAccountName": ADDON,
        "priorityClassName": "system-cluster-critical",
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [
            {"name": "cci", "secret": {"secretName": f"{ADDON}-kubeconfig"}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }
    template = {"metadata": {"labels": dict(_LABELS)}, "spec": spec}
    body = {"replicas": 2, "selector": {"matchLabels": dict(_LABELS)}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": _metadata(), "spec": body}


def _field(name: str, path: str) -> JSON:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}
