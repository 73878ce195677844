"""Objects as the console's lists and details show them: one row class a kind, the same for page, drawer and socket."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from billing.client import Rate
from console import sections, sizes, states
from console.sizes import Size
from console.states import State
from workloads.client import JSON, Client, pod_specifications
from workloads.kinds import health, podspecs, sleeping
from workloads.kinds.podspecs import Explanation

PODS_LOOKED_AT = 100
"""Of one workload, when its counts do not already say that all is well."""


@dataclass(frozen=True)
class Row:
    obj: JSON

    @property
    def name(self) -> str:
        return str(self.obj["metadata"]["name"])

    @property
    def namespace(self) -> str:
        return str(self.obj["metadata"].get("namespace", ""))

    @property
    def uid(self) -> str:
        return str(self.obj["metadata"]["uid"])

    @property
    def id(self) -> str:
        """Of the row's element."""
        return f"row-{self.uid}"

    @property
    def created(self) -> str:
        return str(self.obj["metadata"].get("creationTimestamp", ""))

    @property
    def leaving(self) -> bool:
        return bool(self.obj["metadata"].get("deletionTimestamp"))

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.obj["metadata"].get("labels") or {})

    @property
    def annotations(self) -> dict[str, str]:
        return dict(self.obj["metadata"].get("annotations") or {})


@dataclass(frozen=True)
class Source:
    """What made a pod: a kind and a name. A bare pod has none."""

    kind: str
    name: str

    @property
    def page(self) -> str:
        """The name of its url; "" for what has no page."""
        return sections.PAGES.get(self.kind, "")


@dataclass(frozen=True)
class PodRow(Row):
    @cached_property
    def state(self) -> State:
        return states.of_pod(self.obj)

    @cached_property
    def size(self) -> Size | None:
        return sizes.billed(self.obj)

    @cached_property
    def explanation(self) -> Explanation:
        """What its containers request, what is billed, and why."""
        return podspecs.explain(self.obj, grid=pod_specifications())

    @cached_property
    def rate(self) -> Rate | None:
        """What it costs now: its price from the pull on, nothing before and after; None while it is leaving."""
        if self.leaving or self.size is None:
            return None
        lifecycle = self.status.get("lifecycle") or {}
        runs = lifecycle.get("pullStartedAt") and not lifecycle.get("finishedAt")
        return self.size.rate(pods=1 if runs else 0)

    @property
    def status(self) -> JSON:
        return dict(self.obj.get("status") or {})

    @property
    def ended(self) -> bool:
        return self.status.get("phase") in ("Succeeded", "Failed")

    @property
    def images(self) -> list[str]:
        return [container["image"] for container in self.obj["spec"]["containers"]]

    @property
    def restarts(self) -> int:
        return sum(entry.get("restartCount", 0) for entry in self.status.get("containerStatuses") or [])

    @property
    def ready(self) -> str:
        entries = self.status.get("containerStatuses") or []
        return f"{sum(1 for entry in entries if entry.get('ready'))}/{len(self.obj['spec']['containers'])}"

    @cached_property
    def source(self) -> Source | None:
        owner = controller_of(self.obj)
        if owner is None:
            return None
        if owner["kind"] == "ReplicaSet":
            return Source("Deployment", owner["name"].rpartition("-")[0])
        return Source(owner["kind"], owner["name"])


@dataclass(frozen=True)
class DeploymentRow(Row):
    pods: tuple[PodRow, ...] = ()
    """Those looked at; empty while the counts say that all is well."""
    sample: JSON | None = None
    """One of its pods, which knows the billed size."""

    page = "console:deployment"

    @cached_property
    def state(self) -> State:
        return states.of_deployment(self.obj, [row.obj for row in self.pods])

    @property
    def wanted(self) -> int:
        return int(self.obj["spec"].get("replicas", 1))

    @property
    def ready(self) -> int:
        return int((self.obj.get("status") or {}).get("readyReplicas", 0))

    @property
    def images(self) -> list[str]:
        return [container["image"] for container in self.obj["spec"]["template"]["spec"]["containers"]]

    @cached_property
    def size(self) -> Size | None:
        if self.sample is not None:
            return sizes.billed(self.sample)
        return template_size(self.obj["spec"]["template"])

    @cached_property
    def explanation(self) -> Explanation | None:
        """Of one of its pods; None while it has none."""
        return podspecs.explain(self.sample, grid=pod_specifications()) if self.sample else None

    @property
    def pips(self) -> list[str]:
        """One tone a pod, at most eight; empty where pods are too many to count with the eyes."""
        if not 0 < max(self.wanted, len(self.pods)) <= 8:
            return []
        if not self.pods:
            return ["ok"] * self.ready + ["none"] * (self.wanted - self.ready)
        tones = sorted((row.state.tone for row in self.pods if not row.leaving), key=_PIP_ORDER.index)
        return [*tones, *["none"] * (self.wanted - len(tones))]

    @property
    def is_paused(self) -> bool:
        return bool(self.obj["spec"].get("paused"))

    @property
    def is_asleep(self) -> bool:
        return sleeping.is_asleep(self.obj)

    @property
    def pods_when_awake(self) -> int:
        return sleeping.remembered(self.obj) or 1 if self.is_asleep else self.wanted

    @property
    def description(self) -> str:
        return self.annotations.get("description", "")


_PIP_ORDER = ["ok", "idle", "busy", "warn", "bad"]


