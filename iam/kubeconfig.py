"""The file that makes kubectl work: where the API is, which CA to trust, and who asks.

Either with a token, which lives 24 hours at most (`issue` puts in a new one each time), or with an access key and
`cci-iam-authenticator`, which gets tokens with it for as long as the key is active (`signing_in`).
"""

from __future__ import annotations

import base64
import ipaddress

import yaml
from django.conf import settings

from iam import pki, tokens
from iam.accesskeys import Created
from iam.authenticator.entries import Way, entries_of
from iam.authenticator.identities import AccessKey, Trust
from iam.authenticator.kubeconfig import merged
from iam.models import User


def build(user: User, token: str, server: str) -> str:
    """A kubeconfig as YAML text, with one context, which is current. `server` is the API as the user reaches it."""
    region = settings.REGION
    cluster, person = f"cci-cluster-{region}", f"cci-user-{region}-{user.name}"
    context = f"cci-context-{region}-{user.name}"
    authority = base64.b64encode(pki.ensure().ca.read_bytes()).decode()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster, "cluster": {"server": server, "certificate-authority-data": authority}}],
        "users": [{"name": person, "user": {"token": token}}],
        "contexts": [{"name": context, "context": {"cluster": cluster, "user": person}}],
        "current-context": context,
    }
    return yaml.safe_dump(config, sort_keys=False)


def issue(user: User, *, via: tokens.Via, server: str = "", address: str = "") -> str:
    """A kubeconfig with a new token of `user`, for `server` or else for the address of the settings. `address` is where
    who asks for it is."""
    return build(user, tokens.issue(user, via=via, address=address).token, server or default_server())


def signing_in(key: Created, program: list[str], *, server: str = "") -> str:
    """A kubeconfig whose user is `key`; `program` starts cci-iam-authenticator. It holds the key's secret."""
    address = server or default_server()
    way = Way(program, address, Trust(pki.ensure().ca.read_text()))
    entries = entries_of(address, way, AccessKey(key.ak, key.sk), region=settings.REGION)
    return merged("", entries, make_current=True)


def default_server() -> str:
    """The API as users reach it, if the settings say; else as a client on this machine does."""
    if settings.API_URL:
        return str(settings.API_URL)
    host = settings.HOST.strip("[]")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"https://{host}:{settings.API_PORT}"
    if address.is_unspecified:
        return f"https://127.0.0.1:{settings.API_PORT}"
    return f"https://[{host}]:{settings.API_PORT}" if address.version == 6 else f"https://{host}:{settings.API_PORT}"
