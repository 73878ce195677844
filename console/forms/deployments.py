"""Create a Deployment from an image: four steps, one manifest."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from console.forms.drafts import JSON, FieldError, Fields, text, whole

STEPS = ("basic", "access", "advanced", "confirm")
SIZE_ANNOTATION = "resource.cci.io/pod-size-specs"
DESCRIPTION_ANNOTATION = "description"
ENV_SOURCES = {"PodIP": "status.podIP", "PodName": "metadata.name"}
_CONTAINER = re.compile(r"spec\.template\.spec\.containers\[(\d+)\](?:\.(.*))?$")
_ENV = re.compile(r"env\[(\d+)\]\.?(.*)$")
_PLACES = {
    "metadata.name": "name",
    "metadata.labels": "name",
    "metadata.annotations[description]": "description",
    "metadata.namespace": "namespace",
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

    def manifest(self) -> JSON:
        if self.source in ENV_SOURCES:
            return {"name": self.name, "valueFrom": {"fieldRef": {"fieldPath": ENV_SOURCES[self.source]}}}
        return {"name": self.name, "value": self.value}


@dataclass(frozen=True)
class ContainerDraft:
    name: str
    image: str = ""
    tag: str = ""
    """Ignored when the image already carries a tag or digest."""
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
        last = self.image.rpartition("/")[2]
        return f"{self.image}:{self.tag}" if self.tag and ":" not in last and "@" not in last else self.image

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
        if self.env:
            container["env"] = [variable.manifest() for variable in self.env]
        return container


@dataclass(frozen=True)
class DeploymentDraft:
    """`size` is `<cores>_<GiB>` as in the annotation, for example `0.50_1.0`."""

    name: str = ""
    namespace: str = ""
    description: str = ""
    replicas: int = 2
    size: str = "0.25_1.0"
    containers: tuple[ContainerDraft, ...] = (ContainerDraft("container-0"),)
    strategy: str = "RollingUpdate"
    max_unavailable: str = "25%"
    max_surge: str = "25%"
    grace_seconds: int = 30
    unreadable: tuple[FieldError, ...] = ()

    @classmethod
    def read(cls, fields: Fields) -> DeploymentDraft:
        replicas, replica_errors = whole(fields, "replicas", "Number of pods", 2)
        grace, grace_errors = whole(fields, "grace_seconds", "Termination grace period", 30)
        return cls(
            name=text(fields, "name"),
            namespace=text(fields, "namespace"),
            description=text(fields, "description"),
            replicas=replicas,
            size=_size(fields),
            containers=tuple(_containers(fields)) or (ContainerDraft("container-0"),),
            strategy=text(fields, "strategy", "RollingUpdate"),
            max_unavailable=text(fields, "max_unavailable", "25%"),
            max_surge=text(fields, "max_surge", "25%"),
            grace_seconds=grace,
            unreadable=(*replica_errors, *grace_errors),
        )

    @property
    def cores(self) -> str:
        return self.size.partition("_")[0]

    @property
    def gib(self) -> str:
        return self.size.partition("_")[2]

    @property
    def size_words(self) -> str:
        return f"{self.cores} cores and {self.gib} GiB"

    def problems(self) -> list[FieldError]:
        found = list(self.unreadable)
        if not self.name:
            found.append(
                FieldError("name", "Give the workload a name: lower-case letters, digits and “-”, at most 63.")
            )
        if len(self.description) > 250:
            found.append(FieldError("description", f"At most 250 characters; this has {len(self.description)}."))
        for index, container in enumerate(self.containers):
            if not container.image:
                found.append(FieldError(f"containers-{index}-image", "Name an image, for example nginx:1.27."))
            if len(self.containers) > 1 and not (container.cpu and container.memory):
                message = f"Several containers share the pod: say how much of {self.size_words} this one may use."
                found.append(FieldError(f"containers-{index}-{'memory' if container.cpu else 'cpu'}", message))
            for field in ("command", "args"):
                found.extend(_unclosed(index, field, getattr(container, field)))
        return found

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
                    "replicas": self.replicas,
                    "selector": {"matchLabels": dict(labels)},
                    "strategy": self._strategy(),
                    "template": {
                        "metadata": {"labels": dict(labels), "annotations": {SIZE_ANNOTATION: self.size}},
                        "spec": {
                            "containers": self._containers(),
                            "terminationGracePeriodSeconds": self.grace_seconds,
                        },
                    },
                },
            }
        ]

    def field_of(self, path: str) -> str:
        if match := _CONTAINER.match(path):
            return _container_field(int(match[1]), match[2] or "")
        return next((field for start, field in _PLACES.items() if path.startswith(start)), "")

    def step_of(self, field: str) -> str:
        """On which of STEPS the field stands."""
        return "advanced" if field in ("strategy", "max_unavailable", "max_surge", "grace_seconds") else "basic"

    def _containers(self) -> list[JSON]:
        """A container that stands alone and names no size may use the whole pod specification."""
        return [container.manifest(cpu=self.cores, memory=_gib(self.gib)) for container in self.containers]

    def _strategy(self) -> JSON:
        if self.strategy == "Recreate":
            return {"type": "Recreate"}
        rolling = {"maxUnavailable": _count(self.max_unavailable), "maxSurge": _count(self.max_surge)}
        return {"type": self.strategy, "rollingUpdate": rolling}


def _size(fields: Fields) -> str:
    """The chosen card, or what was chosen freely, in the annotation's form where both are numbers."""
    chosen = text(fields, "size", "0.25_1.0")
    if chosen != "free":
        return chosen
    cores, gib = text(fields, "size_cores"), text(fields, "size_gib")
    try:
        return f"{Decimal(cores):.2f}_{Decimal(gib):.1f}"
    except InvalidOperation:
        return f"{cores}_{gib}"


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
    """Rows left wholly empty are no variables."""
    for index in _indexes(fields, re.compile(re.escape(prefix) + r"env-(\d+)-")):
        row = f"{prefix}env-{index}-"
        variable = EnvDraft(
            text(fields, row + "name"), text(fields, row + "source", "value"), fields.get(row + "value", "")
        )
        if variable.name or variable.value:
            yield variable


def _indexes(fields: Fields, pattern: re.Pattern[str]) -> list[int]:
    return sorted({int(match[1]) for name in fields if (match := pattern.match(name))})


def _container_field(index: int, rest: str) -> str:
    prefix = f"containers-{index}-"
    if match := _ENV.match(rest):
        return f"{prefix}env-{match[1]}-{'name' if match[2].startswith('name') else 'value'}"
    if rest.startswith("resources"):
        return prefix + ("memory" if "memory" in rest else "cpu")
    field = {"image": "image", "name": "name", "command": "command", "args": "args", "workingDir": "working_dir"}
    field["imagePullPolicy"] = "pull_policy"
    return prefix + next((name for start, name in field.items() if rest.startswith(start)), "image")


def _unclosed(index: int, field: str, value: str) -> Iterator[FieldError]:
    try:
        shlex.split(value)
    except ValueError as error:
        message = f"{str(error).rstrip('.')}: words are split as in a shell, so close every quotation mark."
        yield FieldError(f"containers-{index}-{field}", message)


def _words(value: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError:
        return [value]


def _gib(value: str) -> str:
    """`2` and `2.0` are GiB; whatever carries a unit stays as typed."""
    if re.fullmatch(r"\d+(\.0+)?", value):
        return f"{int(float(value))}Gi"
    if re.fullmatch(r"\d*\.\d+", value):
        return f"{value}Gi"
    return value


def _count(value: str) -> int | str:
    return int(value) if value.isdigit() else value
