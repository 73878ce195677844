"""The console with 100,000 pods: how soon a list's first byte comes, how heavy a page is, what a browser has to do
while 50 objects change a second, and how late a change stands on the screen.

`python -m benchmarks.console_scale [pods] [rounds]`; DATABASE_URL names an empty PostgreSQL, else it is SQLite.

Objects in the store, no containers: Deployments of 90 pods each, Jobs of five, and an Event for every fifth pod. Web
process and Redis are the product's own; pages are asked for over HTTP as a browser asks, and shown in Chromium. A
change's time is from before its write until its words stand in the document. To fill the store takes some minutes: with
CCI_DATA_DIR it is filled there, stays, and is found the next time.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

ROOT = Path(__file__).parents[1]
NAMESPACES, EACH, OF_JOB = 20, 90, 5
MOST_MS, MOST_BYTES, MOST_BUSY, MOST_LATE_MS = 300, 60_000, 5.0, 150
A_SECOND, SECONDS, CHANGES = 50, 15, 200
WATCH = """(words) => { window.late = {}; const look = () => { const text = document.querySelector('main').textContent;
  for (const one of words) if (!(one in window.late) && text.includes(one)) window.late[one] = Date.now(); };
  const all = { subtree: true, childList: true, characterData: true };
  new MutationObserver(look).observe(document.querySelector('main'), all); }"""
JSON = dict[str, Any]


def main(pods: int = 100_000, rounds: int = 20) -> None:
    """In a process of its own, with a place of its own: Django's settings are read once."""
    with tempfile.TemporaryDirectory(prefix="cci-scale-") as made:
        home = os.environ.get("CCI_DATA_DIR") or made
        ours = {
            "CCI_DATA_DIR": home,
            "DJANGO_SETTINGS_MODULE": "console.settings",
            "CCI_LOG_LEVEL": "WARNING",
            "CCI_NAMESPACE_QUOTA": "50",
        }
        ours |= {"CCI_PORT": os.environ.get("CCI_PORT", "8105"), "CCI_API_PORT": os.environ.get("CCI_API_PORT", "6505")}
        command = [sys.executable, "-m", "benchmarks.console_scale", "inside", str(pods), str(rounds)]
        subprocess.run(command, cwd=ROOT, env={**os.environ, **ours}, check=True)


