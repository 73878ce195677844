"""From a pod, as the API shows it, to what a runtime must know of it. Pure: no I/O, no clock, no runtime.

A pod's own address is known only when its sandbox exists, so a pod is translated twice: once to get the sandbox, and
again with `pod_ip` before its containers are created. Both times everything else comes out the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from workloads.meta import quantity
from workloads.meta.keys import Uid
from workloads.runtimes.base import ContainerSpec, NetworkSpec, SandboxSpec

JSON = Mapping[str, Any]

SIZE_ANNOTATION = "resource.cci.io/pod-size-specs"
ACCOUNT_LABEL = "cci.io/account"
NAMESPACE_LABEL = "cci.io/namespace"

_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")


class Untranslatable(ValueError):
    """The pod asks for something no runtime here can give. Validation should have refused it; the text says what."""


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
    pod: JSON, *, account: str, network: NetworkSpec, pod_ip: str = "", host_ip: str = "", node: str = ""
) -> SandboxSpec:
    """Everything a runtime must know of `pod`. Raises Untranslatable, and QuantityError for a limit that is none."""
    metadata, spec = pod["metadata"], pod["spec"]
    fields = _fields(pod, pod_ip=pod_ip, host_ip=host_ip, node=node)
    containers = tuple(_container(container, fields) for container in spec["containers"])
    cpu, memory = _ceiling(metadata, containers)
    return SandboxSpec(
        uid=Uid(metadata["uid"]),
        account=account,
        namespace=metadata["namespace"],
        name=metadata["name"],
        network=network,
        hostname=hostname(pod),
        containers=containers,
        cpu_millis=cpu,
        memory_bytes=memory,
        labels=metadata.get("labels") or {},
    )


def hostname(pod: JSON) -> str:
    """`spec.hostname`, else the pod's name cut to what a host name may be."""
    name: str = pod["spec"].get("hostname") or pod["metadata"]["name"]
    return name[:63].rstrip("-.")


def expand(text: str, variables: Mapping[str, str]) -> str:
    """`$(NAME)` becomes the variable's value; `$$` is a plain `$`; what names no variable stays as it was written."""
    result, at = [], 0
    while (dollar := text.find("$", at)) != -1:
        result.append(text[at:dollar])
        piece, at = _expand_one(text, dollar, variables)
        result.append(piece)
    return "".join(result) + text[at:]


def _expand_one(text: str, dollar: int, variables: Mapping[str, str]) -> tuple[str, int]:
    """What stands for the `$` at `dollar`, and where the text goes on."""
    following = text[dollar + 1 : dollar + 2]
    if following == "$":
        return "$", dollar + 2
    if following != "(":
        return "$", dollar + 1
    end = text.find(")", dollar)
    if end == -1:
        return "$(", dollar + 2
    return variables.get(text[dollar + 2 : end], text[dollar : end + 1]), end + 1


def _container(container: JSON, fields: Mapping[str, str]) -> ContainerSpec:
    environment = _environment(container, fields)
    limits = (container.get("resources") or {}).get("limits") or {}
    return ContainerSpec(
        name=container["name"],
        image=container["image"],
        command=_words(container.get("command"), environment),
        args=_words(container.get("args"), environment),
        environment=environment,
        working_dir=container.get("workingDir") or "",
        cpu_millis=quantity.millicores(limits.get("cpu", 0)),
        memory_bytes=quantity.whole(limits.get("memory", 0)),
        stdin=bool(container.get("stdin")),
        tty=bool(container.get("tty")),
    )


def _environment(container: JSON, fields: Mapping[str, str]) -> dict[str, str]:
    """In the order written: a value may use the variables above it, and a later entry of a name wins."""
    environment: dict[str, str] = {}
    for entry in container.get("env") or ():
        if "valueFrom" in entry:
            environment[entry["name"]] = _value_from(entry, fields)
        else:
            environment[entry["name"]] = expand(entry.get("value") or "", environment)
    return environment


def _value_from(entry: JSON, fields: Mapping[str, str]) -> str:
    source = entry["valueFrom"]
    if "fieldRef" not in source:
        raise Untranslatable(f"env {entry['name']}: valueFrom {', '.join(source)} is not supported yet")
    path = source["fieldRef"]["fieldPath"]
    subscript = _SUBSCRIPT.fullmatch(path)
    if subscript:
        return fields.get(path, "")
    if path not in fields:
        raise Untranslatable(f"env {entry['name']}: field path {path!r} is not supported")
    return fields[path]


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


def _ceiling(metadata: JSON, containers: tuple[ContainerSpec, ...]) -> tuple[int, int]:
    """(millicores, bytes) of the pod specification; without the annotation, the sum over the containers."""
    size = (metadata.get("annotations") or {}).get(SIZE_ANNOTATION)
    if not size:
        return sum(c.cpu_millis for c in containers), sum(c.memory_bytes for c in containers)
    cores, _, gib = size.partition("_")
    return quantity.millicores(cores), quantity.whole(f"{gib}Gi")
