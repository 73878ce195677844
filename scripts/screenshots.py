"""`make screenshots`: every page of the console, light and dark, wide and narrow, as a person would see it.

Starts its own product beside whatever runs, fills a namespace with what pages must tell apart (healthy, an image that
cannot be pulled, a crash loop, a pull under way), and writes artifacts/screenshots/ with an index.html. The picture of
the README is taken on the way: docs/images/console.png.
"""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page

from scripts.images import DEMO_IMAGE, build_demo_image
from tests import manifests
from tests.e2e.chromium import NARROW, WIDE, chromium, dress, sign_in
from tests.images import local_registry
from tests.stack import Stack, free_port, running_stack

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "artifacts" / "screenshots"
README_PICTURE = ROOT / "docs" / "images" / "console.png"
SIZES = {"1440": WIDE, "390": NARROW}
NAMESPACE = "shop"
SICK = "echo loading 18204 carts; sleep 2; echo FATAL: no database; exit 3"
TABS = ("pods", "events", "scaling", "upgrades", "yaml", "cost", "scale", "delete")
STYLE = "body{font:14px system-ui;display:flex;flex-wrap:wrap;gap:16px}img{height:320px;border:1px solid #ccc}"
JSON = dict[str, Any]


def main() -> int:
    shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.mkdir(parents=True)
    build_demo_image()
    with local_registry(free_port()) as registry, running_stack() as stack, chromium() as browser:
        seed(stack, registry)
        taken = [
            shot
            for width, size in SIZES.items()
            for theme in ("light", "dark")
            for shot in take_all(stack, browser.new_context(viewport=size, reduced_motion="reduce"), theme, width)
        ]
        take_readme_picture(stack, browser.new_context(viewport={"width": 1440, "height": 700}))
    write_index(taken)
    print(f"{len(taken)} pictures: {TARGET / 'index.html'}")
    return 0


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
    stack.kubectl("-n", NAMESPACE, "create", "rolebinding", "web", "--clusterrole=edit", "--group=developers")
    stack.kubectl("create", "clusterrolebinding", "auditors", "--clusterrole=view", "--user=bob")
    verbs = ("--verb=get,list,watch", "--resource=pods,pods/log")
    stack.kubectl("-n", NAMESPACE, "create", "role", "log-reader", *verbs)
    stack.kubectl("-n", NAMESPACE, "create", "rolebinding", "log-reader", "--role=log-reader", "--user=bob")
    stack.wait(lambda: reasons(stack) >= {"CrashLoopBackOff", "ImagePullBackOff"}, seconds=90, what="the sick ones")
    stack.kubectl("-n", NAMESPACE, "rollout", "status", "deployment/mailer", "--timeout=60s")


def people(stack: Stack) -> None:
    """A group, and somebody in it."""
    group = {"name": "developers", "description": "They build and run the shop.", "policies": ["CCI CommonOperations"]}
    bob = {"name": "bob", "password": "battery staple", "groups": ["developers"], "policies": ["CCI ReadOnlyAccess"]}
    with stack.http() as client:
        headers = {"X-CSRFToken": client.cookies["csrftoken"], "Referer": stack.url}
        for place, asked in (("groups", group), ("users", bob)):
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