def inside(pods: int, rounds: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("prepare", verbosity=0)
    with _redis():
        from workloads.store import objects

        there = objects.count("Pod", account="acme") >= pods * 0.9
        cookie = _session() if there else _filled(pods)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        print(f"{connection.vendor}: {pods:,} pods", flush=True)
        with _served() as url:
            _first_bytes(url, cookie, rounds)
            _in_a_browser(url, cookie)


def _filled(pods: int) -> str:
    """The session of somebody who may see all of it."""
    from tests.console import scenes

    scenes.user()
    for number in range(NAMESPACES):
        with suppress(Exception):
            scenes.namespace(f"shop-{number:02}")
    template = _templates()
    made = 0
    while made < pods:
        made += _workloads(template, made, min(pods - made, 9_000))
    return _session()


def _session() -> str:
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from tests.console import scenes

    user, session = scenes.user(), SessionStore()
    session[SESSION_KEY], session[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session.create()
    return str(session.session_key)


def _templates() -> dict[str, JSON]:
    """One object of each kind as the front door makes it, to be multiplied in the store."""
    from tests.console import scenes

    place = scenes.namespace()["metadata"]["name"]
    deployment = scenes.deployment("web", replicas=EACH)
    status = {"replicas": EACH, "readyReplicas": EACH, "availableReplicas": EACH, "updatedReplicas": EACH}
    deployment["status"] = {**(deployment.get("status") or {}), **status, "observedGeneration": 1}
    owner = scenes.replica_set(deployment)
    job = scenes.job("sum", status={"active": OF_JOB, "startTime": scenes.ago(60)})
    pod = scenes.pod("one", owner=owner, status=scenes.running())
    event = {
        "metadata": {"name": "one.1", "namespace": place},
        "involvedObject": {"kind": "Pod", "name": "one", "namespace": place, "uid": pod["metadata"]["uid"]},
        "reason": "Started",
        "message": "Started container app",
        "type": "Normal",
        "lastTimestamp": scenes.ago(30),
        "count": 1,
    }
    scenes.hand().create("Event", event, place)
    made = scenes.hand().get("Event", "one.1", place)
    return {"Deployment": deployment, "ReplicaSet": owner, "Job": job, "Pod": pod, "Event": made}


def _workloads(template: dict[str, JSON], first: int, pods: int) -> int:
    from billing.models import MeteredPod
    from workloads.store.models import Object

    found: list[JSON] = []
    for start in range(first, first + pods, EACH):
        number, is_job = start // EACH, (start // EACH) % 10 == 9
        namespace = f"shop-{number % NAMESPACES:02}"
        owners = _jobs(template, number, namespace) if is_job else _deployment(template, number, namespace)
        found += owners
        last = [one for one in owners if one["kind"] in ("ReplicaSet", "Job")]
        for place in range(min(EACH, first + pods - start)):
            owner = last[place // OF_JOB] if is_job else last[0]
            pod = _copy(template["Pod"], f"{owner['metadata']['name']}-{place:05x}", namespace, owner=owner)
            found.append(pod)
            if place % 5 == 0:
                found.append(_event(template["Event"], pod))
    Object.objects.bulk_create([_row(obj) for obj in found], batch_size=500)
    price = _price()
    above = {obj["metadata"]["uid"]: obj["metadata"]["ownerReferences"][0]["uid"] for obj in _owned_sets(found)}
    metered = [_metered(obj, above, *price) for obj in found if obj["kind"] == "Pod"]
    MeteredPod.objects.bulk_create(metered, batch_size=500)
    return pods


def _owned_sets(found: list[JSON]) -> list[JSON]:
    return [obj for obj in found if obj["kind"] == "ReplicaSet"]


def _deployment(template: dict[str, JSON], number: int, namespace: str) -> list[JSON]:
    deployment = _copy(template["Deployment"], f"web-{number:05}", namespace)
    return [deployment, _copy(template["ReplicaSet"], f"web-{number:05}-7f9c", namespace, owner=deployment)]


def _jobs(template: dict[str, JSON], number: int, namespace: str) -> list[JSON]:
    return [_copy(template["Job"], f"sum-{number:05}-{part}", namespace) for part in range(EACH // OF_JOB)]


def _copy(obj: JSON, name: str, namespace: str, *, owner: JSON | None = None) -> JSON:
    metadata = {**obj["metadata"], "name": name, "namespace": namespace, "uid": str(uuid4())}
    if owner is not None:
        reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "controller": True}
        metadata["ownerReferences"] = [
            {**reference, "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}
        ]
    return {**obj, "metadata": metadata}


def _event(template: JSON, pod: JSON) -> JSON:
    of = {"kind": "Pod", "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}
    event = _copy(template, f"{pod['metadata']['name']}.1", pod["metadata"]["namespace"])
    return {
        **event,
        "involvedObject": {**template["involvedObject"], **of, "namespace": event["metadata"]["namespace"]},
    }


def _row(obj: JSON) -> Any:
    import orjson

    from workloads.kinds import registry
    from workloads.meta import times
    from workloads.meta.owners import owner_kind_of
    from workloads.store.models import Object

    metadata, facts = obj["metadata"], registry.kind(obj["kind"]).facts(obj)
    metadata = {"resourceVersion": metadata["resourceVersion"], **metadata}
    return Object(
        account="acme",
        kind=obj["kind"],
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        revision=int(metadata["resourceVersion"]),
        labels=orjson.dumps(metadata.get("labels") or {}).decode(),
        owner_uid=next((one["uid"] for one in metadata.get("ownerReferences") or ()), ""),
        phase=facts.phase,
        node="here" if obj["kind"] == "Pod" else "",
        created=times.parse(metadata["creationTimestamp"]),
        data=orjson.dumps({**obj, "metadata": metadata}),
        health=facts.health,
        owner_kind=owner_kind_of(metadata),
        images=facts.images,
    )


def _price() -> tuple[Any, str, Any]:
    """A size, its region, and what it costs a second."""
    from billing import instants, prices, rating, sizes

    size, region = rating.Size("general-computing", 250, 1024), prices.current().region
    sizes.remember([(region, size)])
    return size, region, rating.rate_or_nothing(prices.current(), size, instants.now()).per_second


def _metered(pod: JSON, above: dict[str, str], size: Any, region: str, rate: Any) -> Any:
    from billing import instants, sizes
    from billing.models import MeteredPod

    now, owner = instants.now(), pod["metadata"]["ownerReferences"][0]
    return MeteredPod(
        uid=pod["metadata"]["uid"],
        priced_size=sizes.number(region, size),
        account="acme",
        namespace=pod["metadata"]["namespace"],
        pod=pod["metadata"]["name"],
        workload_kind="Deployment" if owner["kind"] == "ReplicaSet" else "Job",
        workload_name=owner["name"].removesuffix("-7f9c"),
        workload_uid=above.get(owner["uid"], owner["uid"]),
        region=region,
        flavor=size.flavor,
        cpu_millis=size.cpu_millis,
        memory_mib=size.memory_mib,
        started=now,
        ran=now,
        settled_until=now,
        currency="CNY",
        rate_at_start=rate,
        revision=1,
    )


@contextmanager
def _redis() -> Iterator[None]:
    from django.conf import settings

    from console.management.commands import serve

    settings.RUN_DIR.mkdir(parents=True, exist_ok=True)
    redis = subprocess.Popen(serve.redis().command, stdout=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        yield
    finally:
        redis.terminate()
        redis.wait(20)


@contextmanager
def _served() -> Iterator[str]:
    """The web process alone, without those that would look for the pods' containers."""
    url = f"http://127.0.0.1:{os.environ['CCI_PORT']}"
    web = subprocess.Popen([sys.executable, "manage.py", "web"], cwd=ROOT)
    try:
        for _ in range(600):
            with suppress(httpx.HTTPError):
                if httpx.get(f"{url}/sign-in/").status_code == 200:
                    break
            time.sleep(0.1)
        yield url
    finally:
        web.terminate()
        web.wait(20)


def _first_bytes(url: str, cookie: str, rounds: int) -> None:
    from django.conf import settings

    print(f"{'page':44} median ms   p95 ms   KB   aims: {MOST_MS} ms, {MOST_BYTES // 1000} KB")
    with httpx.Client(cookies={settings.SESSION_COOKIE_NAME: cookie}, base_url=url, timeout=60) as client:
        for path in _paths(client):
            took, size = [], 0
            for _ in range(rounds):
                began = time.perf_counter()
                with client.stream("GET", path) as answer:
                    took.append(time.perf_counter() - began)
                    size = sum(len(chunk) for chunk in answer.iter_raw())
                    assert answer.status_code == 200, f"{path}: {answer.status_code}"
            took.sort()
            p95 = took[max(0, round(len(took) * 0.95) - 1)] * 1000
            mark = " <--" if p95 > MOST_MS or size > MOST_BYTES else ""
            print(
                f"{path[:44]:44} {statistics.median(took) * 1000:9.0f} {p95:8.0f} {size / 1000:6.1f}{mark}", flush=True
            )


def _paths(client: httpx.Client) -> list[str]:
    import re
    from html import unescape

    second = re.search(r'href="(/pods/\?continue=[^"]+)"', client.get("/pods/").text)
    lists = ("pods", "deployments", "jobs", "cronjobs", "namespaces", "services", "ingresses", "elbs", "configmaps")
    return [
        "/",
        *(f"/{name}/" for name in (*lists, "secrets", "claims", "images")),
        *([unescape(second[1])] if second else []),
        *("/pods/?state=Running", "/pods/?state=Failed", "/pods/?state=look", "/pods/?source=Job"),
        *("/pods/?q=web-00500", "/pods/?label=app%3Dnobody", "/deployments/?state=look"),
        *("/namespaces/shop-03/", "/namespaces/shop-03/pods/", "/namespaces/shop-03/deployments/"),
        *("/namespaces/shop-03/events/", "/namespaces/shop-03/deployments/web-00003/", "/search/?q=web-00500"),
        *("/search/?q=nothing-of-that-name", "/bills/", "/namespaces/shop-03/map/"),
    ]


def _in_a_browser(url: str, cookie: str) -> None:
    from django.conf import settings

    from tests.e2e.chromium import WIDE, chromium

    with chromium() as browser:
        context = browser.new_context(viewport=WIDE)
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": url}])
        page = context.new_page()
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright runs a loop in this thread
        for name, path, which in (
            ("changes of any pods", "/pods/", None),
            ("changes of the pods shown", "/pods/", 50),
            ("changes of any pods, overview", "/", None),
        ):
            _settle()
            page.goto(url + path)
            page.wait_for_timeout(3000)
            print(
                f"{name}: main thread {_busy(page, which):.1f} % at {A_SECOND} a second (aim: {MOST_BUSY:.0f})",
                flush=True,
            )
        for name, path in (("list", "/pods/"), ("detail", ""), ("overview", "/")):
            _late(page, url, name, path)


def _settle() -> None:
    """The pods that are shown run: each restart more stands on the page then."""
    from tests.console import scenes

    door = _door()
    for namespace, name in _keys(50):
        pod = door.get("Pod", name, namespace)
        started = {"ready": True, "state": {"running": {"startedAt": scenes.ago(60)}}}
        statuses = [{**one, **started} for one in pod["status"]["containerStatuses"]]
        pod["status"] = {**pod["status"], **scenes.running(), "containerStatuses": statuses}
        door.update("Pod", name, pod, namespace, subresource="status")


def _busy(page: Any, which: int | None) -> float:
    """Percent of the time in which the page's main thread had a task."""
    from django.db import connection

    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def spent() -> float:
        metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
        return float(metrics["TaskDuration"])

    writer = subprocess.Popen([sys.executable, "-m", "benchmarks.console_scale", "write", str(which or 0)], cwd=ROOT)
    page.wait_for_timeout(4000)
    before, began = spent(), time.monotonic()
    page.wait_for_timeout(SECONDS * 1000)
    busy, passed = spent() - before, time.monotonic() - began
    writer.wait(60)
    connection.close()
    return 100 * busy / passed


def write(which: int) -> None:
    """50 changes a second, for as long as `_busy` looks."""
    import django

    django.setup()
    pods, began, written = _keys(which or None), time.monotonic(), 0
    while (passed := time.monotonic() - began) < SECONDS + 8:
        if written < passed * A_SECOND:
            _change(*random.choice(pods), f"note-{written}")
            written += 1
        else:
            time.sleep(0.002)
    print(f"  {written / passed:.0f} changes a second were written", flush=True)


def _late(page: Any, url: str, name: str, path: str) -> None:
    """Each change's words are looked for in the document."""
    pods = _keys(50)
    words = [f"restarting-{number:03}-{uuid4().hex[:6]}" for number in range(CHANGES)]
    target = f"/namespaces/{pods[0][0]}/pods/{pods[0][1]}/" if name == "detail" else path
    page.goto(url + target)
    page.wait_for_timeout(3000)
    page.evaluate(WATCH, words)
    written = {}
    for word in words:
        pod = pods[0] if name == "detail" else random.choice(pods)
        written[word] = time.time() * 1000
        _say(name, *pod, word)
        page.wait_for_timeout(random.uniform(120, 400))
    page.wait_for_timeout(2000)
    seen: dict[str, float] = page.evaluate("window.late")
    late = sorted(seen[word] - written[word] for word in words if word in seen)
    if not late:
        print(f"{name}: none of {CHANGES} changes was seen")
        return
    p95 = late[max(0, round(len(late) * 0.95) - 1)]
    print(
        f"{name}: {len(late)} of {CHANGES} changes seen, median {statistics.median(late):.0f} ms, p95 {p95:.0f} ms "
        f"(aim: {MOST_LATE_MS}), most {late[-1]:.0f} ms",
        flush=True,
    )


def _keys(which: int | None) -> list[tuple[str, str]]:
    """Namespace and name of pods, as a list's first page has them, or of any."""
    from workloads.store.models import Object

    rows = Object.objects.filter(kind="Pod", account="acme").order_by("namespace", "name")
    some = rows.values_list("namespace", "name")
    return list(some[:which] if which else some)


def _door() -> Any:
    from tests.console import scenes

    return scenes.hand()


def _change(namespace: str, name: str, word: str) -> None:
    door = _door()
    pod = door.get("Pod", name, namespace)
    statuses = [{**one, "restartCount": one.get("restartCount", 0) + 1} for one in pod["status"]["containerStatuses"]]
    pod["status"] = {**pod["status"], "containerStatuses": statuses}
    door.update("Pod", name, pod, namespace, subresource="status")


def _say(page: str, namespace: str, name: str, word: str) -> None:
    """Something that stands on the page afterwards: a pod's trouble, or an Event."""
    door = _door()
    if page == "overview":
        event = {
            "metadata": {"name": f"{name}.{word[-6:]}", "namespace": namespace},
            "involvedObject": {"kind": "Pod", "name": name, "namespace": namespace},
            "reason": "Restarting",
            "message": word,
            "type": "Warning",
            "lastTimestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "count": 1,
        }
        door.create("Event", event, namespace)
        return
    pod = door.get("Pod", name, namespace)
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": word}}
    statuses = [{**one, "ready": False, "state": waiting} for one in pod["status"]["containerStatuses"]]
    pod["status"] = {**pod["status"], "phase": "Pending", "containerStatuses": statuses}
    door.update("Pod", name, pod, namespace, subresource="status")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["inside", *numbers]:
            inside(*(int(number) for number in numbers))
        case ["write", number]:
            write(int(number))
        case numbers:
            main(*(int(number) for number in numbers))
