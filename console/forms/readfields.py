"""Manifests to the fields of the forms of workloads, one control at a time. Pure.

What is not of the shape a control can show is passed over: `console.forms.readback` keeps it. Nothing here raises,
whatever the manifest holds.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from console.forms import access, barepods, environment, handlers, jobs, schedules, storage
from console.forms.containers import INIT, MAIN
from console.forms.drafts import JSON
from console.forms.podtemplates import PULL_SECRET, SIZE_ANNOTATION
from console.forms.sizes import FREE, SizeDraft
from console.forms.workloads import DESCRIPTION_ANNOTATION
from workloads.kinds import elbannotations, podspecs, sleeping
from workloads.meta.quantity import GIB, QuantityError

Pairs = Iterator[tuple[str, str]]
_GIB = re.compile(r"[1-9][0-9]*Gi")
_DAILY = re.compile(r"(\d{1,2}) (\d{1,2}) (\*|\d{1,2}) \* (\*|[0-6](?:,[0-6])*)")
_MINUTES = re.compile(r"\*(?:/(\d{1,2}))? \* \* \* \*")
_HOURLY = re.compile(r"(\d{1,2}) \* \* \* \*")


@dataclass(frozen=True)
class Around:
    """What leads to a Deployment, as its form makes it. `sources` are the manifests these were taken from."""

    elb: JSON | None = None
    service: JSON | None = None
    ingress: JSON | None = None
    sources: tuple[JSON, ...] = ()


class Text(Protocol):
    @property
    def workload(self) -> JSON: ...
    @property
    def around(self) -> Around: ...


def fields(found: Text, places: Mapping[str, int]) -> dict[str, str]:
    """`places` says which number each container has in the form."""
    kind = found.workload["kind"]
    made = dict(_head(found.workload))
    if kind == "Deployment":
        return made | dict(_deployment(found.workload, places)) | dict(_access(found.around))
    if kind == "CronJob":
        return made | dict(_cronjob(found.workload, places))
    if kind == "Pod":
        return made | dict(_bare_pod(found.workload, places))
    return made | dict(_work(_map(found.workload, "spec"), places))


def pod_spec(template: str, workload: JSON) -> JSON:
    """The pod's spec below the path of its template."""
    node: Any = workload
    for step in (*filter(None, template.split(".")), "spec"):
        node = _map(node, step)
    return dict(node)


def container_names(spec: JSON) -> list[str]:
    return [name for _role, one in _containers(spec) if (name := _line(one, "name"))]


def annotated(manifest: JSON) -> JSON:
    return _map(_map(manifest, "metadata"), "annotations")


def is_plain(spec: JSON) -> bool:
    """Whether a Service is of the sort that the form makes: by a selector, inside or on an ELB, with ports."""
    kind = spec.get("type", "ClusterIP")
    return kind in ("ClusterIP", "LoadBalancer") and bool(_map(spec, "selector")) and bool(_maps(spec, "ports"))


def backend(spec: JSON) -> str:
    """The Service that every path of an Ingress with one rule leads to; "" for other Ingresses."""
    rules = _maps(spec, "rules")
    paths = _maps(_map(rules[0], "http"), "paths") if len(rules) == 1 and "defaultBackend" not in spec else []
    names = {_line(_map(_map(path, "backend"), "service"), "name") for path in paths}
    return names.pop() if len(names) == 1 else ""


# --- the workloads ------------------------------------------------------------------------------------------------


def _head(workload: JSON) -> Pairs:
    metadata = _map(workload, "metadata")
    for name in ("name", "namespace"):
        yield name, _line(metadata, name)
    if said := _line(annotated(workload), DESCRIPTION_ANNOTATION):
        yield "description", said


