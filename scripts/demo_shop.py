"""A shop to look at: workloads in every state that pages must tell apart, and what belongs to them."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from scripts.images import DEMO_IMAGE
from tests import manifests
from tests.stack import Stack

JSON = dict[str, Any]
NAMESPACE = "shop"
LONG = "quarterly-report-of-every-warehouse"
"""A name that does not fit everywhere."""


def seed(stack: Stack, registry: str) -> None:
    """What pages must tell apart, and enough of it to look like somebody's shop."""
    stack.kubectl("create", "namespace", NAMESPACE)
    stack.apply(
        deployment("web", replicas=4, size=("1", "2Gi")),
        deployment("api", replicas=2, size=("500m", "1Gi")),
        deployment("mailer", replicas=1),
        deployment(
            "checkout",
            replicas=2,
            command=("sh", "-c", "echo loading 18204 carts; sleep 2; echo FATAL: no database; exit 3"),
        ),
        deployment("search", replicas=1, image=f"{registry}/shop/search:0.8"),
        deployment("preview", replicas=0),
        deployment(LONG, replicas=1),
        *batch(),
        *data(),
        *network(),
    )
    for name in ("web", "api", "mailer"):
        stack.kubectl("-n", NAMESPACE, "rollout", "status", f"deployment/{name}", "--timeout=60s")
    stack.kubectl("-n", NAMESPACE, "autoscale", "deployment/web", "--min=2", "--max=6", "--cpu-percent=60")
    stack.kubectl("-n", NAMESPACE, "create", "job", "close-day", "--from=cronjob/nightly")
    stack.kubectl("-n", NAMESPACE, "wait", "--for=condition=Complete", "job/import", "--timeout=60s")
    stack.kubectl("-n", NAMESPACE, "wait", "--for=condition=Failed", "job/reindex", "--timeout=60s")
    stack.kubectl("-n", NAMESPACE, "delete", "pod", "-l", "app=mailer")
    people(stack)
    ways_of_the_account(stack)
    stack.kubectl("-n", NAMESPACE, "create", "rolebinding", "web", "--clusterrole=edit", "--group=developers")
    verbs = ("--verb=get,list,watch", "--resource=pods,pods/log")
    stack.kubectl("-n", NAMESPACE, "create", "role", "log-reader", *verbs)
    stack.kubectl("-n", NAMESPACE, "create", "rolebinding", "log-reader", "--role=log-reader", "--user=bob")
    stack.kubectl("create", "clusterrolebinding", "auditors", "--clusterrole=view", "--user=bob")
    stack.wait(lambda: reasons(stack) >= {"CrashLoopBackOff", "ImagePullBackOff"}, seconds=90, what="the sick ones")
    stack.kubectl("-n", NAMESPACE, "rollout", "status", "deployment/mailer", "--timeout=60s")


def people(stack: Stack) -> None:
    """A group, and somebody in it."""
    group = {"name": "developers", "description": "They build and run the shop.", "policies": ["CCI CommonOperations"]}
    bob = {"name": "bob", "password": "battery staple", "groups": ["developers"], "policies": ["CCI ReadOnlyAccess"]}
    with closing(stack.http()) as client:
        headers = {"X-CSRFToken": client.cookies["csrftoken"], "Referer": stack.url}
        for place, asked in (("groups", group), ("users", bob)):
            client.post(f"/api/v1/{place}", json=asked, headers=headers).raise_for_status()


