"""A pod of the cluster as the pod that runs for it in CCI, and what else must be there for it. Pure.

What has no meaning in CCI and asks for nothing (where to run, whose priority) is left out; what asks for something
that CCI does not have is refused here by name. All other rules are CCI's own, which answers with its sentence when the
pod is created.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from burst import images, names, rounding
from burst.images import Rule
from burst.refusals import Refused

JSON = dict[str, Any]

_LEFT_OUT = (
    "nodeName",
    "nodeSelector",
    "affinity",
    "tolerations",
    "topologySpreadConstraints",
    "schedulerName",
    "schedulingGates",
    "priority",
    "priorityClassName",
    "preemptionPolicy",
    "overhead",
    "readinessGates",
    "serviceAccount",
    "serviceAccountName",
    "ephemeralContainers",
    "hostNetwork",
    "hostPID",
    "hostIPC",
)
_REFUSED = {
    "hostNetwork": "it asks for the node's network; each pod in CCI has an address of its own",
    "hostPID": "it asks for the node's processes; there is no node of yours in CCI",
    "hostIPC": "it asks for the node's IPC; there is no node of yours in CCI",
    "runtimeClassName": "it asks for a runtime of the cluster's nodes; CCI runs pods in its own",
}
_VOLUMES = ("emptyDir", "configMap", "secret", "downwardAPI", "projected")
_VOLUMES_REFUSED = {
    "hostPath": "the node's files are not in CCI; put what it needs into the image, a ConfigMap or an emptyDir",
    "persistentVolumeClaim": "the cluster's storage is not in CCI; keep pods that need it on the cluster's own nodes",
    "ephemeral": "the cluster's storage cannot be mounted in CCI; use emptyDir",
}
_OWN_ANNOTATIONS = ("resource.cci.io/", "burst.cci.io/", "kubectl.kubernetes.io/last-applied-configuration")
_ONLY_CONTAINER_FIELDS = ("resizePolicy",)
"""Left out: how a container is resized in place, which CCI does not do."""


@dataclass(frozen=True)
class Cluster:
    """What the add-on was told about the cluster it serves."""

    id: str
    rules: tuple[Rule, ...] = ()
    api_address: str = ""
    """`host:port` under which pods in CCI reach the cluster's API; "" when they do not."""

    @property
    def namespace(self) -> str:
        return names.namespace_of(self.id)


@dataclass(frozen=True, order=True)
class Source:
    """A ConfigMap or Secret of the cluster that the pod uses."""

    kind: str
    namespace: str
    name: str
    optional: bool = field(default=False, compare=False)

    @property
    def copy(self) -> str:
        return names.copy_name(self.kind, self.namespace, self.name)

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"


@dataclass(frozen=True)
class Token:
    """A service-account token that the pod's files show; `key` is where it stands in the pod's Secret of tokens."""

    key: str
    service_account: str
    audience: str
    seconds: int


@dataclass(frozen=True)
class Translation:
    """`pod` is complete; `fields` are the texts of the pod's ConfigMap of fields, by key."""

    pod: JSON
    size: rounding.Rounded
    sources: tuple[Source, ...]
    tokens: tuple[Token, ...]
    fields: dict[str, str]


def translate(pod: JSON, cluster: Cluster) -> Translation:
    """What stands in CCI for `pod`. Raises Refused."""
    return _Work(pod, cluster).translation()


def check(pod: JSON) -> None:
    """Raises Refused for what no pod in CCI can have."""
    spec, metadata = pod["spec"], pod["metadata"]
    if any(owner.get("kind") == "DaemonSet" for owner in metadata.get("ownerReferences") or []):
        sentence = (
            "a pod of a DaemonSet belongs on a node of its own; keep it off the virtual node by node affinity "
            "(type NotIn virtual-kubelet)"
        )
        raise Refused("BurstDaemonSetRefused", sentence)
    for name, why in _REFUSED.items():
        if spec.get(name):
            raise Refused("BurstFieldRefused", f"spec.{name}: {why}")
    if len(names.pod_name(metadata["namespace"], metadata["name"])) > names.LONGEST_NAME:
        raise Refused(
            "BurstNameRefused",
            f"its name in CCI, <namespace>-<pod>, would be longer than {names.LONGEST_NAME} characters",
        )
    for volume in spec.get("volumes") or []:
        _check_volume(volume)
    for where, container in _containers(spec):
        _check_container(where, container)