def _deployment(workload: JSON, places: Mapping[str, int]) -> Pairs:
    spec = _map(workload, "spec")
    if said := _line(annotated(workload), sleeping.AFTER):
        yield "sleep_after", said
    yield from _number(spec, "replicas", "replicas")
    strategy = _map(spec, "strategy")
    if strategy.get("type") in ("RollingUpdate", "Recreate"):
        yield "strategy", strategy["type"]
    rolling = _map(strategy, "rollingUpdate")
    for field, name in (("max_unavailable", "maxUnavailable"), ("max_surge", "maxSurge")):
        if said := _count(rolling, name):
            yield field, said
    yield from _pod(_map(spec, "template"), places)


def _cronjob(workload: JSON, places: Mapping[str, int]) -> Pairs:
    spec = _map(workload, "spec")
    yield from _schedule(_line(spec, "schedule"))
    if zone := _line(spec, "timeZone"):
        yield "zone", zone
    if spec.get("concurrencyPolicy") in jobs.POLICIES:
        yield "policy", spec["concurrencyPolicy"]
    for field, (name, _label) in jobs.CronJobDraft.OWN_NUMBERS.items():
        yield from _number(spec, name, field)
    yield from _work(_map(_map(spec, "jobTemplate"), "spec"), places)


def _work(spec: JSON, places: Mapping[str, int]) -> Pairs:
    """Of a Job's spec."""
    if "completions" in spec or "parallelism" in spec:
        yield "mode", jobs.CUSTOM
        yield from _number(spec, "completions", "completions")
        yield from _number(spec, "parallelism", "parallelism")
        if spec.get("completionMode") == "Indexed":
            yield "indexed", "on"
    for field in ("timeout", "retries", "ttl"):
        yield from _number(spec, jobs.NUMBERS[field][0], field)
    template = _map(spec, "template")
    if (policy := _map(template, "spec").get("restartPolicy")) in jobs.RESTARTS:
        yield "restart_policy", policy
    yield from _pod(template, places)


def _bare_pod(workload: JSON, places: Mapping[str, int]) -> Pairs:
    if (policy := _map(workload, "spec").get("restartPolicy")) in barepods.RESTARTS:
        yield "restart_policy", policy
    yield from _pod(workload, places)


def _schedule(cron: str) -> Pairs:
    """The rule in words that writes this cron text, else the text itself."""
    if (match := _MINUTES.fullmatch(cron)) and int(match[1] or 1) in schedules.EVERY:
        yield from (("rule", schedules.MINUTES), ("every", match[1] or "1"))
    elif (match := _HOURLY.fullmatch(cron)) and int(match[1]) < 60:
        yield from (("rule", schedules.HOURLY), ("minute", str(int(match[1]))))
    elif (match := _DAILY.fullmatch(cron)) and _is_clock(match):
        yield "time", f"{int(match[2]):02d}:{int(match[1]):02d}"
        if match[4] != "*":
            yield "rule", schedules.WEEKLY
            yield from ((f"weekday-{day}-on", "on") for day in match[4].split(","))
        elif match[3] != "*":
            yield from (("rule", schedules.MONTHLY), ("day", str(int(match[3]))))
        else:
            yield "rule", schedules.DAILY
    elif cron:
        yield from (("rule", schedules.CRON), ("cron", cron))


def _is_clock(match: re.Match[str]) -> bool:
    """A time of the day, on days of the week or on one of the month, not on both."""
    if int(match[1]) > 59 or int(match[2]) > 23:
        return False
    return match[3] == "*" or (match[4] == "*" and 1 <= int(match[3]) <= 31)


# --- pods ---------------------------------------------------------------------------------------------------------


