"""From a pod, as the API shows it, to what a runtime must know of it. Pure: no I/O, no clock, no runtime.

A pod's own address is known only when its sandbox exists, so a pod is translated twice: once to get the sandbox, and
again with `pod_ip` before its containers are created. Both times everything else comes out the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workloads.meta import quantity
from workloads.meta.keys import Uid
from workloads.runtimes import gpus, security, services, volumespecs
from workloads.runtimes.bags import Bags, Missing
from workloads.runtimes.base import AliasSpec, ContainerSpec, DnsSpec, NetworkSpec, SandboxSpec
from workloads.runtimes.environment import Facts, Untranslatable, environment, expand

__all__ = ("Untranslatable", "expand", "hostname", "missing", "missing_volumes", "network", "sandbox")

JSON = Mapping[str, Any]

SIZE_ANNOTATION = "resource.cci.io/pod-size-specs"
ACCOUNT_LABEL = "cci.io/account"
CLUSTER_DOMAIN = "cluster.local"
LONGEST_HOST_NAME = 64
"""The kernel's word."""
NAMESPACE_LABEL = "cci.io/namespace"

_NO_BAGS = Bags()


def network(obj: JSON, *, account: str) -> NetworkSpec:
    """The bridge network of a namespace, from its Network object. The name carries the Network's uid, so that a
    namespace that is deleted and made again never meets its former network."""
    metadata = obj["metadata"]
    cidr = (obj.get("status") or {}).get("cidr") or obj["spec"].get("cidr") or ""
    return NetworkSpec(
        name=f"cci-{metadata['namespace']}-{metadata['uid']}",
        cidr=cidr,
        labels={ACCOUNT_LABEL: account, NAMESPACE_LABEL: metadata["namespace"]},
    )


def sandbox(
    pod: JSON,
    *,
    account: str,
    network: NetworkSpec,
    bags: Bags = _NO_BAGS,
    pod_ip: str = "",
    host_ip: str = "",
    node: str = "",
    api: str = "",
    names: str = "",
) -> SandboxSpec:
    """Everything a runtime must know of `pod`. What `missing` says of a container is left out of it: that one must not
    be started. `api` is where pods reach the Kubernetes API, `names` where they ask for names, "" nowhere. Raises
    Untranslatable, and QuantityError for a limit that is none."""
    metadata, spec = pod["metadata"], pod["spec"]
    cpu, memory = ceiling(pod)
    facts = _facts(pod, bags, pod_ip=pod_ip, host_ip=host_ip, node=node, api=api)
    listed = (*(spec.get("initContainers") or ()), *spec["containers"])
    devices = gpus.of_containers(pod)
    containers = tuple(_container(container, pod, facts, devices[container["name"]]) for container in listed)
    return SandboxSpec(
        uid=Uid(metadata["uid"]),
        account=account,
        namespace=metadata["namespace"],
        name=metadata["name"],
        network=network,
        hostname=_kernel_name(pod),
        containers=containers,
        cpu_millis=cpu,
        memory_bytes=memory,
        labels=metadata.get("labels") or {},
        volumes=volumespecs.volumes(pod, facts),
        names=_names(pod),
        aliases=tuple(AliasSpec(one["ip"], tuple(one.get("hostnames") or ())) for one in spec.get("hostAliases") or ()),
        services=services.aliases(api),
        dns=_dns(pod, names),
        shared_processes=bool(spec.get("shareProcessNamespace")),
    )


def missing(pod: JSON, container: JSON, bags: Bags) -> str:
    """Why this container cannot be made yet, as the kubelet says it; "" when everything it names is there."""
    try:
        environment(container, _facts(pod, bags))
    except Missing as error:
        return str(error)
    return ""


def missing_volumes(pod: JSON, bags: Bags) -> str:
    """Why the pod's volumes cannot be made yet; "" when they can."""
    return volumespecs.missing(pod, _facts(pod, bags))


def ceiling(pod: JSON) -> tuple[int, int]:
    """(millicores, bytes) of the pod specification; without the annotation, the sum over the containers."""
    size = (pod["metadata"].get("annotations") or {}).get(SIZE_ANNOTATION)
    if not size:
        limits = [(container.get("resources") or {}).get("limits") or {} for container in pod["spec"]["containers"]]
        cpu = sum(quantity.millicores(each.get("cpu", 0)) for each in limits)
        return cpu, sum(quantity.whole(each.get("memory", 0)) for each in limits)
    cores, _, gib = size.partition("_")
    return quantity.millicores(cores), quantity.whole(f"{gib}Gi")


