"""One container in a form: image, size, start command, environment, health checks, hooks, storage."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from django.utils.translation import gettext as _

from console.forms import environment, handlers, storage
from console.forms.drafts import JSON, FieldError, Fields, gib, rows, text, words, words_problems
from console.forms.environment import EnvDraft, EnvFromDraft
from console.forms.handlers import CHECKS, HOOKS, ActionDraft, CheckDraft
from console.forms.storage import MountDraft

MAIN, INIT = "main", "init"
ROWS = {"env": "env", "envFrom": "from", "volumeMounts": "mount"}
"""The lists of a container that are rows of a form: their path -> the word in the names of their fields."""
_ROW = re.compile(r"(env|envFrom|volumeMounts)\[(\d+)\]\.?(.*)$")
_PLACES = {
    "imagePullPolicy": "pull_policy",
    "image": "image",
    "name": "name",
    "command": "command",
    "args": "args",
    "workingDir": "working_dir",
}


class Row(Protocol):
    @property
    def blank(self) -> bool: ...
    def problems(self) -> Iterator[FieldError]: ...
    def field_of(self, rest: str) -> str: ...


@dataclass(frozen=True)
class ContainerDraft:
    name: str
    role: str = MAIN
    """INIT: it runs before the main ones and must end."""
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
    env_from: tuple[EnvFromDraft, ...] = ()
    mounts: tuple[MountDraft, ...] = ()
    checks: Mapping[str, CheckDraft] = field(default_factory=lambda: handlers.checks({}, ""))
    hooks: Mapping[str, ActionDraft] = field(default_factory=lambda: handlers.hooks({}, ""))
    origin: str = ""
    """What the YAML it was read from calls it; "" for one that was added here."""

    @classmethod
    def read(cls, fields: Fields, index: int) -> ContainerDraft:
        prefix = f"containers-{index}-"
        return cls(
            name=text(fields, prefix + "name") or f"container-{index}",
            role=text(fields, prefix + "role", MAIN),
            image=text(fields, prefix + "image"),
            tag=text(fields, prefix + "tag"),
            pull_policy=text(fields, prefix + "pull_policy") or "IfNotPresent",
            cpu=text(fields, prefix + "cpu"),
            memory=text(fields, prefix + "memory"),
            command=text(fields, prefix + "command"),
            args=text(fields, prefix + "args"),
            working_dir=text(fields, prefix + "working_dir"),
            env=tuple(environment.variables(fields, prefix)),
            env_from=tuple(environment.sources(fields, prefix)),
            mounts=tuple(storage.mounts(fields, prefix)),
            checks=handlers.checks(fields, prefix),
            hooks=handlers.hooks(fields, prefix),
            origin=text(fields, prefix + "origin"),
        )

    @property
    def is_main(self) -> bool:
        return self.role != INIT

    @property
    def reference(self) -> str:
        """`nginx` and `1.27` -> `nginx:1.27`."""
        return f"{self.image}:{self.tag}" if self.tag and not self._names_version else self.image

    def problems(self) -> Iterator[FieldError]:
        """Fields are named as within this container."""
        if not self.image:
            yield FieldError("image", _("Name an image, for example nginx:1.27."))
        if self.tag and self._names_version and not self.image.endswith(f":{self.tag}"):
            yield FieldError("tag", _("The image names its version already: clear this, or take it out of the image."))
        for name in ("command", "args"):
            yield from words_problems(getattr(self, name), name)
        for word, row, draft in self._rows():
            yield from _within(f"{word}-{row}-", draft.problems())
        for word, check in self.checks.items():
            if check.action.way:
                yield from _within(f"{word}-", check.problems())
        for word, hook in self.hooks.items():
            yield from _within(f"{word}-", hook.problems())

    def manifest(self, *, cpu: str, memory: str, volumes: Mapping[int, str]) -> JSON:
        """`volumes` names the volume of each row of `mounts`."""
        size = {"cpu": self.cpu or cpu, "memory": gib(self.memory) or memory}
        made: JSON = {
            "name": self.name,
            "image": self.reference,
            "imagePullPolicy": self.pull_policy,
            "resources": {"requests": size, "limits": dict(size)},
        }
        if self.command:
            made["command"] = words(self.command)
        if self.args:
            made["args"] = words(self.args)
        if self.working_dir:
            made["workingDir"] = self.working_dir
        made |= _filled("envFrom", [one.manifest() for one in self.env_from if not one.blank])
        made |= _filled("env", [one.manifest() for one in self.env if not one.blank])
        mounted = [mount.manifest(volumes[row]) for row, mount in enumerate(self.mounts) if not mount.blank]
        made |= _filled("volumeMounts", mounted)
        made |= {CHECKS[word]: check.manifest() for word, check in self.checks.items() if check.action.way}
        hooks = {HOOKS[word].partition(".")[2]: hook.manifest() for word, hook in self.hooks.items() if hook.way}
        return made | ({"lifecycle": hooks} if hooks else {})

    def field_of(self, rest: str) -> str:
        """The field within this container for what follows its path."""
        if match := _ROW.match(rest):
            return self._row_field(ROWS[match[1]], int(match[2]), match[3])
        for word, path in (*CHECKS.items(), *HOOKS.items()):
            if rest.startswith(path):
                draft = self.checks[word] if word in CHECKS else self.hooks[word]
                return f"{word}-{draft.field_of(rest.removeprefix(path).lstrip('.'))}"
        if rest.startswith("resources"):
            return "memory" if "memory" in rest else "cpu"
        return next((name for start, name in _PLACES.items() if rest.startswith(start)), "image")

    def _row_field(self, word: str, sent: int, rest: str) -> str:
        """Rows that nobody filled in are not sent: the third that is sent may stand in the fifth row."""
        filled = [(row, draft) for found, row, draft in self._rows() if found == word]
        row, draft = filled[sent] if sent < len(filled) else (sent, None)
        return f"{word}-{row}-{draft.field_of(rest) if draft else 'name'}"

    def _rows(self) -> Iterator[tuple[str, int, Row]]:
        lists: tuple[tuple[str, Sequence[Row]], ...] = (
            ("env", self.env),
            ("from", self.env_from),
            ("mount", self.mounts),
        )
        for word, drafts in lists:
            yield from ((word, row, draft) for row, draft in enumerate(drafts) if not draft.blank)

    @property
    def _names_version(self) -> bool:
        last = self.image.rpartition("/")[2]
        return ":" in last or "@" in last


def read(fields: Fields) -> tuple[ContainerDraft, ...]:
    """At least one."""
    found = tuple(ContainerDraft.read(fields, index) for index in rows(fields, "containers-"))
    return found or (ContainerDraft("container-0"),)


def _within(prefix: str, problems: Iterator[FieldError]) -> Iterator[FieldError]:
    for problem in problems:
        yield FieldError(prefix + problem.field, problem.message)


def _filled(name: str, found: list[JSON]) -> JSON:
    return {name: found} if found else {}