def _check_volume(volume: JSON) -> None:
    for kind in volume:
        if kind != "name" and kind not in _VOLUMES:
            why = _VOLUMES_REFUSED.get(kind, f"CCI mounts {', '.join(_VOLUMES)} of a burst pod and nothing else")
            raise Refused("BurstVolumeRefused", f"volume {volume['name']} is of type {kind}: {why}")
    for source in (volume.get("projected") or {}).get("sources") or []:
        if "clusterTrustBundle" in source:
            raise Refused(
                "BurstVolumeRefused", f"volume {volume['name']} shows a clusterTrustBundle, which CCI does not have"
            )


def _check_container(where: str, container: JSON) -> None:
    resources = container.get("resources") or {}
    for name in {**(resources.get("requests") or {}), **(resources.get("limits") or {})}:
        if name not in ("cpu", "memory", "ephemeral-storage"):
            sentence = (
                f"{where}.resources: {name} is not burst; CCI gives a burst pod cpu, memory and ephemeral-storage"
            )
            raise Refused("BurstResourceRefused", sentence)
    if any(port.get("hostPort") for port in container.get("ports") or []):
        raise Refused(
            "BurstFieldRefused",
            f"{where}.ports: a hostPort is a port of the node; pods in CCI have an address of their own",
        )


