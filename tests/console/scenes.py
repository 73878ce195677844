"""Scenes for pages: an account with a namespace and workloads in the states that pages must tell apart.

Statuses are written through the front door with a controller's identity, as the node tier writes them; nothing runs.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from billing import client as billing
from billing import instants, ledger
from billing.client import BillLine, Period
from billing.marks import Marks, Owner
from billing.rating import Size
from iam import people
from iam.identities import Identity, identity_of
from iam.models import Account, User
from tests import manifests
from workloads.client import Client, DeleteOptions, Ended, Kept
from workloads.controllers import elbs
from workloads.elb.complaints import Complaints
from workloads.meta import times
from workloads.meta.keys import Key, Uid
from workloads.store import endedpods, keptlogs
from workloads.store.writing import write

JSON = dict[str, Any]


def user(account: str = "acme", name: str = "alice") -> User:
    owner, _made = Account.objects.get_or_create(name=account)
    found = User.objects.filter(account=owner, name=name).first()
    return found or User.objects.create_user(owner, name, "secret-secret")


def furnish() -> None:
    """The shop of `conftest`."""
    namespace("shop")
    web = deployment("web", replicas=2, readyReplicas=1)
    owner = replica_set(web)
    pod("web-0001-aaaaa", owner=owner, status=running())
    pod("web-0001-bbbbb", owner=owner, status=pulling())
    pod("lonely", status=crashing())
    person().create("PersistentVolumeClaim", manifests.claim("web"), "shop")
    people_called("web")
    role_binding("web")
    own_role("web")
    person().create("Network", network("web"), "shop")
    person().create("ServiceAccount", service_account("web"), "shop")
    configmap("web", {"colour": "blue"})
    secret("web", {"password": "open-sesame"})
    cronjob("web")
    person().create("ELB", manifests.elb("web"))
    person().create("Service", manifests.service("web"), "shop")
    ingress = manifests.ingress("web")
    ingress["metadata"]["annotations"] = {"elb.cci.io/name": "web"}
    person().create("Ingress", ingress, "shop")
    elbs_told()
    budget("web")
    ended_pod()
    bill()
    job("web", completions=5, parallelism=2, status={"succeeded": 2, "active": 1})


def people_called(name: str) -> None:
    """A user, a group and a policy of acme, as alice made them."""
    admin = identity_of(user())
    document = {"Version": "1.1", "Statement": [{"Effect": "Allow", "Action": ["CCI:pod:*"]}]}
    people.create_policy(admin, name, document=document)
    people.create_group(admin, name, description="They sell.")
    people.create_user(admin, name, password="secret-secret", groups=[name])


def budget(name: str, *, amount: str = "100", **rest: Any) -> billing.budgets.View:
    wish = billing.budgets.Wish(name, scope="namespace", namespace="shop", amount=Decimal(amount), **rest)
    return billing.budgets.create(identity_of(user()), wish)


def role_binding(name: str, *, role: str = "view", kind: str = "User", subject: str = "web") -> JSON:
    manifest = {
        "metadata": {"name": name},
        "roleRef": {"kind": "ClusterRole", "name": role},
        "subjects": [{"kind": kind, "name": subject}],
    }
    return person().create("RoleBinding", manifest, "shop").obj


def own_role(name: str) -> JSON:
    """A Role in shop, and a role that is given everywhere."""
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    everywhere = {
        "metadata": {"name": name},
        "roleRef": {"kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "User", "name": name}],
    }
    person().create("ClusterRoleBinding", everywhere)
    return person().create("Role", {"metadata": {"name": name}, "rules": [rule]}, "shop").obj


def person(account: str = "acme", name: str = "alice") -> Client:
    return Client(Identity(account=account, user=name))


def hand(account: str = "acme", name: str = "pods") -> Client:
    """A controller at work."""
    return Client(Identity.controller(name, account))


def namespace(name: str = "shop", *, account: str = "acme", state: str = "Active") -> JSON:
    made = person(account).create("Namespace", manifests.namespace(name)).obj
    found = hand(account, "networks").list("Network", name).items
    network = found[0] if found else _network(name, account)
    network["status"] = {"state": state, "cidr": "10.248.0.0/24"}
    hand(account, "networks").update("Network", network["metadata"]["name"], network, name, subresource="status")
    return made


def deployment(name: str, *, replicas: int = 2, image: str = manifests.IMAGE, **status: Any) -> JSON:
    manifest = manifests.deployment(name, replicas=replicas)
    manifest["spec"]["template"]["spec"]["containers"][0]["image"] = image
    made = person().create("Deployment", manifest, "shop").obj
    made["status"] = {"observedGeneration": 1, "replicas": replicas, "updatedReplicas": replicas, **status}
    return hand(name="deployments").update("Deployment", name, made, "shop", subresource="status").obj


def replica_set(owner: JSON, *, revision: int = 1) -> JSON:
    """The ReplicaSet a Deployment made."""
    metadata, spec = owner["metadata"], owner["spec"]
    name = f"{metadata['name']}-{revision:04d}"
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": name,
            "labels": {**spec["selector"]["matchLabels"], "pod-template-hash": f"{revision:04d}"},
            "annotations": {"deployment.kubernetes.io/revision": str(revision)},
            "ownerReferences": [_owner(owner)],
        },
        "spec": {"replicas": spec["replicas"], "selector": spec["selector"], "template": spec["template"]},
    }
    return hand(name="deployments").create("ReplicaSet", manifest, "shop").obj


def job(name: str, *, owner: JSON | None = None, status: JSON | None = None, **spec: Any) -> JSON:
    """A Job; with a `status` as the controller would have written it."""
    manifest = manifests.job(name, **spec)
    if owner is not None:
        manifest["metadata"]["ownerReferences"] = [_owner(owner)]
    made = hand(name="cronjobs").create("Job", manifest, "shop").obj
    if status is None:
        return made
    made["status"] = {"startTime": times.format_seconds(datetime.now(UTC) - timedelta(seconds=90)), **status}
    return hand(name="jobs").update("Job", name, made, "shop", subresource="status").obj


def configmap(name: str, data: dict[str, str], **rest: Any) -> JSON:
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data, **rest}
    return person().create("ConfigMap", manifest, "shop").obj


def secret(name: str, values: dict[str, str], **rest: Any) -> JSON:
    manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": values, **rest}
    return person().create("Secret", manifest, "shop").obj


def elbs_told() -> None:
    """The ELBs' controller has looked at everything, and Envoy has taken what it decided."""
    elbs.reconcile(Key("acme", "ELB", "", "default"))
    Complaints().serve({Key("acme", "ELB", "", "web"): {"serves": ["80"]}})


