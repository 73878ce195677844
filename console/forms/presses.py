"""Buttons of a form that change the draft and send nothing: take a size, add and remove containers and rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from console.forms.containers import ContainerDraft
from console.forms.environment import EnvDraft, EnvFromDraft
from console.forms.podtemplates import PodDraft
from console.forms.sizes import SizeDraft
from console.forms.storage import MountDraft

_LISTS: dict[str, tuple[str, Callable[[], Any], str]] = {
    "env": ("env", EnvDraft, "name"),
    "from": ("env_from", EnvFromDraft, "source"),
    "mount": ("mounts", MountDraft, "what"),
}
"""The word in the button -> the container's attribute, what a new row is, and the field one types in first."""


def pressed(pod: PodDraft, go: str) -> tuple[PodDraft, str]:
    """The draft after the button `go` (`add-env-0`, `remove-mount-0-2`, `size-2.00_4.0`), and the field where one goes
    on. What is no such button changes nothing."""
    if go.startswith("size-"):
        return replace(pod, size=SizeDraft.of(go.removeprefix("size-"))), "size"
    action, _sep, rest = go.partition("-")
    word, *places = rest.split("-")
    numbers = [int(place) for place in places if len(place) < 4 and place.isascii() and place.isdigit()]
    if action not in ("add", "remove") or len(numbers) != len(places):
        return pod, ""
    if word == "container":
        return _containers(pod, action, numbers)
    if word in _LISTS and numbers and numbers[0] < len(pod.containers):
        return _rows(pod, action, word, numbers)
    return pod, ""


def _containers(pod: PodDraft, action: str, numbers: list[int]) -> tuple[PodDraft, str]:
    containers = list(pod.containers)
    if action == "add" and not numbers:
        containers.append(ContainerDraft(_free_name(containers)))
        return replace(pod, containers=tuple(containers)), f"containers-{len(containers) - 1}-image"
    if action == "remove" and len(numbers) == 1 and numbers[0] < len(containers) > 1:
        del containers[numbers[0]]
        return replace(pod, containers=tuple(containers)), f"containers-{max(0, numbers[0] - 1)}-image"
    return pod, ""


def _rows(pod: PodDraft, action: str, word: str, numbers: list[int]) -> tuple[PodDraft, str]:
    attribute, fresh, first = _LISTS[word]
    index = numbers[0]
    rows = list(getattr(pod.containers[index], attribute))
    if action == "add" and len(numbers) == 1:
        rows.append(fresh())
        focus = f"containers-{index}-{word}-{len(rows) - 1}-{first}"
    elif action == "remove" and len(numbers) == 2 and numbers[1] < len(rows):
        del rows[numbers[1]]
        focus = f"add-{word}-{index}"
    else:
        return pod, ""
    changed: dict[str, Any] = {attribute: tuple(rows)}
    containers = [replace(one, **changed) if position == index else one for position, one in enumerate(pod.containers)]
    return replace(pod, containers=tuple(containers)), focus


def _free_name(containers: list[ContainerDraft]) -> str:
    taken = {container.name for container in containers}
    return next(name for number in range(len(taken) + 1) if (name := f"container-{number}") not in taken)