def ways_of_the_account(stack: Stack) -> None:
    """A policy of its own and two budgets, one of which is used up."""
    statement = {"Effect": "Allow", "Action": ["CCI:pod:get", "CCI:pod:list"], "Resource": ["CCI:*:*:namespace:shop"]}
    look = {
        "name": "look at pods",
        "description": "For who is on call.",
        "document": {"Version": "1.1", "Statement": [statement]},
    }
    month = {"name": "month", "scope": "account", "period": "monthly", "amount": "400", "action": "notify"}
    small = {"name": "shop-today", "scope": "namespace", "namespace": NAMESPACE, "period": "daily", "amount": "0.0001"}
    with closing(stack.http()) as client:
        headers = {"X-CSRFToken": client.cookies["csrftoken"], "Referer": stack.url}
        for place, asked in (("policies", look), ("budgets", month), ("budgets", {**small, "action": "notify"})):
            client.post(f"/api/v1/{place}", json=asked, headers=headers).raise_for_status()


def batch() -> list[JSON]:
    """A Job that is complete, one that has failed, and a CronJob."""
    work = job("import", "for i in 1 2 3; do echo read batch $i; done", completions=3, completionMode="Indexed")
    bad = job("reindex", "echo cannot reach the index >&2; exit 2", backoffLimit=0)
    nightly = manifests.cronjob("nightly", schedule="30 2 * * *", timeZone="Asia/Shanghai")
    nightly["spec"]["jobTemplate"]["spec"] = job("nightly", "sleep 20")["spec"]
    return [work, bad, nightly | {"metadata": {"name": "nightly", "namespace": NAMESPACE}}]


def job(name: str, script: str, **spec: Any) -> JSON:
    made = manifests.job(name, command=("sh", "-c", script), **spec)
    made["spec"]["template"]["spec"]["containers"][0]["image"] = DEMO_IMAGE
    return made | {"metadata": {"name": name, "namespace": NAMESPACE}}


def data() -> list[JSON]:
    """A claim, settings and a password."""
    place = {"namespace": NAMESPACE}
    size = {"requests": {"storage": "5Gi"}}
    claim = {"accessModes": ["ReadWriteOnce"], "storageClassName": "ssd", "resources": size}
    settings = {"log.level": "info", "currency": "CNY", "features.yaml": "search: true\ncarts: 18204\n"}
    password = {"username": "shop", "password": "correct-horse"}
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {**place, "name": "orders"},
            "spec": claim,
        },
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**place, "name": "settings"}, "data": settings},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {**place, "name": "database"}, "stringData": password},
    ]


def deployment(
    name: str,
    *,
    replicas: int,
    image: str = DEMO_IMAGE,
    size: tuple[str, str] = ("250m", "1Gi"),
    command: tuple[str, ...] = (),
) -> JSON:
    container = manifests.container(image=image, command=command)
    container["resources"] = {kind: {"cpu": size[0], "memory": size[1]} for kind in ("requests", "limits")}
    if not command:
        del container["command"]
    made = manifests.deployment(name, replicas=replicas, containers=[container])
    return made | {"metadata": {"name": name, "namespace": NAMESPACE}}


def reasons(stack: Stack) -> set[str]:
    """Why containers wait, of all pods."""
    return {
        (entry.get("state") or {}).get("waiting", {}).get("reason", "")
        for pod in stack.get("pods", "-n", NAMESPACE)["items"]
        for entry in pod["status"].get("containerStatuses") or ()
    }


def network() -> list[JSON]:
    """An ELB with a Service and an Ingress on it, a port that is somebody else's, and a backend that is not there."""
    named = {"namespace": NAMESPACE, "annotations": {"elb.cci.io/name": "shop"}}
    elb = {**manifests.elb("shop"), "metadata": {"name": "shop", "annotations": {"description": "What customers see."}}}
    inside = manifests.service("web")
    inside["metadata"]["namespace"] = NAMESPACE
    outside = [
        manifests.service(name, type="LoadBalancer", selector={"app": "web"}, ports=[{"port": 9000, "targetPort": 80}])
        for name in ("web-tcp", "second")
    ]
    ingress = manifests.ingress("web")
    for obj in (*outside, ingress):
        obj["metadata"] |= named
    ingress["spec"]["rules"].append(manifests.ingress("search", host="search.example.com")["spec"]["rules"][0])
    return [elb, inside, *outside, ingress]
