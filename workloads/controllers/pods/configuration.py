"""The ConfigMaps, Secrets, claims and tokens that a pod names: read when something is made from them, waited for while
they are not there. A container waits alone; the others go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workloads.controllers import hands
from workloads.controllers.pods.look import Look
from workloads.kinds import tokenrequests
from workloads.meta import times
from workloads.meta.keys import Key
from workloads.runtimes import bags, security, translate
from workloads.runtimes.bags import Bags, Name, Wish

JSON = dict[str, Any]

CONFIG_ERROR = "CreateContainerConfigError"
LOOK_AGAIN_SECONDS = 60.0
"""A change of what is missing wakes the pod; this is for the change that was missed."""


def read(look: Look) -> Bags:
    """What the pod names, as it is now. Read once a look."""
    if look.bags is None:
        account, namespace = look.key.account, look.key.namespace
        found = {
            name: hands.read(look.door, Key(account, name[0], namespace, name[1]))
            for name in sorted(bags.of_pod(look.pod))
        }
        there = {name: obj for name, obj in found.items() if obj is not None}
        look.bags = Bags(namespace, there, account, tokens=_tokens(look, there), services=_services(look))
    return look.bags


def _services(look: Look) -> tuple[JSON, ...]:
    """Those that are there now: who comes later is found by name."""
    if look.pod["spec"].get("enableServiceLinks") is False:
        return ()
    return tuple(look.door.list("Service", look.key.namespace).items)


def _tokens(look: Look, there: Mapping[Name, JSON]) -> dict[Wish, str]:
    """What the pod's volumes show; the next ones when it is time for them."""
    owner = there.get(("ServiceAccount", bags.owner(look.pod)))
    if owner is None:
        return {}
    wishes = bags.wishes(look.pod)
    created = times.parse(look.pod["metadata"]["creationTimestamp"])
    for wish in wishes:
        look.wake_at(tokenrequests.renewed(created, wish.seconds, now=look.now))
    return {wish: look.door.pod_token(look.pod, owner, wish.audience, wish.seconds, now=look.now) for wish in wishes}


def ready(look: Look, name: str) -> bool:
    """Whether all that the container is made from is there, and it would run as it must; if not, what is wrong, in the
    container's status. Its image is here."""
    container = next(one for one in look.every if one["name"] == name)
    missing = translate.missing(look.pod, container, read(look)) or _root_problem(look, container)
    if missing:
        refuse(look, name, missing)
    return not missing


def _root_problem(look: Look, container: JSON) -> str:
    if not security.demands_non_root(look.pod, container):
        return ""
    return security.root_problem(look.pod, container, image_user=look.runtime.image_user(container["image"]))


def volumes_ready(look: Look, *names: str) -> bool:
    """Whether all that the pod's volumes show is there; if not, these containers wait for it."""
    missing = translate.missing_volumes(look.pod, read(look))
    if not missing:
        return True
    for name in names:
        look.wait(name, "ContainerCreating")
    look.tell("FailedMount", missing, type="Warning")
    look.wake_in(LOOK_AGAIN_SECONDS)
    return False


def pull_secrets(look: Look) -> tuple[list[JSON], list[str]]:
    """The Secrets that the pod's images are pulled with, and the names of those that are not there."""
    found, lost = [], []
    for reference in look.pod["spec"].get("imagePullSecrets") or ():
        name = reference.get("name", "")
        secret = hands.read(look.door, Key(look.key.account, "Secret", look.key.namespace, name))
        if secret is None:
            lost.append(name)
        else:
            found.append(secret)
    return found, lost


def refuse(look: Look, name: str, message: str) -> None:
    """The container cannot be made as its configuration stands."""
    look.wait(name, CONFIG_ERROR, message)
    if look.was_not(name, CONFIG_ERROR):
        look.tell("Failed", f"Error: {message}", type="Warning")
    look.wake_in(LOOK_AGAIN_SECONDS)
