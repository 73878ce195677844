"""Reads what a namespace's map shows (`console.maps`): only kinds that the visitor may read, and no more than fits."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console import backends, doors, rows, servicerows, states, uses
from console.jobstates import of_job
from console.maps import Graph, Node, Ref, references, selected
from console.rows import PodRow
from console.sections import page_of
from console.states import State
from workloads.client import JSON, Client
from workloads.kinds import jobs

KINDS = (
    "Ingress",
    "Service",
    "ELB",
    "EndpointSlice",
    "Deployment",
    "ReplicaSet",
    "CronJob",
    "Job",
    "Pod",
    "ConfigMap",
    "Secret",
    "PersistentVolumeClaim",
)
MOST_PODS = 8
"""Of one owner; the others are counted."""
_MOST_ENDED_JOBS = 3
_READ = 300


class Reader:
    """Of one namespace, for one page."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client, self._namespace = client, namespace
        self.graph = Graph()
        self._templates: list[tuple[Ref, JSON]] = []
        """Workloads and bare pods with what their pods are made of."""

    def read(self) -> Graph:
        found = {kind: self._list(kind) for kind in ("Deployment", "ReplicaSet", "CronJob", "Job", "Pod")}
        self._workloads(found)
        self._pods(found)
        self._services()
        self._taken()
        return self.graph

    def _list(self, kind: str) -> list[JSON]:
        if not self._client.may("list", kind, self._namespace):
            return []
        return self._client.list(kind, self._namespace, limit=_READ).items

    def _workloads(self, found: dict[str, list[JSON]]) -> None:
        below = _by_deployment(found)
        for obj in found["Deployment"]:
            self._add("Deployment", obj, states.of_deployment(obj, below.get(obj["metadata"]["name"], ())))
            self._templates.append((_ref("Deployment", obj), obj["spec"]["template"]))
        for obj in found["CronJob"]:
            self._add("CronJob", obj, _suspended() if obj["spec"].get("suspend") else None)
            self._templates.append((_ref("CronJob", obj), obj["spec"]["jobTemplate"]["spec"]["template"]))
        for obj in found["ReplicaSet"]:
            if obj["spec"].get("replicas", 1) or (obj.get("status") or {}).get("replicas"):
                self._add("ReplicaSet", obj, _replicas(obj))
                self._under(obj)
        ended = 0
        for obj in sorted(found["Job"], key=lambda job: str(job["metadata"].get("creationTimestamp")), reverse=True):
            ended += jobs.is_finished(obj)
            if not jobs.is_finished(obj) or ended <= _MOST_ENDED_JOBS:
                self._add("Job", obj, of_job(obj))
                self._under(obj)
                if rows.controller_of(obj) is None:
                    self._templates.append((_ref("Job", obj), obj["spec"]["template"]))

    def _pods(self, found: dict[str, list[JSON]]) -> None:
        by_owner: dict[Ref | None, list[PodRow]] = {}
        for obj in found["Pod"]:
            owner = rows.controller_of(obj)
            by_owner.setdefault(Ref(owner["kind"], owner["name"]) if owner else None, []).append(PodRow(obj))
        for ref, pods in by_owner.items():
            if ref is not None and ref not in self.graph.nodes:
                continue
            pods.sort(key=lambda row: (row.ended, not row.state.needs_a_look, row.name))
            for row in pods[:MOST_PODS]:
                self._add("Pod", row.obj, row.state)
                self._under(row.obj)
                if ref is None:
                    self._templates.append((Ref("Pod", row.name), row.obj))
            if len(pods) > MOST_PODS:
                self._others(ref, len(pods) - MOST_PODS)

    def _others(self, owner: Ref | None, count: int) -> None:
        said = ngettext("%(count)s more pod", "%(count)s more pods", count) % {"count": count}
        ref = Ref("Pod", f"+{owner.kind if owner else ''}/{owner.name if owner else ''}")
        url = reverse("console:pods", kwargs={"namespace": self._namespace})
        self.graph.add(Node(ref, url=url, label=said))
        if owner is not None:
            self.graph.join(owner, ref)

    def _services(self) -> None:
        reaches, known = doors.of_account(self._client), backends.known(self._client, self._namespace)
        for obj in self._list("Service"):
            self._add("Service", obj, servicerows.service_row(obj, reaches, known).state)
            selector = obj["spec"].get("selector") or {}
            for ref, template in self._templates:
                if selected(selector, (template.get("metadata") or {}).get("labels") or {}):
                    self.graph.join(_ref("Service", obj), ref)
        for obj in self._list("Ingress"):
            row = servicerows.ingress_row(obj, reaches, known)
            self._add("Ingress", obj, row.state)
            for name in row.service_names:
                self._missing(Ref("Service", name))
                self.graph.join(_ref("Ingress", obj), Ref("Service", name))

    def _taken(self) -> None:
        """From the pods, or from the workload while it has none."""
        there = {
            kind: {obj["metadata"]["name"] for obj in self._list(kind)}
            for kind in ("ConfigMap", "Secret", "PersistentVolumeClaim")
            if self._client.may("list", kind, self._namespace)
        }
        for ref, template in self._templates:
            taken = references(template["spec"], uses.references(template["spec"]))
            users = list(self._ends(ref))
            for one in taken:
                if one.kind in there and one.name not in there[one.kind]:
                    self._missing(one)
                else:
                    self.graph.add(Node(one, url=page_of(one.kind, self._namespace, one.name)))
                for user in users:
                    self.graph.join(user, one)

    def _ends(self, ref: Ref) -> Iterator[Ref]:
        below = [other for one, other in self.graph.edges if one == ref and other.kind in ("ReplicaSet", "Job", "Pod")]
        if not below:
            yield ref
        for other in below:
            yield from self._ends(other)

    def _add(self, kind: str, obj: JSON, state: State | None) -> None:
        ref = _ref(kind, obj)
        self.graph.add(Node(ref, state, page_of(kind, self._namespace, ref.name)))

    def _missing(self, ref: Ref) -> None:
        """What somebody names and nobody made; nothing when it is there."""
        self.graph.add(Node(ref, State(_("Missing"), _("nobody made it yet"), "bad", "diamond")))

    def _under(self, obj: JSON) -> None:
        owner = rows.controller_of(obj)
        if owner is not None:
            self.graph.join(Ref(owner["kind"], owner["name"]), _ref(obj["kind"], obj))


