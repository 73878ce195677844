"""Secret: values that nobody should read by accident. No error, event or log line quotes one.

`stringData` is for writing only: it is moved into `data`, over what stands there.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import orjson

from workloads.kinds import bags, objectmeta
from workloads.kinds.base import Column, Kind
from workloads.kinds.columns import AGE, NAME
from workloads.kinds.registry import register
from workloads.meta import causes
from workloads.meta.errors import Cause

JSON = dict[str, Any]

OPAQUE = "Opaque"
DOCKER_CONFIG_JSON = "kubernetes.io/dockerconfigjson"
DOCKER_CONFIG = "kubernetes.io/dockercfg"
BASIC_AUTH = "kubernetes.io/basic-auth"
SSH_AUTH = "kubernetes.io/ssh-auth"
TLS = "kubernetes.io/tls"
SERVICE_ACCOUNT_TOKEN = "kubernetes.io/service-account-token"  # noqa: S105

DOCKER_CONFIG_JSON_KEY, DOCKER_CONFIG_KEY = ".dockerconfigjson", ".dockercfg"


def default(obj: JSON) -> None:
    texts = obj.pop("stringData", None) or {}
    if texts:
        encoded = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
        obj["data"] = {**(obj.get("data") or {}), **encoded}
    bags.tidy(obj, ("data",))
    if not obj.get("type"):
        obj["type"] = OPAQUE


def validate(obj: JSON, old: JSON | None) -> list[Cause]:
    data = obj.get("data") or {}
    found = objectmeta.validate(obj) + bags.keys(data, "data")
    if bags.blob_bytes(data) > bags.MOST_BYTES:
        found.append(causes.too_long("data", bags.MOST_BYTES))
    if rule := _RULES.get(obj["type"]):
        found += rule(data)
    if old is not None and obj["type"] != old["type"]:
        found.append(causes.immutable("type", obj["type"]))
    return found + bags.frozen(obj, old, ("data",))


def _docker_config(key: str) -> Callable[[dict[str, str]], list[Cause]]:
    def rule(data: dict[str, str]) -> list[Cause]:
        if key not in data:
            return [causes.required(f"data[{key}]")]
        try:
            is_object = isinstance(orjson.loads(bags.blob(data[key])), dict)
        except orjson.JSONDecodeError:
            is_object = False
        return [] if is_object else [causes.invalid(f"data[{key}]", _REDACTED, "must be a JSON object")]

    return rule


def _basic_auth(data: dict[str, str]) -> list[Cause]:
    if "username" in data or "password" in data:
        return []
    return [causes.required("data[username]"), causes.required("data[password]")]


def _ssh_auth(data: dict[str, str]) -> list[Cause]:
    return [] if data.get("ssh-privatekey") else [causes.required("data[ssh-privatekey]")]


def _tls(data: dict[str, str]) -> list[Cause]:
    return [causes.required(f"data[{key}]") for key in ("tls.crt", "tls.key") if key not in data]


def _token(data: dict[str, str]) -> list[Cause]:
    rule = "is not supported yet: tokens are not kept in Secrets; sign in as a user or with an access key"
    return [causes.forbidden("type", rule)]


_REDACTED = "<secret contents redacted>"
_RULES: dict[str, Callable[[dict[str, str]], list[Cause]]] = {
    DOCKER_CONFIG_JSON: _docker_config(DOCKER_CONFIG_JSON_KEY),
    DOCKER_CONFIG: _docker_config(DOCKER_CONFIG_KEY),
    BASIC_AUTH: _basic_auth,
    SSH_AUTH: _ssh_auth,
    TLS: _tls,
    SERVICE_ACCOUNT_TOKEN: _token,
}

KIND = register(
    Kind(
        name="Secret",
        plural="secrets",
        group="",
        version="v1",
        schema="io.k8s.api.core.v1.Secret",
        singular="secret",
        columns=(
            NAME,
            Column("Type", lambda obj, now: obj.get("type", "")),
            Column("Data", lambda obj, now: len(obj.get("data") or {}), type="integer"),
            AGE,
        ),
        default=default,
        validate=validate,
        has_generation=False,
        is_confidential=True,
        field_selectors={"type": lambda obj: obj.get("type", "")},
    )
)
