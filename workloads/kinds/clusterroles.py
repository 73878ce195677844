"""The ClusterRoles of every account: cluster-admin, admin, edit and view, as Kubernetes has them, over what is served.

What is refused by name (StatefulSets, DaemonSets, ...) stands in no rule. `view` reads no Secrets: with a Secret of a
ServiceAccount one could become that account.
"""

from __future__ import annotations

import uuid
from typing import Any

JSON = dict[str, Any]

GROUP = "rbac.authorization.k8s.io"
API_VERSION = f"{GROUP}/v1"
CLUSTER_ADMIN = "cluster-admin"

_READ = ("get", "list", "watch")
_WRITE = ("create", "delete", "deletecollection", "patch", "update")
_ALL = (*_READ, *_WRITE)


def _rule(group: str, resources: tuple[str, ...], verbs: tuple[str, ...]) -> JSON:
    return {"apiGroups": [group], "resources": sorted(resources), "verbs": sorted(verbs)}


_VIEW = (
    _rule(
        "",
        (
            "configmaps",
            "endpoints",
            "persistentvolumeclaims",
            "persistentvolumeclaims/status",
            "pods",
            "serviceaccounts",
            "services",
            "services/status",
        ),
        _READ,
    ),
    _rule(
        "",
        (
            "events",
            "limitranges",
            "namespaces/status",
            "pods/log",
            "pods/status",
            "resourcequotas",
            "resourcequotas/status",
        ),
        _READ,
    ),
    _rule("", ("namespaces",), _READ),
    _rule("events.k8s.io", ("events",), _READ),
    _rule("discovery.k8s.io", ("endpointslices",), _READ),
    _rule(
        "apps",
        (
            "deployments",
            "deployments/scale",
            "deployments/status",
            "replicasets",
            "replicasets/scale",
            "replicasets/status",
        ),
        _READ,
    ),
    _rule("autoscaling", ("horizontalpodautoscalers", "horizontalpodautoscalers/status"), _READ),
    _rule("batch", ("cronjobs", "cronjobs/status", "jobs", "jobs/status"), _READ),
    _rule("networking.k8s.io", ("ingresses", "ingresses/status"), _READ),
    _rule("networking.cci.io", ("networks", "networks/status"), _READ),
    _rule("autoscaling.cci.io", ("scalingpolicies", "scalingpolicies/status"), _READ),
    _rule("metrics.k8s.io", ("pods",), _READ),
)

_EDIT = (
    _rule("", ("pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "secrets", "services/proxy"), _READ),
    _rule("", ("serviceaccounts",), ("impersonate",)),
    _rule("", ("pods", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy"), _WRITE),
    _rule("", ("pods/eviction", "serviceaccounts/token"), ("create",)),
    _rule(
        "",
        (
            "configmaps",
            "events",
            "persistentvolumeclaims",
            "secrets",
            "serviceaccounts",
            "services",
            "services/proxy",
        ),
        _WRITE,
    ),
    _rule("events.k8s.io", ("events",), _WRITE),
    _rule("apps", ("deployments", "deployments/scale", "replicasets", "replicasets/scale"), _WRITE),
    _rule("autoscaling", ("horizontalpodautoscalers",), _WRITE),
    _rule("batch", ("cronjobs", "jobs"), _WRITE),
    _rule("networking.k8s.io", ("ingresses",), _WRITE),
    _rule("coordination.k8s.io", ("leases",), _ALL),
    _rule("autoscaling.cci.io", ("scalingpolicies",), _WRITE),
)

_ADMIN = (
    _rule("authorization.k8s.io", ("localsubjectaccessreviews",), ("create",)),
    _rule(GROUP, ("rolebindings", "roles"), _ALL),
)

_EVERYTHING: tuple[JSON, ...] = (
    {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
    {"nonResourceURLs": ["*"], "verbs": ["*"]},
)


def _role(name: str, rules: tuple[JSON, ...], words: str) -> JSON:
    return {
        "apiVersion": API_VERSION,
        "kind": "ClusterRole",
        "metadata": {
            "name": name,
            "uid": str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.{GROUP}")),
            "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
            "annotations": {"kubernetes.io/description": words},
        },
        "rules": list(rules),
    }


FIXED = (
    _role(CLUSTER_ADMIN, _EVERYTHING, "Everything."),
    _role("admin", (*_ADMIN, *_EDIT, *_VIEW), "Everything in a namespace, its Roles and RoleBindings included."),
    _role("edit", (*_EDIT, *_VIEW), "The work in a namespace, Secrets included; no Roles and RoleBindings."),
    _role("view", _VIEW, "Reads what is in a namespace, but no Secrets, Roles and RoleBindings."),
)
