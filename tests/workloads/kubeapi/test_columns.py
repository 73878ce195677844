"""A promise to people who know kubectl: the same columns as elsewhere, in the same order (from 1.33's own printers)."""

from __future__ import annotations

import pytest

from workloads.kinds import registry

UPSTREAM = {
    "ConfigMap": "Name, Data, Age",
    "CronJob": "Name, Schedule, Timezone, Suspend, Active, Last Schedule, Age | Containers, Images, Selector",
    "Deployment": "Name, Ready, Up-to-date, Available, Age | Containers, Images, Selector",
    "EndpointSlice": "Name, AddressType, Ports, Endpoints, Age",
    "Endpoints": "Name, Endpoints, Age",
    "Event": "Last Seen, Type, Reason, Object, Message | Subobject, Source, First Seen, Count, Name",
    "HorizontalPodAutoscaler": "Name, Reference, Targets, MinPods, MaxPods, Replicas, Age",
    "Ingress": "Name, Class, Hosts, Address, Ports, Age",
    "IngressClass": "Name, Controller, Parameters, Age",
    "Job": "Name, Status, Completions, Duration, Age | Containers, Images, Selector",
    "Lease": "Name, Holder, Age",
    "LimitRange": "Name, Created At",
    "Namespace": "Name, Status, Age",
    "Node": "Name, Status, Roles, Age, Version | Internal-IP, External-IP, OS-Image, Kernel-Version, Container-Runtime",
    "PersistentVolumeClaim": (
        "Name, Status, Volume, Capacity, Access Modes, StorageClass, VolumeAttributesClass, Age | VolumeMode"
    ),
    "Pod": "Name, Ready, Status, Restarts, Age | IP, Node, Nominated Node, Readiness Gates",
    "ReplicaSet": "Name, Desired, Current, Ready, Age | Containers, Images, Selector",
    "ResourceQuota": "Name, Request, Limit, Age",
    "Secret": "Name, Type, Data, Age",
    "Service": "Name, Type, Cluster-IP, External-IP, Port(s), Age | Selector",
    "ServiceAccount": "Name, Secrets, Age",
    "StorageClass": "Name, Provisioner, ReclaimPolicy, VolumeBindingMode, AllowVolumeExpansion, Age",
}


@pytest.mark.parametrize("kind", UPSTREAM)
def test_columns_are_upstreams(kind: str) -> None:
    columns = registry.kind(kind).columns
    plain, wide = ([one.name for one in columns if bool(one.priority) is is_wide] for is_wide in (False, True))
    assert " | ".join(", ".join(part) for part in (plain, wide) if part) == UPSTREAM[kind]


def test_its_own_verbs_make_quotas_and_list_what_there_is(kubectl):
    kube = kubectl("1.33")
    kube("create", "namespace", "shop")
    assert "resourcequota/rule created" in kube("-n", "shop", "create", "quota", "rule", "--hard=pods=2,limits.cpu=2")
    assert "limits.cpu" in kube("-n", "shop", "get", "quota", "rule", "-o", "yaml")
    assert "Resource" in kube("-n", "shop", "describe", "quota", "rule")
    listed = kube("api-resources", "-o", "name").split()
    for name in ("services", "endpoints", "resourcequotas", "limitranges", "nodes", "leases.coordination.k8s.io"):
        assert name in listed
    assert "ingresses.networking.k8s.io" in listed and "events.events.k8s.io" in listed
