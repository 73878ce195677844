"""LimitRanges of a namespace: what a new pod does not say is filled in, and what is out of range is refused.

Before the pod specification, so that the billed size is that of what was filled in. Requests equal limits here, so a
container that names nothing gets `default` for both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from workloads.kinds import limitranges, quotas
from workloads.kinds.base import Kind
from workloads.kinds.limitranges import CLAIM, CONTAINER, POD
from workloads.meta import quantity, wire
from workloads.meta.errors import Refused
from workloads.meta.keys import Key
from workloads.store import objects

JSON = dict[str, Any]

NOTE = "kubernetes.io/limit-ranger"
KIND = "LimitRange"
_CHECKED = ("Pod", "PersistentVolumeClaim")


def is_about(kind: Kind) -> bool:
    return kind.name in _CHECKED


def ranges(key: Key) -> list[JSON]:
    """Those of a namespace."""
    return [wire.load(row.data) for row in objects.those(KIND, account=key.account, namespace=key.namespace)]


def fill(pod: JSON, known: list[JSON]) -> None:
    """Completes a new pod in place, and notes on it what was filled in, as Kubernetes does."""
    notes = []
    for item in _items(known, CONTAINER):
        for part in ("initContainers", "containers"):
            for container in pod["spec"].get(part) or ():
                word = "container" if part == "containers" else "init container"
                if filled := _fill(container, item):
                    notes.append(f"{', '.join(filled)} request for {word} {container.get('name', '')}")
                    notes.append(f"{', '.join(filled)} limit for {word} {container.get('name', '')}")
    if notes:
        said = f"LimitRanger plugin set: {'; '.join(notes)}"
        pod["metadata"].setdefault("annotations", {})[NOTE] = said


def check(kind: Kind, obj: JSON, known: list[JSON]) -> None:
    """Raises Refused with all that is out of range."""
    problems = [problem for item in _items(known, CLAIM) if kind.name == CLAIM for problem in _claim(obj, item)]
    if kind.name == "Pod":
        containers = [*(obj["spec"].get("initContainers") or ()), *obj["spec"]["containers"]]
        for item in _items(known, CONTAINER):
            problems += [problem for one in containers for problem in _container(one, item)]
        problems += [problem for item in _items(known, POD) for problem in _pod(obj, item)]
    if not problems:
        return
    name, text = obj["metadata"]["name"], problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
    raise Refused.named(kind.plural, name, text, group=kind.group)


def warnings(kind: Kind, obj: JSON) -> tuple[str, ...]:
    """Of a new LimitRange whose requests are not those that will be filled in."""
    names = limitranges.differing(obj) if kind.name == "LimitRange" else []
    if not names:
        return ()
    return (f"requests equal limits here: default counts for {' and '.join(names)}, defaultRequest does not",)


def _items(known: list[JSON], type: str) -> Iterator[JSON]:
    for one in known:
        yield from (item for item in one["spec"]["limits"] if item["type"] == type)


def _fill(container: JSON, item: JSON) -> list[str]:
    """Resources that the container named nowhere and has now. One of requests and limits has filled the other."""
    given, asked = item.get("default") or {}, item.get("defaultRequest") or {}
    resources = container.setdefault("resources", {})
    filled = []
    for name in limitranges.RESOURCES[CONTAINER]:
        value = given.get(name, asked.get(name))
        if value is None or any(name in (resources.get(part) or {}) for part in ("limits", "requests")):
            continue
        for part in ("limits", "requests"):
            resources[part] = {**(resources.get(part) or {}), name: value}
        filled.append(name)
    return filled


def _container(container: JSON, item: JSON) -> Iterator[str]:
    resources = container.get("resources") or {}
    yield from _range(item, CONTAINER, resources.get("requests") or {}, resources.get("limits") or {})


def _pod(pod: JSON, item: JSON) -> Iterator[str]:
    names = limitranges.RESOURCES[POD]
    requests, limits = (
        {name: str(amount) for name in names if (amount := quotas.asked(pod, name, part))}
        for part in ("requests", "limits")
    )
    yield from _range(item, POD, requests, limits)


def _claim(claim: JSON, item: JSON) -> Iterator[str]:
    asked = claim["spec"]["resources"]["requests"]
    for part, word in (("min", "minimum"), ("max", "maximum")):
        bound, value = (item.get(part) or {}).get("storage"), asked.get("storage", "0")
        if bound is None:
            continue
        number, edge = quantity.parse(value), quantity.parse(bound)
        if (number < edge) if part == "min" else (number > edge):
            yield f"{word} storage usage per {CLAIM} is {bound}, but request is {value}"


def _range(item: JSON, type: str, requests: JSON, limits: JSON) -> Iterator[str]:
    """Kubernetes' sentences."""
    for name, bound in sorted((item.get("min") or {}).items()):
        yield from _bound("minimum", name, bound, type, (("request", requests), ("limit", limits)))
    for name, bound in sorted((item.get("max") or {}).items()):
        yield from _bound("maximum", name, bound, type, (("limit", limits), ("request", requests)))
    for name, ratio in sorted((item.get("maxLimitRequestRatio") or {}).items()):
        yield from _ratio(name, ratio, type, requests.get(name), limits.get(name))


def _bound(word: str, name: str, bound: str, type: str, parts: tuple[tuple[str, JSON], ...]) -> Iterator[str]:
    """The first part must be named; the second is looked at when it is."""
    (first, amounts), (second, others) = parts
    said = f"{word} {name} usage per {type} is {bound}"
    value = amounts.get(name)
    if value is None:
        yield f"{said}.  No {first} is specified"
    elif _is_out(word, value, bound):
        yield f"{said}, but {first} is {_shown(name, value)}"
    elif name in others and _is_out(word, others[name], bound):
        yield f"{said}, but {second} is {_shown(name, others[name])}"


def _is_out(word: str, value: str, bound: str) -> bool:
    number, edge = quantity.parse(value), quantity.parse(bound)
    return number < edge if word == "minimum" else number > edge


def _shown(name: str, value: str) -> str:
    return quotas.written(name, quantity.parse(value))


def _ratio(name: str, ratio: str, type: str, request: str | None, limit: str | None) -> Iterator[str]:
    said = f"{name} max limit to request ratio per {type} is {ratio}"
    least, most = quantity.parse(request or 0), quantity.parse(limit or 0)
    if not least or not most:
        yield f"{said}, but no {'request' if not least else 'limit'} is specified or it is 0"
    elif most / least > quantity.parse(ratio):
        yield f"{said}, but provided ratio is {most / least:.6f}"
