"""The ConfigMaps, Secrets, claims and tokens that a pod names, as they are at one moment. Pure: whoever looks at the
pod reads them.

`named` says which those are; a `Bags` holds what was found of them and answers values, or says what is missing in the
kubelet's words.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from workloads.kinds import claimspecs
from workloads.meta.keys import Uid
from workloads.runtimes.claims import ClaimSpec

JSON = Mapping[str, Any]
Kind = Literal["ConfigMap", "Secret", "PersistentVolumeClaim", "ServiceAccount"]
Name = tuple[Kind, str]

_ENV: dict[str, Kind] = {"configMapKeyRef": "ConfigMap", "secretKeyRef": "Secret"}
_ENV_FROM: dict[str, Kind] = {"configMapRef": "ConfigMap", "secretRef": "Secret"}


class Wish(NamedTuple):
    """A token that a pod's volume shows: for whom, "" for the API, and how long it is to live."""

    audience: str
    seconds: int


class Missing(Exception):
    """Something that is named is not there (yet); the text says what, as the kubelet does."""


@dataclass(frozen=True)
class Bags:
    """What was found, by kind and name. What is not in it does not exist."""

    namespace: str = ""
    found: Mapping[Name, JSON] = field(default_factory=dict)
    account: str = ""
    tokens: Mapping[Wish, str] = field(default_factory=dict, repr=False)
    services: tuple[JSON, ...] = ()
    """The namespace's Services that containers are told of."""

    def all(self, kind: Kind, name: str) -> Mapping[str, bytes]:
        """Every value of one, by key. Raises Missing."""
        obj = self.found.get((kind, name))
        if obj is None:
            raise Missing(f'{kind.lower()} "{name}" not found')
        return values(obj)

    def value(self, kind: Kind, name: str, key: str) -> bytes:
        """Raises Missing."""
        every = self.all(kind, name)
        if key not in every:
            raise Missing(f"couldn't find key {key} in {kind} {self.namespace}/{name}")
        return every[key]

    def token(self, wish: Wish, owner: str) -> str:
        """Raises Missing, while ServiceAccount `owner` is not there."""
        if wish not in self.tokens:
            raise Missing(f'failed to fetch token: serviceaccounts "{owner}" not found')
        return self.tokens[wish]

    def claim(self, name: str) -> ClaimSpec:
        """Raises Missing, also while the claim has no volume."""
        obj = self.found.get(("PersistentVolumeClaim", name))
        if obj is None:
            raise Missing(f'persistentvolumeclaim "{name}" not found')
        phase = claimspecs.phase(dict(obj))
        if phase != "Bound":
            raise Missing(f'persistentvolumeclaim "{name}" is {phase or "Pending"}')
        return claim_of(obj, account=self.account)


def values(obj: JSON) -> Mapping[str, bytes]:
    """The values of a ConfigMap or Secret by key, as bytes."""
    if obj["kind"] == "Secret":
        return _decoded(obj.get("data") or {})
    texts = {key: text.encode() for key, text in (obj.get("data") or {}).items()}
    return {**texts, **_decoded(obj.get("binaryData") or {})}


def claim_of(obj: JSON, *, account: str) -> ClaimSpec:
    """Where the data of a PersistentVolumeClaim lies."""
    return ClaimSpec(Uid(obj["metadata"]["uid"]), account, obj["spec"]["storageClassName"])


def of_pod(pod: JSON) -> set[Name]:
    """Everything a pod names."""
    claims = claimspecs.of_pod(dict(pod)).values()
    owners: list[Name] = [("ServiceAccount", owner(pod))] if wishes(pod) else []
    return {*named(pod["spec"]), *(("PersistentVolumeClaim", name) for name in claims), *owners}


def owner(pod: JSON) -> str:
    """The ServiceAccount that the pod runs under."""
    return str(pod["spec"].get("serviceAccountName") or "default")


def wishes(pod: JSON) -> set[Wish]:
    """The tokens that its volumes show."""
    sources = (
        source["serviceAccountToken"]
        for volume in pod["spec"].get("volumes") or ()
        for source in (volume.get("projected") or {}).get("sources") or ()
        if "serviceAccountToken" in source
    )
    return {wish(source) for source in sources}


def wish(source: JSON) -> Wish:
    return Wish(source.get("audience") or "", source.get("expirationSeconds") or 3600)


def named(spec: JSON) -> set[Name]:
    """Every ConfigMap and Secret a pod specification names."""
    return in_environment(spec) | in_volumes(spec)


def in_environment(spec: JSON) -> set[Name]:
    """What the containers' env is taken from."""
    return {name for container in containers(spec) for name in _of_container(container)}


def in_volumes(spec: JSON) -> set[Name]:
    """What its volumes show."""
    return {name for volume in spec.get("volumes") or () for name in of_volume(volume)}


def containers(spec: JSON) -> list[JSON]:
    return [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]


def of_volume(volume: JSON) -> Iterator[Name]:
    """The ConfigMaps and Secrets that one volume shows."""
    if "configMap" in volume:
        yield "ConfigMap", volume["configMap"].get("name", "")
    if "secret" in volume:
        yield "Secret", volume["secret"].get("secretName", "")
    for source in (volume.get("projected") or {}).get("sources") or ():
        if "configMap" in source:
            yield "ConfigMap", source["configMap"].get("name", "")
        if "secret" in source:
            yield "Secret", source["secret"].get("name", "")


def _of_container(container: JSON) -> Iterator[Name]:
    for entry in container.get("env") or ():
        for part, kind in _ENV.items():
            if part in (entry.get("valueFrom") or {}):
                yield kind, entry["valueFrom"][part].get("name", "")
    for source in container.get("envFrom") or ():
        for part, kind in _ENV_FROM.items():
            if part in source:
                yield kind, source[part].get("name", "")


def _decoded(bag: Mapping[str, str]) -> dict[str, bytes]:
    return {key: base64.b64decode(value) for key, value in bag.items()}
