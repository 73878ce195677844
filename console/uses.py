"""Who uses a ConfigMap or a Secret: workloads by their pod template, bare pods, ServiceAccounts that pull with it.
Read, never written; bounded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from console.rows import controller_of
from console.sections import page_of
from workloads.client import JSON, Client
from workloads.kinds import jobs

_LOOKED_AT = 500
"""Objects of a kind."""


@dataclass(frozen=True)
class Use:
    kind: str
    name: str
    how: str
    """`variables, files`."""
    url: str


def users_of(client: Client, kind: str, namespace: str, name: str) -> list[Use]:
    """In one namespace, for nobody outside it can use what is in it."""
    found = []
    for user_kind, obj, spec in _specs(client, namespace):
        ways = list(
            dict.fromkeys(how for used, used_name, how in references(spec) if (used, used_name) == (kind, name))
        )
        if ways:
            user = obj["metadata"]["name"]
            found.append(Use(user_kind, user, ", ".join(ways), page_of(user_kind, namespace, user)))
    if kind == "Secret":
        found += _accounts(client, namespace, name)
    return found


def references(spec: JSON) -> Iterator[tuple[str, str, str]]:
    """Kind, name and way of everything a pod specification takes from ConfigMaps and Secrets. Pure."""
    variables, files, pulls = _("variables"), _("files"), _("image pull")
    for container in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]:
        for variable in container.get("env") or []:
            source = variable.get("valueFrom") or {}
            yield "ConfigMap", (source.get("configMapKeyRef") or {}).get("name", ""), variables
            yield "Secret", (source.get("secretKeyRef") or {}).get("name", ""), variables
        for source in container.get("envFrom") or []:
            yield "ConfigMap", (source.get("configMapRef") or {}).get("name", ""), variables
            yield "Secret", (source.get("secretRef") or {}).get("name", ""), variables
    for volume in spec.get("volumes") or []:
        yield "Secret", (volume.get("secret") or {}).get("secretName", ""), files
        for source in [volume, *((volume.get("projected") or {}).get("sources") or [])]:
            yield "ConfigMap", (source.get("configMap") or {}).get("name", ""), files
            yield "Secret", (source.get("secret") or {}).get("name", ""), files
    for secret in spec.get("imagePullSecrets") or []:
        yield "Secret", secret.get("name", ""), pulls


def _specs(client: Client, namespace: str) -> Iterator[tuple[str, JSON, JSON]]:
    for obj in client.list("Deployment", namespace, limit=_LOOKED_AT).items:
        yield "Deployment", obj, obj["spec"]["template"]["spec"]
    for obj in client.list("CronJob", namespace, limit=_LOOKED_AT).items:
        yield "CronJob", obj, obj["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    for obj in client.list("Job", namespace, limit=_LOOKED_AT).items:
        if not jobs.is_finished(obj) and controller_of(obj) is None:
            yield "Job", obj, obj["spec"]["template"]["spec"]
    for obj in client.list("Pod", namespace, limit=_LOOKED_AT).items:
        if controller_of(obj) is None and (obj.get("status") or {}).get("phase") not in ("Succeeded", "Failed"):
            yield "Pod", obj, obj["spec"]


def _accounts(client: Client, namespace: str, name: str) -> Iterator[Use]:
    for obj in client.list("ServiceAccount", namespace, limit=_LOOKED_AT).items:
        if any(secret.get("name") == name for secret in obj.get("imagePullSecrets") or []):
            account = obj["metadata"]["name"]
            yield Use("ServiceAccount", account, _("image pull"), page_of("ServiceAccount", namespace, account))