def _pod(template: JSON, places: Mapping[str, int]) -> Pairs:
    spec = _map(template, "spec")
    size = _size(template)
    yield from _size_fields(size)
    for secret in _maps(spec, "imagePullSecrets"):
        if name := _line(secret, "name"):
            yield f"{PULL_SECRET}{name}", "on"
    yield from _number(spec, "terminationGracePeriodSeconds", "grace_seconds")
    dns = _map(spec, "dnsConfig")
    for field, name in (("dns_servers", "nameservers"), ("dns_searches", "searches")):
        words = _words(dns, name)
        if words and not any(re.search(r"[,\s]", word) for word in words):
            yield field, ", ".join(words)
    if spec.get("dnsPolicy") == "None":
        yield "dns_alone", "on"
    volumes = {_line(one, "name"): one for one in _maps(spec, "volumes")}
    alone = len(_maps(spec, "containers")) == 1
    for role, container in _containers(spec):
        if (name := _line(container, "name")) in places:
            whole = size.annotation if size and (alone or role == INIT) else ""
            inner = _container(container, whole, volumes)
            yield from ((f"containers-{places[name]}-{field}", value) for field, value in (("role", role), *inner))


def _size(template: JSON) -> SizeDraft | None:
    """The specification that is chosen, else the one that follows from the containers."""
    said = _line(annotated(template), SIZE_ANNOTATION)
    if said:
        return SizeDraft.of(said) if podspecs.parse(said) else None
    try:
        asked = podspecs.effective_size(_map(template, "spec"))
    except (QuantityError, AttributeError, TypeError, ValueError):
        return None
    if not asked.cpu_millis or not asked.memory_bytes:
        return None
    cores = f"{Decimal(asked.cpu_millis) / 1000:.2f}"
    return SizeDraft.of(f"{cores}_{-(-asked.memory_bytes // GIB)}.0")


def _size_fields(size: SizeDraft | None) -> Pairs:
    if size is None:
        return
    yield "size", size.choice
    if size.choice == FREE:
        yield from (("size_cores", size.cores), ("size_gib", size.gib))


def _containers(spec: JSON) -> list[tuple[str, JSON]]:
    """In the order a form shows them: those that run before the others come first."""
    return [(INIT, one) for one in _maps(spec, "initContainers")] + [(MAIN, one) for one in _maps(spec, "containers")]


def _container(container: JSON, whole: str, volumes: Mapping[str, JSON]) -> Pairs:
    """Names of fields are those within the container. `whole` is the specification that an empty size stands for."""
    yield "name", _line(container, "name")
    yield from _image(_line(container, "image"))
    if container.get("imagePullPolicy") in ("IfNotPresent", "Always", "Never"):
        yield "pull_policy", container["imagePullPolicy"]
    yield from _resources(_map(container, "resources"), whole)
    for name in ("command", "args"):
        if (words := _words(container, name)) and all(words):
            yield name, shlex.join(words)
    if directory := _line(container, "workingDir"):
        yield "working_dir", directory
    yield from _numbered("env", (dict(found) for one in _maps(container, "env") if (found := _variable(one))))
    yield from _numbered("from", (found for one in _maps(container, "envFrom") if (found := _env_from(one))))
    mounts = (_mount(one, volumes) for one in _maps(container, "volumeMounts"))
    yield from _numbered("mount", (found for found in mounts if found))
    for word, path in handlers.CHECKS.items():
        yield from ((f"{word}-{name}", value) for name, value in _check(_map(container, path)))
    for word, path in handlers.HOOKS.items():
        hook = _map(_map(container, "lifecycle"), path.partition(".")[2])
        yield from ((f"{word}-{name}", value) for name, value in _action(hook))


def _numbered(word: str, found: Iterator[Mapping[str, str]]) -> Pairs:
    for row, one in enumerate(found):
        yield from ((f"{word}-{row}-{name}", value) for name, value in one.items())


def _image(reference: str) -> Pairs:
    """`nginx:1.27` has its tag in a field of its own; a digest stays with the image."""
    image, colon, tag = reference.rpartition(":")
    if colon and "/" not in tag and "@" not in reference:
        yield from (("image", image), ("tag", tag))
    elif reference:
        yield "image", reference