class _Work:
    """One translation: the spec is copied once and changed in place, what it uses is gathered on the way."""

    def __init__(self, pod: JSON, cluster: Cluster) -> None:
        check(pod)
        self.original, self.cluster = pod, cluster
        self.metadata = pod["metadata"]
        self.namespace, self.name, self.uid = self.metadata["namespace"], self.metadata["name"], self.metadata["uid"]
        self.spec = {name: copy.deepcopy(value) for name, value in pod["spec"].items() if name not in _LEFT_OUT}
        self.size = rounding.rounded(pod["spec"])
        self.sources: dict[Source, Source] = {}
        self.tokens: list[Token] = []
        self.fields: dict[str, str] = {}

    def translation(self) -> Translation:
        self.spec["automountServiceAccountToken"] = False
        self.spec["enableServiceLinks"] = False
        self.spec.setdefault("hostname", names.hostname(self.name))
        rules = (*images.rules_of(self.metadata.get("annotations") or {}), *self.cluster.rules)
        for _, container in _containers(self.spec):
            container["image"] = images.replaced(container.get("image", ""), rules)
            self._container(container)
        for volume in self.spec.get("volumes") or []:
            self._volume(volume)
        if pulls := self.spec.get("imagePullSecrets"):
            self.spec["imagePullSecrets"] = [
                {"name": self._use("Secret", one["name"], optional=True)} for one in pulls if one.get("name")
            ]
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": self._metadata(), "spec": self.spec}
        return Translation(pod, self.size, tuple(sorted(self.sources)), tuple(self.tokens), self.fields)

    def _metadata(self) -> JSON:
        annotations = {
            name: text
            for name, text in (self.metadata.get("annotations") or {}).items()
            if not name.startswith(_OWN_ANNOTATIONS)
        }
        annotations |= {
            names.POD_ANNOTATION: self.name,
            names.SIZE_ANNOTATION: self.size.size(),
            names.CPU_ANNOTATION: self.size.cpu_text(),
            names.MEMORY_ANNOTATION: self.size.memory_text(),
        }
        labels = {
            name: text
            for name, text in (self.metadata.get("labels") or {}).items()
            if not name.startswith("burst.cci.io/")
        }
        return {
            "name": names.pod_name(self.namespace, self.name),
            "namespace": self.cluster.namespace,
            "labels": labels | names.owner_labels(self.cluster.id, self.namespace, self.uid),
            "annotations": annotations,
        }

    def _container(self, container: JSON) -> None:
        for name in _ONLY_CONTAINER_FIELDS:
            container.pop(name, None)
        for one in container.get("env") or []:
            self._variable(one)
        for one in container.get("envFrom") or []:
            for part, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
                if reference := one.get(part):
                    reference["name"] = self._use(kind, reference["name"], optional=bool(reference.get("optional")))
        if self.cluster.api_address:
            host, _, port = self.cluster.api_address.rpartition(":")
            named = {one["name"] for one in container.get("env") or []}
            given = {"KUBERNETES_SERVICE_HOST": host.strip("[]"), "KUBERNETES_SERVICE_PORT": port}
            container["env"] = [
                *({"name": name, "value": value} for name, value in given.items() if name not in named),
                *(container.get("env") or []),
            ]

    def _variable(self, variable: JSON) -> None:
        """References get the copies' names; fields that are others in CCI become their texts in the cluster."""
        given = variable.get("valueFrom") or {}
        for part, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
            if reference := given.get(part):
                reference["name"] = self._use(kind, reference["name"], optional=bool(reference.get("optional")))
        if (text := self._field((given.get("fieldRef") or {}).get("fieldPath", ""))) is not None:
            del variable["valueFrom"]
            variable["value"] = text.replace("$(", "$$(")

    def _field(self, path: str) -> str | None:
        """The text of a field that CCI would tell otherwise; None of all others."""
        return {
            "metadata.name": self.name,
            "metadata.namespace": self.namespace,
            "metadata.uid": self.uid,
            "spec.nodeName": self.original["spec"].get("nodeName", ""),
            "spec.serviceAccountName": self._service_account,
        }.get(path)

    @property
    def _service_account(self) -> str:
        return str(self.original["spec"].get("serviceAccountName") or "default")

    def _volume(self, volume: JSON) -> None:
        if reference := volume.get("configMap"):
            reference["name"] = self._use("ConfigMap", reference["name"], optional=bool(reference.get("optional")))
        if reference := volume.get("secret"):
            reference["secretName"] = self._use(
                "Secret", reference["secretName"], optional=bool(reference.get("optional"))
            )
        if downward := volume.get("downwardAPI"):
            if any(self._is_other(item) for item in downward.get("items") or []):
                del volume["downwardAPI"]
                sources = list(self._downward(downward))
                volume["projected"] = {"sources": sources, "defaultMode": downward.get("defaultMode", 0o644)}
        elif projected := volume.get("projected"):
            projected["sources"] = [new for source in projected.get("sources") or [] for new in self._projected(source)]

    def _projected(self, source: JSON) -> Iterator[JSON]:
        if "serviceAccountToken" in source:
            yield self._token(source["serviceAccountToken"])
            return
        if "downwardAPI" in source:
            yield from self._downward(source["downwardAPI"])
            return
        for part, kind in (("configMap", "ConfigMap"), ("secret", "Secret")):
            if reference := source.get(part):
                reference["name"] = self._use(kind, reference["name"], optional=bool(reference.get("optional")))
        yield source

    def _token(self, asked: JSON) -> JSON:
        key = f"token-{len(self.tokens)}"
        seconds = int(asked.get("expirationSeconds") or 3600)
        self.tokens.append(Token(key, self._service_account, asked.get("audience") or "", seconds))
        name = names.tokens_name(self.namespace, self.name, self.uid)
        return {"secret": {"name": name, "items": [{"key": key, "path": asked["path"]}]}}

    def _is_other(self, item: JSON) -> bool:
        return self._field((item.get("fieldRef") or {}).get("fieldPath", "")) is not None

    def _downward(self, asked: JSON) -> Iterator[JSON]:
        """Files that show the pod: those of fields that are others in CCI come from the pod's own ConfigMap."""
        others, same = [], []
        for item in asked.get("items") or []:
            path = (item.get("fieldRef") or {}).get("fieldPath", "")
            text = self._field(path)
            if text is None:
                same.append(item)
                continue
            self.fields[path] = text
            others.append({"key": path, "path": item["path"]} | ({"mode": item["mode"]} if "mode" in item else {}))
        if others:
            yield {"configMap": {"name": names.fields_name(self.namespace, self.name, self.uid), "items": others}}
        if same:
            yield {"downwardAPI": {"items": same}}

    def _use(self, kind: str, name: str, *, optional: bool) -> str:
        """Notes that the pod uses it, as needed when any of its places needs it. The copy's name."""
        source = Source(kind, self.namespace, name, optional)
        known = self.sources.get(source)
        if known is None or (known.optional and not optional):
            self.sources.pop(source, None)
            self.sources[source] = source
        return source.copy


def _containers(spec: JSON) -> Iterator[tuple[str, JSON]]:
    for part in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(part) or []):
            yield f"spec.{part}[{index}]", container