@dataclass(frozen=True)
class NamespaceRow(Row):
    networks: tuple[JSON, ...] = field(default=())
    closed: bool = False
    """What is in it is not for who looks."""

    @cached_property
    def state(self) -> State:
        return states.of_closed(self.obj) if self.closed else states.of_namespace(self.obj, self.networks)

    @property
    def flavor(self) -> str:
        return self.annotations.get("namespace.kubernetes.io/flavor", "")

    @property
    def cidr(self) -> str:
        for network in self.networks:
            return str((network.get("status") or {}).get("cidr") or network["spec"].get("cidr", ""))
        return ""


def deployment_rows(client: Client, deployments: Sequence[JSON]) -> list[DeploymentRow]:
    """As `deployment_row` makes them, with three questions for all."""
    asked = [one for one in deployments if (one.get("status") or {}).get("replicas") or not health.settled(one)]
    owned = client.owned("ReplicaSet", {one["metadata"]["uid"]: one["metadata"]["namespace"] for one in asked})
    sets = {uid: sorted(found, key=revision_of, reverse=True) for uid, found in owned.items()}
    moving = [one for one in asked if not health.settled(one)]
    pods = _pods_of_sets(client, [sets[one["metadata"]["uid"]] for one in moving], each=PODS_LOOKED_AT)
    rows = {one["metadata"]["uid"]: found for one, found in zip(moving, pods, strict=True)}
    bare = [one for one in asked if not rows.get(one["metadata"]["uid"]) and (one.get("status") or {}).get("replicas")]
    samples = _pods_of_sets(client, [sets[one["metadata"]["uid"]] for one in bare], each=1)
    rows |= {f"sample {one['metadata']['uid']}": found for one, found in zip(bare, samples, strict=True)}
    return [_deployment_row(one, rows) for one in deployments]


def _deployment_row(deployment: JSON, found: Mapping[str, list[JSON]]) -> DeploymentRow:
    uid = deployment["metadata"]["uid"]
    pods = tuple(map(PodRow, found.get(uid, ())))
    sample = pods[0].obj if pods else next(iter(found.get(f"sample {uid}", ())), None)
    return DeploymentRow(deployment, pods, sample)


def _pods_of_sets(client: Client, sets: Sequence[Sequence[JSON]], *, each: int) -> list[list[JSON]]:
    """Of each Deployment's ReplicaSets, the newest first, `each` pods at most."""
    owners = {one["metadata"]["uid"]: one["metadata"]["namespace"] for some in sets for one in some}
    owned = client.owned("Pod", owners, each=each)
    return [[pod for one in some for pod in owned[one["metadata"]["uid"]]][:each] for some in sets]


def deployment_row(client: Client, deployment: JSON, *, all_pods: bool = False) -> DeploymentRow:
    """Its pods are read where they tell something: not settled, or `all_pods`."""
    status = deployment.get("status") or {}
    needs_pods = all_pods or not health.settled(deployment)
    pods = tuple(PodRow(pod) for pod in pods_of(client, deployment)) if needs_pods else ()
    sample = pods[0].obj if pods else None
    if sample is None and status.get("replicas"):
        sample = next(iter(pods_of(client, deployment, limit=1)), None)
    return DeploymentRow(deployment, pods, sample)


def pods_of(client: Client, deployment: JSON, *, limit: int = PODS_LOOKED_AT) -> list[JSON]:
    """The pods of its ReplicaSets, newest ReplicaSet first."""
    found: list[JSON] = []
    for replica_set in replica_sets_of(client, deployment):
        if len(found) >= limit:
            break
        listing = client.list(
            "Pod",
            replica_set["metadata"]["namespace"],
            owner_uid=replica_set["metadata"]["uid"],
            limit=limit - len(found),
        )
        found += listing.items
    return found


def replica_sets_of(client: Client, deployment: JSON) -> list[JSON]:
    metadata = deployment["metadata"]
    owned = client.list("ReplicaSet", metadata["namespace"], owner_uid=metadata["uid"]).items
    return sorted(owned, key=revision_of, reverse=True)


def template_of(replica_set: JSON) -> JSON:
    """As the Deployment had it: without the label that tells its ReplicaSets apart."""
    template: JSON = deepcopy(replica_set["spec"]["template"])
    template.get("metadata", {}).get("labels", {}).pop("pod-template-hash", None)
    return template


def revision_of(obj: Mapping[str, Any]) -> int:
    text = (obj["metadata"].get("annotations") or {}).get("deployment.kubernetes.io/revision", "0")
    return int(text) if text.isdigit() else 0


def template_size(template: Mapping[str, Any]) -> Size | None:
    """What a pod made of this template is billed for: as its annotation says, else what its containers ask for."""
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    return Size.parse(annotations.get(sizes.SIZE_ANNOTATION, "")) or sizes.asked(template["spec"])


def controller_of(obj: Mapping[str, Any]) -> dict[str, str] | None:
    for owner in obj["metadata"].get("ownerReferences") or []:
        if owner.get("controller"):
            return dict(owner)
    return None


def namespace_rows(client: Client, namespaces: Iterable[JSON]) -> list[NamespaceRow]:
    networks: dict[str, list[JSON]] = {}
    for network in client.list("Network").items:
        networks.setdefault(network["metadata"]["namespace"], []).append(network)
    return [
        NamespaceRow(item, tuple(networks.get(name, ())), closed=not client.may("list", "Network", name))
        for item in namespaces
        if (name := item["metadata"]["name"])
    ]
