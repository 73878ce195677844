"""The pods of a workload in a form: their specification, their containers, and what belongs to them all. Deployments,
Jobs and CronJobs share it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from django.utils.translation import gettext as _

from console.forms import containers
from console.forms.containers import ContainerDraft
from console.forms.drafts import JSON, FieldError, Fields, Whole, gib, text
from console.forms.sizes import SizeDraft, short
from console.forms.storage import Storage

SIZE_ANNOTATION = "resource.cci.io/pod-size-specs"
MOST_CONTAINERS = 5
"""Init containers apart."""
PULL_SECRET = "pull-secret-"  # noqa: S105
"""Begins the name of the field of each Secret that is chosen."""
_CONTAINER = re.compile(r"spec\.(containers|initContainers)\[(\d+)\](?:\.(.*))?$")
_VOLUME = re.compile(r"spec\.volumes\[(\d+)\]\.?(.*)$")
_PLACES = {
    f"metadata.annotations[{SIZE_ANNOTATION}]": "size",
    "metadata.labels": "name",
    "spec.terminationGracePeriodSeconds": "grace_seconds",
    "spec.imagePullSecrets": "pull_secrets",
    "spec.dnsConfig.searches": "dns_searches",
    "spec.dns": "dns_servers",
    "spec.restartPolicy": "restart_policy",
    "spec.containers": "size",
}


@dataclass(frozen=True)
class PodDraft:
    size: SizeDraft
    containers: tuple[ContainerDraft, ...]
    pull_secrets: tuple[str, ...]
    grace_seconds: Whole
    dns_servers: str
    dns_searches: str
    dns_alone: bool
    """Whether only these servers are asked, and not the network's own."""

    SETTINGS: ClassVar[tuple[str, ...]] = ("grace_seconds", "dns_servers", "dns_searches", "dns_alone")
    """Its fields that stand on a later step."""

    @classmethod
    def read(cls, fields: Fields) -> PodDraft:
        return cls(
            size=SizeDraft.read(fields),
            containers=containers.read(fields),
            pull_secrets=tuple(name.removeprefix(PULL_SECRET) for name in fields if name.startswith(PULL_SECRET)),
            grace_seconds=Whole.read(fields, "grace_seconds", 30),
            dns_servers=text(fields, "dns_servers"),
            dns_searches=text(fields, "dns_searches"),
            dns_alone="dns_alone" in fields,
        )

    @property
    def cores(self) -> str:
        """What a container that says nothing may use: `0.5`."""
        return short(self.size.annotation.partition("_")[0])

    @property
    def gib(self) -> str:
        return short(self.size.annotation.partition("_")[2])

    @property
    def mains(self) -> list[ContainerDraft]:
        return [container for container in self.containers if container.is_main]

    def problems(self) -> list[FieldError]:
        found = [FieldError("size", rule) for rule in self.size.rules()]
        for index, container in enumerate(self.containers):
            prefix = f"containers-{index}-"
            found += [FieldError(prefix + problem.field, problem.message) for problem in container.problems()]
            if container.is_main and len(self.mains) > 1 and not (container.cpu and container.memory):
                message = _("Several containers share the pod: say how much of its specification this one may use.")
                found.append(FieldError(prefix + ("memory" if container.cpu else "cpu"), message))
        if not self.mains:
            message = _("A pod needs a container that goes on after those that run first: let one run with the pod.")
            found.append(FieldError("containers-0-role", message))
        found += [
            FieldError(f"containers-{index}-mount-{row}-{problem.field}", problem.message)
            for (index, row), problem in self._storage.problems
        ]
        return found + self.grace_seconds.problems("grace_seconds", _("The termination grace period"))

    def template(self, labels: JSON, **spec: str) -> JSON:
        """A pod template; `spec` may say more of the pod."""
        storage = self._storage
        made: JSON = {"containers": [], "initContainers": []}
        for index, container in enumerate(self.containers):
            names = {row: name for (one, row), name in storage.names.items() if one == index}
            part = "containers" if container.is_main else "initContainers"
            made[part].append(container.manifest(cpu=self.cores, memory=gib(self.gib), volumes=names))
        if not made["initContainers"]:
            del made["initContainers"]
        if storage.volumes:
            made["volumes"] = [volume.manifest() for volume in storage.volumes]
        if self.pull_secrets:
            made["imagePullSecrets"] = [{"name": name} for name in self.pull_secrets]
        made["terminationGracePeriodSeconds"] = self.grace_seconds.value
        made |= self._dns()
        metadata = {"labels": labels, "annotations": {SIZE_ANNOTATION: self.size.annotation}}
        return {"metadata": metadata, "spec": made | spec}

    def field_of(self, path: str) -> str:
        """The field for a path within the template; "" for none of these."""
        if match := _CONTAINER.match(path):
            return self._container_field(match[1], int(match[2]), match[3] or "")
        if match := _VOLUME.match(path):
            return self._volume_field(int(match[1]), match[2])
        return next((field for start, field in _PLACES.items() if path.startswith(start)), "")

    def _container_field(self, part: str, sent: int, rest: str) -> str:
        """Main and init containers are sent in two lists and stand on the page in one."""
        main = part == "containers"
        indexes = [index for index, container in enumerate(self.containers) if container.is_main == main]
        if sent >= len(indexes):
            return f"containers-{sent}-image"
        index = indexes[sent]
        return f"containers-{index}-{self.containers[index].field_of(rest)}"

    def _volume_field(self, sent: int, rest: str) -> str:
        volumes = self._storage.volumes
        if sent >= len(volumes):
            return ""
        index, row = volumes[sent].owner
        return f"containers-{index}-mount-{row}-{volumes[sent].mount.field_of_volume(rest)}"

    def _dns(self) -> JSON:
        listed = {"nameservers": _listed(self.dns_servers), "searches": _listed(self.dns_searches)}
        config = {name: values for name, values in listed.items() if values}
        policy: JSON = {"dnsPolicy": "None"} if self.dns_alone else {}
        return policy | ({"dnsConfig": config} if config else {})

    @property
    def _storage(self) -> Storage:
        return Storage.of([container.mounts for container in self.containers])


def _listed(typed: str) -> list[str]:
    """`8.8.8.8, 1.1.1.1`."""
    return [part for part in re.split(r"[,\s]+", typed) if part]