def endpoints(service: str, *, ready: tuple[str, ...] = (), unready: tuple[str, ...] = ()) -> JSON:
    """Pods behind a Service, by their names; the addresses are made up, and so are pods that are not there."""
    uids = {one["metadata"]["name"]: one["metadata"]["uid"] for one in person().list("Pod", "shop").items}
    some = [
        {
            "addresses": [f"10.248.0.{number}"],
            "conditions": {"ready": name in ready},
            "targetRef": {"kind": "Pod", "namespace": "shop", "name": name, "uid": uids.get(name, name)},
        }
        for number, name in enumerate((*ready, *unready), start=10)
    ]
    manifest = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"{service}-1", "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4",
        "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
        "endpoints": some,
    }
    return hand(name="endpoints").create("EndpointSlice", manifest, "shop").obj


def cronjob(name: str, *, schedule: str = "*/5 * * * *", status: JSON | None = None, **spec: Any) -> JSON:
    made = person().create("CronJob", manifests.cronjob(name, schedule=schedule, **spec), "shop").obj
    if status is None:
        return made
    made["status"] = status
    return hand(name="cronjobs").update("CronJob", name, made, "shop", subresource="status").obj


def ended(type: str, reason: str, message: str = "", *, seconds: float = 30) -> JSON:
    """The last condition of a Job, `seconds` ago."""
    at = times.format_seconds(datetime.now(UTC) - timedelta(seconds=seconds))
    return {"type": type, "status": "True", "reason": reason, "message": message, "lastTransitionTime": at}


def pod(name: str, *, owner: JSON | None = None, status: JSON | None = None, **spec: Any) -> JSON:
    manifest = manifests.pod(name, **spec)
    if owner is not None:
        manifest["metadata"]["ownerReferences"] = [_owner(owner)]
        manifest["metadata"]["labels"] = owner["spec"]["selector"]["matchLabels"]
        if owner["kind"] == "Job":
            manifest["spec"]["restartPolicy"] = "Never"
    made = hand(name="replicasets").create("Pod", manifest, "shop").obj
    if status is None:
        return made
    made["status"] = {**made.get("status", {}), **status}
    return hand().update("Pod", name, made, "shop", subresource="status").obj


def ago(seconds: float) -> str:
    return times.format_micro(datetime.now(UTC) - timedelta(seconds=seconds))


def running(seconds: float = 600, *, ip: str = "10.248.0.7") -> JSON:
    """The status of a pod that is ready since `seconds` ago."""
    started = times.format_seconds(datetime.now(UTC) - timedelta(seconds=seconds))
    return {
        "phase": "Running",
        "podIP": ip,
        "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "True"}],
        "containerStatuses": [_entry({"running": {"startedAt": started}}, ready=True)],
        "lifecycle": {
            "pullStartedAt": ago(seconds + 4.7),
            "pulledAt": ago(seconds + 1.6),
            "createdAt": ago(seconds + 1.4),
            "startedAt": ago(seconds),
            "readyAt": ago(seconds),
        },
    }


