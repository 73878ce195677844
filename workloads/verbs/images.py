"""Images that stand ready on this host, for forms that offer them. A courtesy: without the agent there are none."""

from __future__ import annotations

from collections import Counter

import httpx
import orjson
from django.conf import settings

from iam.identities import Identity
from iam.models import Account
from workloads.admission import authorize
from workloads.kinds import registry
from workloads.meta.errors import Forbidden
from workloads.store import objects
from workloads.verbs.calls import HostImage

ACTION = "cci:image:list"
TIMEOUT_SECONDS = 0.5
_OVER = ("Succeeded", "Failed")


def on_host(identity: Identity) -> list[HostImage]:
    """As `asked`, with none while the agent is away."""
    return asked(identity) or []


def asked(identity: Identity) -> list[HostImage] | None:
    """By name; None while the agent is away. Where several accounts share the host, only what the account's own pods
    run: an image's name may tell of somebody else."""
    authorize.check_action(identity, ACTION)
    images = _asked_of_agent()
    if not images or Account.objects.count() < 2:
        return images
    own = used(identity, also_ended=True)
    return [image for image in images if image.name in own]


def used(identity: Identity, *, also_ended: bool = False) -> Counter[str]:
    """How many of the account's pods name each image, as the runtime lists it, in namespaces whose pods may be seen:
    none where they may be seen nowhere."""
    counted = Counter[str]()
    try:
        seen = authorize.visible(identity, registry.kind("Pod"))
    except Forbidden:
        return counted
    for names, namespace, phase, pods in objects.images(identity.account):
        if (seen is None or namespace in seen) and (also_ended or phase not in _OVER):
            counted.update(dict.fromkeys(names.split(), pods))
    return counted


def _asked_of_agent() -> list[HostImage] | None:
    if not settings.AGENT_SOCKET.exists():
        return None
    transport = httpx.HTTPTransport(uds=str(settings.AGENT_SOCKET), verify=False)
    headers = {"Authorization": f"Bearer {settings.AGENT_TOKEN}"}
    try:
        with httpx.Client(transport=transport, base_url="http://agent", timeout=TIMEOUT_SECONDS) as client:
            answer = client.get("/v1/images", headers=headers).raise_for_status()
        return [HostImage(item["name"], item["sizeBytes"]) for item in orjson.loads(answer.content)["items"]]
    except (httpx.HTTPError, orjson.JSONDecodeError, KeyError, TypeError):
        return None