def hostname(pod: JSON) -> str:
    """`spec.hostname`, else the pod's name cut to what a host name may be."""
    name: str = pod["spec"].get("hostname") or pod["metadata"]["name"]
    return name[:63].rstrip("-.")


def _names(pod: JSON) -> tuple[str, ...]:
    """With a subdomain, its full name first."""
    short, subdomain = hostname(pod), pod["spec"].get("subdomain")
    if not subdomain:
        return (short,)
    return f"{short}.{subdomain}.{pod['metadata']['namespace']}.svc.{CLUSTER_DOMAIN}", short


def _kernel_name(pod: JSON) -> str:
    full = _names(pod)[0]
    if not pod["spec"].get("setHostnameAsFQDN"):
        return hostname(pod)
    if len(full) > LONGEST_HOST_NAME:
        raise Untranslatable(
            f"failed to construct FQDN from pod hostname and cluster domain, FQDN {full} is too long "
            f"({LONGEST_HOST_NAME} characters is the max, {len(full)} characters requested)"
        )
    return full


def asks_for_names(pod: JSON) -> bool:
    """Of the installation. A pod of another policy asks whom the host asks, or whom it names itself."""
    return pod["spec"].get("dnsPolicy", "ClusterFirst") in ("ClusterFirst", "ClusterFirstWithHostNet")


def _dns(pod: JSON, server: str) -> DnsSpec:
    spec, services = pod["spec"], f"svc.{CLUSTER_DOMAIN}"
    config, cluster = spec.get("dnsConfig") or {}, server if asks_for_names(pod) else ""
    domains = f"{pod['metadata']['namespace']}.{services}", services, CLUSTER_DOMAIN
    return DnsSpec(
        alone=spec.get("dnsPolicy") == "None",
        cluster=cluster,
        domains=domains if cluster else (),
        nameservers=tuple(config.get("nameservers") or ()),
        searches=tuple(config.get("searches") or ()),
        options=tuple((option["name"], option.get("value") or "") for option in config.get("options") or ()),
    )


def _container(container: JSON, pod: JSON, facts: Facts, devices: tuple[str, ...]) -> ContainerSpec:
    variables = environment(container, facts, lenient=True)
    limits = (container.get("resources") or {}).get("limits") or {}
    return ContainerSpec(
        name=container["name"],
        image=container["image"],
        command=_words(container.get("command"), variables),
        args=_words(container.get("args"), variables),
        environment=variables,
        working_dir=container.get("workingDir") or "",
        cpu_millis=quantity.millicores(limits.get("cpu", 0)),
        memory_bytes=quantity.whole(limits.get("memory", 0)),
        stdin=bool(container.get("stdin")),
        stdin_once=bool(container.get("stdin") and container.get("stdinOnce")),
        tty=bool(container.get("tty")),
        mounts=volumespecs.mounts(container, pod, variables),
        security=security.effective(pod, container),
        message_path=container.get("terminationMessagePath") or "",
        gpus=devices,
    )


def _facts(pod: JSON, bags: Bags, *, pod_ip: str = "", host_ip: str = "", node: str = "", api: str = "") -> Facts:
    cpu, memory = ceiling(pod)
    fields = _fields(pod, pod_ip=pod_ip, host_ip=host_ip, node=node)
    ceilings = {"cpu": cpu, "memory": memory}
    told = services.environment(api) | services.links(bags.services)
    return Facts(fields=fields, bags=bags, ceiling=ceilings, services=told)


def _fields(pod: JSON, *, pod_ip: str, host_ip: str, node: str) -> dict[str, str]:
    """What a `fieldRef` may name, by path."""
    metadata, spec = pod["metadata"], pod["spec"]
    fields = {
        "metadata.name": metadata["name"],
        "metadata.namespace": metadata["namespace"],
        "metadata.uid": metadata["uid"],
        "spec.nodeName": node or spec.get("nodeName") or "",
        "spec.serviceAccountName": spec.get("serviceAccountName") or "default",
        "status.hostIP": host_ip,
        "status.hostIPs": host_ip,
        "status.podIP": pod_ip,
        "status.podIPs": pod_ip,
    }
    for kind in ("labels", "annotations"):
        for name, value in (metadata.get(kind) or {}).items():
            fields[f"metadata.{kind}['{name}']"] = value
    return fields


def _words(words: list[str] | None, variables: Mapping[str, str]) -> tuple[str, ...] | None:
    """An empty list means the same as none, as in Kubernetes."""
    if not words:
        return None
    return tuple(expand(word, variables) for word in words)