def pulling(percent: int = 41) -> JSON:
    total = 64_200_000
    return {
        "phase": "Pending",
        "conditions": [{"type": "PodScheduled", "status": "True"}],
        "containerStatuses": [
            _entry({"waiting": {"reason": "ContainerCreating", "message": f"Pulling image: {percent}% of 64.2 MB"}})
        ],
        "lifecycle": {
            "pullStartedAt": ago(2.5),
            "pull": {
                "image": manifests.IMAGE,
                "currentBytes": total * percent // 100,
                "totalBytes": total,
                "cached": False,
            },
        },
    }


def crashing(*, oom: bool = True, restarts: int = 3) -> JSON:
    ended = {"exitCode": 137, "reason": "OOMKilled" if oom else "Error", "finishedAt": ago(5)}
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting failed container=app"}
    status = running(900)
    entry = _entry({"waiting": waiting}, restarts=restarts) | {"lastState": {"terminated": ended}}
    return status | {"containerStatuses": [entry]}


def image_problem() -> JSON:
    words = "manifest unknown: manifest for shop/search:0.8 not found"
    waiting = {"reason": "ImagePullBackOff", "message": f"Back-off pulling image: {words}"}
    record = {"failures": 2, "error": words, "nextAttemptAt": ago(-17)}
    return {
        "phase": "Pending",
        "containerStatuses": [_entry({"waiting": waiting})],
        "lifecycle": {"pullStartedAt": ago(40), "images": {manifests.IMAGE: record}},
    }


def no_room() -> JSON:
    message = "0/1 nodes are available: needs 2 cores, 0.75 free"
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return {"phase": "Pending", "conditions": [condition]}


def _entry(state: JSON, *, ready: bool = False, restarts: int = 0) -> JSON:
    return {
        "name": "app",
        "state": state,
        "lastState": {},
        "ready": ready,
        "started": ready,
        "restartCount": restarts,
        "image": manifests.IMAGE,
        "imageID": "",
    }


def _owner(obj: JSON) -> JSON:
    metadata = obj["metadata"]
    return {
        "apiVersion": obj.get("apiVersion", "apps/v1"),
        "kind": obj.get("kind", "ReplicaSet"),
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def network(name: str, *, cidr: str = "10.248.0.0/24") -> JSON:
    return {
        "apiVersion": "networking.cci.io/v1beta1",
        "kind": "Network",
        "metadata": {"name": name},
        "spec": {"networkType": "underlay_neutron", "cidr": cidr},
    }


def service_account(name: str, **fields: Any) -> JSON:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}, **fields}


def _network(name: str, account: str) -> JSON:
    return person(account).create("Network", network(f"{name}-network"), name).obj


NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
GONE = "6f1f0a0e-0000-4000-8000-000000000001"
"""The uid of `ended_pod`."""


BILLED = "2026-01"
"""A month in which `bill` has something."""


def bill(*, account: str = "acme", namespace: str = "shop", name: str = "web", uid: str = GONE) -> BillLine:
    """A pod that ran ten seconds of the month `BILLED`. Returns its statement's line."""
    start = instants.parse(f"{BILLED}-05T10:00:00Z")
    size = Size("general-computing", 2000, 4096)
    marks = Marks(
        uid=Uid(uid),
        account=account,
        namespace=namespace,
        pod=f"{name}-pod",
        size=size,
        controller=None,
        started=start,
        ran=start + instants.SECOND,
        finished=start + 10 * instants.SECOND,
        estimated=False,
        revision=0,
        labels={"team": name},
    )
    with write():
        posting = ledger.Posting({uid})
        pod = posting.open(marks, started=start, workload=Owner("Deployment", name, f"uid-of-{name}"))
        posting.hear(pod, marks)
        posting.save()
    found = billing.bill(account, Period.parse(BILLED)).lines
    return next(line for line in found if (line.namespace, line.workload_name) == (namespace, name))


def bill_line_id() -> str:
    """Of `bill`'s line; of none while there is none."""
    lines = billing.bill("acme", Period.parse(BILLED)).lines
    return str(lines[0].id) if lines else GONE


def ended_pod(name: str = "lonely-gone", *, uid: str = GONE, attempts: int = 1, lines: int = 3) -> Ended:
    """A pod that is gone, with the logs of `app`."""
    now = datetime.now(UTC)
    pod = Ended(
        uid=Uid(uid),
        account="acme",
        namespace="shop",
        name=name,
        workload_kind="Deployment",
        workload="web",
        owner_uid="",
        outcome="Failed",
        reason="OOMKilled",
        message="",
        created=now,
        ended=now,
        gone=now,
    )
    endedpods.put(pod)
    for attempt in range(attempts):
        keptlogs.put(
            Kept("acme", "shop", name, Uid(uid), "app", attempt, now, now, 137, True, lines, lines * 7, 4096, now)
        )
    return pod


def gone(name: str) -> None:
    """The pod stopped and its row went."""
    person().delete("Pod", name, "shop")
    hand().delete("Pod", name, "shop", options=DeleteOptions(grace_seconds=0))