def _resources(resources: JSON, whole: str) -> Pairs:
    said = {**_map(resources, "requests"), **_map(resources, "limits")}
    cores, _sep, gib = whole.partition("_")
    for name, full in (("cpu", _short(cores)), ("memory", f"{_short(gib)}Gi")):
        value = said.get(name)
        shown = str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
        if shown and shown != full and not re.search(r"\s", shown):
            yield name, shown.removesuffix("Gi") if _GIB.fullmatch(shown) else shown


def _short(number: str) -> str:
    return number.rstrip("0").rstrip(".") if "." in number else number


def _variable(one: JSON) -> dict[str, str]:
    name, given = _line(one, "name"), _map(one, "valueFrom")
    if not name:
        return {}
    if not given:
        value = one.get("value", "")
        return {"name": name, "value": value} if isinstance(value, str) and _is_line(value) else {}
    path, resource = _map(given, "fieldRef").get("fieldPath"), _map(given, "resourceFieldRef").get("resource")
    sources = [word for word, known in environment.FIELDS.items() if known == path]
    sources += [word for word, known in environment.RESOURCES.items() if known == resource]
    for bag in environment.BAGS:
        key = _map(given, f"{bag}KeyRef")
        if (owner := _line(key, "name")) and (inner := _line(key, "key")):
            sources.append(f"{bag}/{owner}/{inner}")
    return {"name": name, "source": sources[0]} if len(sources) == 1 else {}


def _env_from(one: JSON) -> dict[str, str]:
    sources = [f"{bag}/{name}" for bag in environment.BAGS if (name := _line(_map(one, f"{bag}Ref"), "name"))]
    if len(sources) != 1:
        return {}
    prefix = _line(one, "prefix")
    return {"source": sources[0], **({"prefix": prefix} if prefix else {})}


def _mount(one: JSON, volumes: Mapping[str, JSON]) -> dict[str, str]:
    name, path = _line(one, "name"), _line(one, "mountPath")
    found = _volume(volumes.get(name, {}))
    if not path or not found:
        return {}
    made = {**found, "path": path, "name": name}
    if part := _line(one, "subPath"):
        made["sub_path"] = part
    return made | ({"read_only": "on"} if one.get("readOnly") is True else {})


def _volume(volume: JSON) -> dict[str, str]:
    """What is mounted; nothing for volumes that the form has no word for."""
    if isinstance(empty := volume.get("emptyDir"), dict):
        limit = empty.get("sizeLimit")
        shown = str(limit) if isinstance(limit, str | int) and not isinstance(limit, bool) else ""
        short = shown.removesuffix("Gi") if _GIB.fullmatch(shown) else shown
        what = storage.MEMORY if empty.get("medium") == "Memory" else storage.DISK
        return {"what": what, **({"limit": short} if short else {})}
    for word, (kind, part) in storage.OBJECTS.items():
        if name := _line(_map(volume, kind), part):
            return {"what": f"{word}/{name}"}
    return {}


def _check(probe: JSON) -> Pairs:
    action = dict(_action(probe))
    yield from action.items()
    if action:
        for field, (path, _default, _label) in handlers.NUMBERS.items():
            yield from _number(probe, path, field)


def _action(handler: JSON) -> Pairs:
    """Nothing unless it is all of a kind the form has: a port by its name, gRPC stay YAML."""
    request = _map(handler, "httpGet")
    port = request.get("port", _map(handler, "tcpSocket").get("port"))
    is_number = isinstance(port, int) and not isinstance(port, bool)
    command, sleep = _words(_map(handler, "exec"), "command"), _map(handler, "sleep")
    if request and is_number:
        yield from (("way", handlers.HTTP), ("port", str(port)))
        if path := _line(request, "path"):
            yield "path", path
        if request.get("scheme") in ("HTTP", "HTTPS"):
            yield "scheme", request["scheme"]
    elif "tcpSocket" in handler and is_number:
        yield from (("way", handlers.TCP), ("port", str(port)))
    elif command and all(command):
        yield from (("way", handlers.COMMAND), ("command", shlex.join(command)))
    elif sleep:
        yield "way", handlers.SLEEP
        yield from _number(sleep, "seconds", "seconds")


