"""Images that stand ready on this host, for forms that offer them. A courtesy: without the agent there are none."""

from __future__ import annotations

from collections.abc import Iterable

import httpx
import orjson
from django.conf import settings

from iam.identities import Identity
from iam.models import Account
from workloads.admission import authorize
from workloads.kinds.images import familiar
from workloads.verbs import reads
from workloads.verbs.calls import HostImage
from workloads.verbs.drafts import loaded

ACTION = "cci:image:list"
TIMEOUT_SECONDS = 0.5
MOST_PODS = 500


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
    own = set(_run_by(identity))
    return [image for image in images if image.name in own]


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


def _run_by(identity: Identity) -> Iterable[str]:
    """As the runtime lists them."""
    for row in reads.rows(identity, "Pod", None, limit=MOST_PODS, only_visible=True).rows:
        for container in loaded(row)["spec"]["containers"]:
            yield familiar(container["image"])
