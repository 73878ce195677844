"""Create a Deployment from an image: four steps, one manifest."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from console.forms.drafts import JSON, FieldError, Fields, Whole, text
from console.forms.sizes import SizeDraft, short

STEPS = ("basic", "access", "advanced", "confirm")
SIZE_ANNOTATION = "resource.cci.io/pod-size-specs"
DESCRIPTION_ANNOTATION = "description"
ENV_SOURCES = {"PodIP": "status.podIP", "PodName": "metadata.name"}
_CONTAINER = re.compile(r"spec\.template\.spec\.containers\[(\d+)\](?:\.(.*))?$")
_ENV = re.compile(r"env\[(\d+)\]\.?(.*)$")
_CONTAINER_PLACES = {
    "imagePullPolicy": "pull_policy",
    "image": "image",
    "name": "name",
    "command": "command",
    "args": "args",
    "workingDir": "working_dir",
}
_PLACES = {
    "metadata.namespace": "namespace",
    "metadata.name": "name",
    "metadata.labels": "name",
    "spec.selector": "name",
    "spec.template.metadata.labels": "name",
    "metadata.annotations[description]": "description",
    "spec.replicas": "replicas",
    f"spec.template.metadata.annotations[{SIZE_ANNOTATION}]": "size",
    "spec.template.spec.terminationGracePeriodSeconds": "grace_seconds",
    "spec.strategy.rollingUpdate.maxUnavailable": "max_unavailable",
    "spec.strategy.rollingUpdate.maxSurge": "max_surge",
    "spec.strategy": "strategy",
}


@dataclass(frozen=True)
class EnvDraft:
    name: str = ""
    source: str = "value"
    """`value`, or a key of ENV_SOURCES."""
    value: str = ""

    @property
    def blank(self) -> bool:
        """A row that nobody filled in is no variable."""
        return not (self.name or self.value)

    def manifest(self) -> JSON:
        if self.source in ENV_SOURCES:
            return {"name": self.name, "valueFrom": {"fieldRef": {"fieldPath": ENV_SOURCES[self.source]}}}
        return {"name": self.name, "value": self.value}


@dataclass(frozen=True)
class ContainerDraft:
    name: str
    image: str = ""
    tag: str = ""
    """Refused when the image already carries another tag, or a digest."""
    pull_policy: str = "IfNotPresent"
    cpu: str = ""
    memory: str = ""
    """GiB, as typed; empty together with `cpu`: the whole pod specification."""
    command: str = ""
    args: str = ""
    working_dir: str = ""
    env: tuple[EnvDraft, ...] = ()

    @property
    def reference(self) -> str:
        """`nginx` and `1.27` -> `nginx:1.27`."""
        return f"{self.image}:{self.tag}" if self.tag and not self._names_version else self.image

    @property
    def variables(self) -> list[tuple[int, EnvDraft]]:
        """Those that are sent, each with the row it stands in."""
        return [(row, variable) for row, variable in enumerate(self.env) if not variable.blank]

    def problems(self) -> Iterator[FieldError]:
        """Fields are named as within this container."""
        if not self.image:
            yield FieldError("image", "Name an image, for example nginx:1.27.")
        if self.tag and self._names_version and not self.image.endswith(f":{self.tag}"):
            yield FieldError("tag", "The image names its version already: clear this, or take it out of the image.")
        for field in ("command", "args"):
            try:
                shlex.split(getattr(self, field))
            except ValueError as error:
                said = str(error).rstrip(".")
                yield FieldError(field, f"{said}: words are split as in a shell, so close every quotation mark.")

    @property
    def _names_version(self) -> bool:
        last = self.image.rpartition("/")[2]
        return ":" in last or "@" in last

    def manifest(self, *, cpu: str, memory: str) -> JSON:
        size = {"cpu": self.cpu or cpu, "memory": _gib(self.memory) or memory}
        container: JSON = {
            "name": self.name,
            "image": self.reference,
            "imagePullPolicy": self.pull_policy,
            "resources": {"requests": size, "limits": dict(size)},
        }
        if self.command:
            container["command"] = _words(self.command)
        if self.args:
            container["args"] = _words(self.args)
        if self.working_dir:
            container["workingDir"] = self.working_dir
        if variables := self.variables:
            container["env"] = [variable.manifest() for _row, variable in variables]
        return container


@dataclass(frozen=True)
class DeploymentDraft:
    """What a form without anything in it says is what `read({})` gives."""

    name: str
    namespace: str
    description: str
    replicas: Whole
    size: SizeDraft
    containers: tuple[ContainerDraft, ...]
    strategy: str
    max_unavailable: str
    max_surge: str
    grace_seconds: Whole

    @classmethod
    def read(cls, fields: Fields) -> DeploymentDraft:
        return cls(
            name=text(fields, "name"),
            namespace=text(fields, "namespace"),
            description=text(fields, "description"),
            replicas=Whole.read(fields, "replicas", 2),
            size=SizeDraft.read(fields),
            containers=tuple(_containers(fields)) or (ContainerDraft("container-0"),),
            strategy=text(fields, "strategy", "RollingUpdate"),
            max_unavailable=text(fields, "max_unavailable", "25%"),
            max_surge=text(fields, "max_surge", "25%"),
            grace_seconds=Whole.read(fields, "grace_seconds", 30),
        )

    @property
    def cores(self) -> str:
        """What a container that says nothing may use: `0.5`."""
        return short(self.size.annotation.partition("_")[0])

    @property
    def gib(self) -> str:
        return short(self.size.annotation.partition("_")[2])

    def problems(self) -> list[FieldError]:
        found = []
        if not self.name:
            found.append(
                FieldError("name", "Give the workload a name: lower-case letters, digits and “-”, at most 63.")
            )
        found += self.replicas.problems("replicas", "The number of pods")
        if len(self.description) > 250:
            found.append(FieldError("description", f"At most 250 characters; this has {len(self.description)}."))
        found += [FieldError("size", rule) for rule in self.size.rules()]
        for index, container in enumerate(self.containers):
            prefix = f"containers-{index}-"
            found += [FieldError(prefix + problem.field, problem.message) for problem in container.problems()]
            if len(self.containers) > 1 and not (container.cpu and container.memory):
                message = "Several containers share the pod: say how much of its specification this one may use."
                found.append(FieldError(prefix + ("memory" if container.cpu else "cpu"), message))
        return found + self.grace_seconds.problems("grace_seconds", "The termination grace period")

    def manifests(self) -> list[JSON]:
        labels = {"app": self.name}
        metadata: JSON = {"name": self.name, "namespace": self.namespace, "labels": labels}
        if self.description:
            metadata["annotations"] = {DESCRIPTION_ANNOTATION: self.description}
        return [
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": metadata,
                "spec": {
                    "replicas": self.replicas.value,
                    "selector": {"matchLabels": dict(labels)},
                    "strategy": self._strategy(),
                    "template": {
                        "metadata": {"labels": dict(labels), "annotations": {SIZE_ANNOTATION: self.size.annotation}},
                        "spec": {
                            "containers": self._containers(),
                            "terminationGracePeriodSeconds": self.grace_seconds.value,
                        },
                    },
                },
            }
        ]

    def field_of(self, path: str) -> str:
        if match := _CONTAINER.match(path):
            return self._container_field(int(match[1]), match[2] or "")
        return next((field for start, field in _PLACES.items() if path.startswith(start)), "")

    def step_of(self, field: str) -> str:
        """On which of STEPS the field stands; "" for the head of the form, which stands on all."""
        if not field:
            return ""
        return "advanced" if field in ("strategy", "max_unavailable", "max_surge", "grace_seconds") else "basic"

    def _containers(self) -> list[JSON]:
        """A container that stands alone and names no size may use the whole pod specification."""
        return [container.manifest(cpu=self.cores, memory=_gib(self.gib)) for container in self.containers]

    def _container_field(self, index: int, rest: str) -> str:
        prefix = f"containers-{index}-"
        if match := _ENV.match(rest):
            rows = [row for row, _variable in self.containers[index].variables] if index < len(self.containers) else []
            sent = int(match[1])
            row = rows[sent] if sent < len(rows) else sent
            return f"{prefix}env-{row}-{'name' if match[2].startswith('name') else 'value'}"
        if rest.startswith("resources"):
            return prefix + ("memory" if "memory" in rest else "cpu")
        return prefix + next((field for start, field in _CONTAINER_PLACES.items() if rest.startswith(start)), "image")

    def _strategy(self) -> JSON:
        if self.strategy == "Recreate":
            return {"type": "Recreate"}
        rolling = {"maxUnavailable": _count(self.max_unavailable), "maxSurge": _count(self.max_surge)}
        return {"type": self.strategy, "rollingUpdate": rolling}


def _containers(fields: Fields) -> Iterator[ContainerDraft]:
    for index in _indexes(fields, re.compile(r"containers-(\d+)-")):
        prefix = f"containers-{index}-"
        yield ContainerDraft(
            name=text(fields, prefix + "name") or f"container-{index}",
            image=text(fields, prefix + "image"),
            tag=text(fields, prefix + "tag"),
            pull_policy=text(fields, prefix + "pull_policy") or "IfNotPresent",
            cpu=text(fields, prefix + "cpu"),
            memory=text(fields, prefix + "memory"),
            command=text(fields, prefix + "command"),
            args=text(fields, prefix + "args"),
            working_dir=text(fields, prefix + "working_dir"),
            env=tuple(_env(fields, prefix)),
        )


def _env(fields: Fields, prefix: str) -> Iterator[EnvDraft]:
    for index in _indexes(fields, re.compile(re.escape(prefix) + r"env-(\d+)-")):
        row = f"{prefix}env-{index}-"
        yield EnvDraft(text(fields, row + "name"), text(fields, row + "source", "value"), fields.get(row + "value", ""))


def _indexes(fields: Fields, pattern: re.Pattern[str]) -> list[int]:
    return sorted({int(match[1]) for name in fields if (match := pattern.match(name))})


def _words(value: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError:
        return [value]


def _gib(value: str) -> str:
    """`2` and `2.0` are GiB; whatever carries a unit stays as typed."""
    if not re.fullmatch(r"[0-9]*\.?[0-9]+", value):
        return value
    return f"{value.rstrip('0').rstrip('.') if '.' in value else value}Gi"


def _count(value: str) -> int | str:
    return int(value) if re.fullmatch(r"[0-9]{1,9}", value) else value