def addresses(stack: Stack) -> dict[str, str]:
    """Each page's name and path."""
    pods = {
        (pod["metadata"].get("labels") or {}).get("app", ""): pod["metadata"]["name"]
        for pod in stack.get("pods", "-n", NAMESPACE)["items"]
    }
    space = f"/namespaces/{NAMESPACE}/"
    web, sick = f"{space}deployments/web/", f"{space}pods/{pods['checkout']}/"
    return {
        "overview": "/",
        "namespaces": "/namespaces/",
        "namespace": space,
        "deployments": f"{space}deployments/",
        "deployment": web,
        "deployment-sick": f"{space}deployments/checkout/",
        **{
            f"deployment-{tab}": f"{web}{tab}/"
            for tab in ("pods", "monitoring", "events", "scaling", "upgrades", "yaml", "cost", "scale", "delete")
        },
        "deployment-edit": f"{space}edit/Deployment/web/",
        "pods": f"{space}pods/",
        "pod": f"{space}pods/{pods['web']}/",
        "pod-crashing": sick,
        "pod-image": f"{space}pods/{pods['search']}/",
        "pod-terminal": f"{space}pods/{pods['web']}/terminal/",
        **{f"pod-{tab}": f"{sick}{tab}/" for tab in ("containers", "logs", "events", "yaml", "cost")},
        **places(space),
        **on_the_network(space),
        **money(),
        **access(),
        "kubectl": "/kubectl/",
        "help": "/help/",
        "create-namespace": "/create/namespace/",
        "create-deployment": f"/create/deployment/?namespace={NAMESPACE}",
        "create-job": f"/create/job/?namespace={NAMESPACE}",
        "create-cronjob": f"/create/cronjob/?namespace={NAMESPACE}",
        "create-yaml": f"/create/yaml/?namespace={NAMESPACE}",
        "missing": "/namespaces/nowhere/",
    }