# --- access -------------------------------------------------------------------------------------------------------


def _access(around: Around) -> Pairs:
    """Fields of the access to a Deployment."""
    if around.service is None:
        yield "access", access.NONE
        return
    spec = _map(around.service, "spec")
    outside = around.ingress is not None or spec.get("type") == "LoadBalancer"
    yield "access", access.PUBLIC if outside else access.INTERNAL
    yield "access-service", _line(_map(around.service, "metadata"), "name")
    for row, port in enumerate(_maps(spec, "ports")):
        yield from ((f"access-port-{row}-{name}", value) for name, value in _port(port))
    if around.ingress is not None:
        yield "access-layer", access.LAYER_7
        yield from _ingress(around.ingress, _maps(spec, "ports"))
    elif outside:
        yield "access-layer", access.LAYER_4
    if outside:
        yield from _elb(around.ingress or around.service, around.elb)


def _port(port: JSON) -> Pairs:
    number, target = _count(port, "port"), _count(port, "targetPort")
    yield "port", number
    if target and target != number:
        yield "target", target
    if port.get("protocol") in ("TCP", "UDP"):
        yield "protocol", port["protocol"]


def _ingress(ingress: JSON, ports: list[JSON]) -> Pairs:
    yield "access-ingress", _line(_map(ingress, "metadata"), "name")
    spec = _map(ingress, "spec")
    rule = _maps(spec, "rules")[0]
    if domain := _line(rule, "host"):
        yield "access-domain", domain
    secure = _maps(spec, "tls")
    yield "access-scheme", access.HTTPS if secure else access.HTTP
    if secure and (certificate := _line(secure[0], "secretName")):
        yield "access-certificate", certificate
    first = _count(ports[0], "port") if ports else ""
    for row, path in enumerate(_maps(_map(rule, "http"), "paths")):
        prefix = f"access-path-{row}-"
        yield f"{prefix}path", _line(path, "path")
        number = _count(_map(_map(_map(path, "backend"), "service"), "port"), "number")
        if number and number != first:
            yield f"{prefix}port", number
        if path.get("pathType") in (access.EXACT, access.PREFIX):
            yield f"{prefix}how", path["pathType"]


def _elb(door: JSON, elb: JSON | None) -> Pairs:
    said = annotated(door)
    if elb is not None:
        yield from (("access-elb", access.NEW), ("access-elb_name", _line(_map(elb, "metadata"), "name")))
    elif found := _line(said, elbannotations.ELB_ID):
        yield "access-elb", found
    if port := _line(said, elbannotations.ELB_PORT):
        yield "access-elb_port", port


# --- shapes -------------------------------------------------------------------------------------------------------


def _map(node: Any, name: str) -> JSON:
    found = node.get(name) if isinstance(node, dict) else None
    return found if isinstance(found, dict) else {}


def _maps(node: JSON, name: str) -> list[JSON]:
    found = node.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _words(node: JSON, name: str) -> list[str]:
    """Nothing unless each is one line of text."""
    found = node.get(name)
    if not isinstance(found, list) or not all(isinstance(one, str) and _is_line(one) for one in found):
        return []
    return found


def _line(node: JSON, name: str) -> str:
    found = node.get(name)
    return found if isinstance(found, str) and _is_line(found) else ""


def _is_line(value: str) -> bool:
    """A browser keeps one line alone in a field."""
    return not re.search(r"[\r\n\0]", value)


def _count(node: JSON, name: str) -> str:
    """A number, a share or a port's name, as it is typed."""
    found = node.get(name)
    return str(found) if isinstance(found, int) and not isinstance(found, bool) else _line(node, name)


def _number(node: JSON, name: str, field: str) -> Pairs:
    found = node.get(name)
    if isinstance(found, int) and not isinstance(found, bool) and abs(found) < 10**9:
        yield field, str(found)
