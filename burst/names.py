"""What things are called on both sides: deterministic, so that after a crash what is there is found. Pure."""

from __future__ import annotations

import hashlib
from typing import Any

JSON = dict[str, Any]

LONGEST_NAME = 253
LONGEST_LABEL = 63

NODE = "virtual-kubelet"
TAINT = {"key": "virtual-kubelet.io/provider", "value": "huawei", "effect": "NoSchedule"}
NODE_LABELS = {
    "type": "virtual-kubelet",
    "kubernetes.io/role": "agent",
    "kubernetes.io/os": "linux",
    "kubernetes.io/arch": "amd64",
    "node.kubernetes.io/exclude-from-external-load-balancers": "true",
}

POLICY_LABEL = "virtual-kubelet.io/burst-to-cci"
"""auto | localPrefer | enforce | off, on a pod or a workload."""
POLICY_MARK = "burst.cci.io/policy"
"""The policy that the webhook gave a pod, as a label on it: by this pods that may burst are found wherever they run."""
CPU_ANNOTATION = "virtual-kubelet.cci.io/burst-pod-cpu"
MEMORY_ANNOTATION = "virtual-kubelet.cci.io/burst-pod-memory"
"""The size that a burst pod was rounded to: cores (`0.25`) and whole GiB (`1Gi`)."""
IMAGES_ANNOTATION = "coordinator.cci.io/image-replace"
"""`[{"repositoryPrefix": "registry.local/app", "replaceWith": "registry.example.com/app"}]` on a pod."""

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
"""Kubernetes': of a workload's pods, those with the least go first when it shrinks."""
COST_THERE = "burst.cci.io/deletion-cost"
"""On a pod of a ScheduleProfile: what that becomes where the pod is given to the virtual node."""

CLUSTER_LABEL = "burst.cci.io/cluster"
NAMESPACE_LABEL = "burst.cci.io/namespace"
UID_LABEL = "burst.cci.io/pod-uid"
"""On what the add-on makes in CCI: whose it is."""
POD_ANNOTATION = "burst.cci.io/pod"
SOURCE_ANNOTATION = "burst.cci.io/source"
"""`<kind>/<namespace>/<name>` of what a ConfigMap or Secret in CCI is a copy of."""
HEARTBEAT_LEASE = "burst-heartbeat"
"""The Lease in the CCI namespace by which the service sees that the cluster is there."""
GRACE_ANNOTATION = "burst.cci.io/grace-seconds"
LOCAL_ANNOTATION = "burst.cci.io/local-pods"
"""On that Lease: how many pods that may burst run on the cluster's own nodes."""

SIZE_ANNOTATION = "resource.cci.io/pod-size-specs"
ROUND_ANNOTATION = "resource.cci.io/auto-normalize"


def namespace_of(cluster_id: str) -> str:
    """The CCI namespace of a cluster's pods."""
    return f"cce-burst-{cluster_id}"


def pod_name(namespace: str, name: str) -> str:
    """A pod's name in CCI. Not free of collisions (`a-b` and `c`, `a` and `b-c`): the labels say whose it is."""
    return f"{namespace}-{name}"


def copy_name(kind: str, namespace: str, name: str) -> str:
    """The name in CCI of a ConfigMap or Secret of the cluster: of one source alone, however they are called, because a
    Secret must never be taken for another namespace's."""
    return _with_digest(f"{namespace}-{name}", f"{kind}/{namespace}/{name}")


def fields_name(namespace: str, pod: str, uid: str) -> str:
    """Of the ConfigMap with the fields of one pod that its files show."""
    return _with_digest(f"{namespace}-{pod}-fields", f"fields/{uid}")


def tokens_name(namespace: str, pod: str, uid: str) -> str:
    """Of the Secret with the service-account tokens of one pod."""
    return _with_digest(f"{namespace}-{pod}-tokens", f"tokens/{uid}")


def hostname(pod: str) -> str:
    """What a pod's containers take for their host's name: the pod's, as a kubelet cuts it."""
    return pod.replace(".", "-")[:LONGEST_LABEL].rstrip("-")


def owner_labels(cluster_id: str, namespace: str, uid: str) -> dict[str, str]:
    return {CLUSTER_LABEL: cluster_id, NAMESPACE_LABEL: namespace, UID_LABEL: uid}


def _with_digest(text: str, identity: str) -> str:
    digest = hashlib.sha256(identity.encode()).hexdigest()[:10]
    return f"{text[: LONGEST_NAME - 11].rstrip('.-')}-{digest}"