def places(space: str) -> dict[str, str]:
    """Of batch work, data and what is gone."""
    job, cronjob, claim = f"{space}jobs/import/", f"{space}cronjobs/nightly/", f"{space}claims/orders/"
    return {
        "deployment-autoscaler": f"{space}deployments/web/scaling/autoscaler/",
        "deployment-policy": f"{space}deployments/api/scaling/policy/?type=alarm",
        "jobs": f"{space}jobs/",
        "job": job,
        "job-failed": f"{space}jobs/reindex/",
        **{f"job-{tab}": f"{job}{tab}/" for tab in ("pods", "cost", "again")},
        "cronjobs": f"{space}cronjobs/",
        "cronjob": cronjob,
        **{f"cronjob-{tab}": f"{cronjob}{tab}/" for tab in ("jobs", "run")},
        "claims": f"{space}claims/",
        "claim": claim,
        "claim-delete": f"{claim}delete/",
        "create-claim": f"/create/claim/?namespace={NAMESPACE}",
        "configmaps": f"{space}configmaps/",
        "configmap": f"{space}configmaps/settings/",
        "configmap-edit": f"{space}configmaps/settings/edit/",
        "secrets": f"{space}secrets/",
        "secret": f"{space}secrets/database/",
        "create-secret": f"/create/secret/?namespace={NAMESPACE}",
        "ended-pods": f"{space}ended-pods/",
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


def on_the_network(space: str) -> dict[str, str]:
    return {
        "deployment-access": f"{space}deployments/web/access/",
        "deployment-access-add": f"{space}deployments/web/access/add/",
        "elbs": "/elbs/",
        "elb": "/elbs/shop/",
        "elb-use": "/elbs/shop/use/",
        "elb-delete": "/elbs/shop/delete/",
        "create-elb": "/create/elb/",
        "services": f"{space}services/",
        "service": f"{space}services/web/",
        "service-backends": f"{space}services/web/backends/",
        "service-delete": f"{space}services/web/delete/",
        "ingresses": f"{space}ingresses/",
        "ingress": f"{space}ingresses/web/",
    }


def money() -> dict[str, str]:
    month = f"{datetime.now(UTC):%Y-%m}"
    return {
        "bills": "/bills/",
        "statement": f"/bills/{month}/",
        "proof": f"/bills/{month}/proof/",
        "budgets": "/budgets/",
        "create-budget": "/create/budget/",
        "balance": "/balance/",
        "packages": "/packages/",
        "create-package": "/create/package/",
        "prices": "/prices/",
        "price-add": "/prices/add/",
        "calculator": "/prices/calculator/",
        "specifications": "/prices/specifications/",
        "specification-add": "/prices/specifications/add/",
        "notifications": "/notifications/",
        "bursting": "/bursting/",
        "bursting-install": "/bursting/install/",
    }


def access() -> dict[str, str]:
    """Of people and what they may."""
    return {
        "users": "/users/",
        "user": "/users/bob/",
        "user-policies": "/users/bob/policies/",
        "user-delete": "/users/bob/delete/",
        "create-user": "/create/user/",
        "groups": "/groups/",
        "group": "/groups/developers/",
        "create-group": "/create/group/",
        "policies": "/policies/",
        "policy": "/policies/CCI%20CommonOperations/",
        "create-policy": "/create/policy/",
        "namespace-access": f"/namespaces/{NAMESPACE}/access/?who=bob",
        "role-add": f"/namespaces/{NAMESPACE}/access/add/",
        "bindings": "/access/",
        "bindings-everywhere": "/access/everywhere/",
        "everywhere-add": "/access/everywhere/add/",
        "everywhere-change": "/access/everywhere/binding/auditors/change/",
        "roles": "/access/roles/",
        "role": f"/namespaces/{NAMESPACE}/roles/log-reader/",
        "role-edit": f"/namespaces/{NAMESPACE}/roles/log-reader/edit/",
        "create-role": "/create/role/",
        "access-keys": "/access-keys/",
        "audit": "/audit/",
        "password": "/password/",
    }


def take_all(stack: Stack, context: BrowserContext, theme: str, width: str) -> list[Path]:
    dress(context, stack, theme)
    page = context.new_page()
    page.goto(f"{stack.url}/sign-in/")
    taken = [take(page, f"sign-in.{theme}.{width}")]
    sign_in(page, stack)
    for name, path in addresses(stack).items():
        page.goto(stack.url + path)
        settle(page)
        taken.append(take(page, f"{name}.{theme}.{width}"))
    taken += take_wizard(stack, page, f"{theme}.{width}")
    context.close()
    return taken


def take_wizard(stack: Stack, page: Page, suffix: str) -> list[Path]:
    """Each step filled, and the first one refused."""
    page.goto(f"{stack.url}/create/deployment/?namespace={NAMESPACE}")
    page.get_by_label("Name", exact=True).fill("reports")
    page.locator("[name=size][value=free]").check()
    page.locator("#id_size_cores").fill("3")
    page.locator("#id_size_gib").fill("4")
    page.get_by_role("button", name="Next: Access").click()
    page.locator("#id_containers-0-image_error").wait_for()
    taken = [take(page, f"wizard-refused.{suffix}")]
    page.locator("#size-advice button").first.click()
    page.locator("#size-advice button").first.wait_for(state="detached")
    page.locator("#id_containers-0-image").fill(DEMO_IMAGE)
    for step in ("Access", "Advanced", "Confirm"):
        page.get_by_role("button", name=f"Next: {step}").click()
        page.locator("[aria-current=step]", has_text=step).wait_for()
        if step == "Access":
            page.locator("[name=access][value=public]").check(force=True)
        settle(page)
        taken.append(take(page, f"wizard-{step.lower()}.{suffix}"))
    return taken


def take_readme_picture(stack: Stack, context: BrowserContext) -> None:
    dress(context, stack, "light")
    page = context.new_page()
    sign_in(page, stack)
    page.goto(f"{stack.url}/namespaces/{NAMESPACE}/deployments/")
    settle(page)
    README_PICTURE.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=README_PICTURE)
    context.close()


def settle(page: Page) -> None:
    """Letters are there, and the live connection has said its first word or there is none."""
    page.evaluate("document.fonts.ready")
    page.wait_for_function("document.documentElement.classList.contains('has-script')")


def take(page: Page, name: str) -> Path:
    path = TARGET / f"{name}.png"
    page.screenshot(path=path)
    return path


def write_index(taken: list[Path]) -> None:
    pictures = "\n".join(
        f'<figure><a href="{escape(path.name)}"><img src="{escape(path.name)}" loading="lazy" alt=""></a>'
        f"<figcaption>{escape(path.stem)}</figcaption></figure>"
        for path in sorted(taken)
    )
    page = f"<!doctype html><meta charset='utf-8'><title>The console</title><style>{STYLE}</style>\n{pictures}\n"
    (TARGET / "index.html").write_text(page)


if __name__ == "__main__":
    sys.exit(main())