def of_namespace(client: Client, namespace: str) -> Graph:
    return Reader(client, namespace).read()


def of_workload(client: Client, namespace: str, kind: str, name: str) -> Graph:
    """What leads to it and what it leads to."""
    return Reader(client, namespace).read().around(Ref(kind, name))


def _by_deployment(found: dict[str, list[JSON]]) -> dict[str, list[JSON]]:
    """Pods by the name of their Deployment: its state tells what ails them, as its list does."""
    sets = {obj["metadata"]["name"]: rows.controller_of(obj) for obj in found["ReplicaSet"]}
    pods: dict[str, list[JSON]] = {}
    for obj in found["Pod"]:
        owner = rows.controller_of(obj)
        above = sets.get(owner["name"]) if owner and owner["kind"] == "ReplicaSet" else None
        if above:
            pods.setdefault(above["name"], []).append(obj)
    return pods


def _ref(kind: str, obj: JSON) -> Ref:
    return Ref(kind, str(obj["metadata"]["name"]))


def _replicas(obj: JSON) -> State:
    wanted = int(obj["spec"].get("replicas", 1))
    ready = int((obj.get("status") or {}).get("readyReplicas", 0))
    words = f"{ready}/{wanted}"
    return State(words, tone="ok") if ready >= wanted else State(words, tone="busy", shape="ring")


def _suspended() -> State:
    return State(_("Suspended"), tone="idle", shape="square")
