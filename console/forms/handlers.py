"""Health checks and hooks of a container in a form: what to do (request, connection, command, sleep) and how often."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.forms.drafts import JSON, FieldError, Fields, Whole, text, words, words_problems

CHECKS = {"startup": "startupProbe", "liveness": "livenessProbe", "readiness": "readinessProbe"}
HOOKS = {"post-start": "lifecycle.postStart", "pre-stop": "lifecycle.preStop"}
"""The word of each in the names of fields -> its path in the container."""
HTTP, TCP, COMMAND, SLEEP = "http", "tcp", "command", "sleep"
NUMBERS = {
    "delay": ("initialDelaySeconds", 0, gettext_lazy("The delay")),
    "period": ("periodSeconds", 10, gettext_lazy("The interval")),
    "timeout": ("timeoutSeconds", 1, gettext_lazy("The time for an answer")),
    "failure": ("failureThreshold", 3, gettext_lazy("The number of failures")),
    "success": ("successThreshold", 1, gettext_lazy("The number of successes")),
}
_PLACES = {
    "exec": "command",
    "httpGet.path": "path",
    "httpGet.scheme": "scheme",
    "httpGet": "port",
    "tcpSocket": "port",
    "sleep": "seconds",
}


@dataclass(frozen=True)
class ActionDraft:
    """What one asks or does; all that was ever typed stays, whatever the way."""

    way: str = ""
    """HTTP, TCP, COMMAND or SLEEP; "" for nothing."""
    command: str = ""
    path: str = ""
    port: str = ""
    scheme: str = "HTTP"
    seconds: Whole = field(default_factory=lambda: Whole("", 5))

    @classmethod
    def read(cls, fields: Fields, prefix: str) -> ActionDraft:
        return cls(
            way=text(fields, prefix + "way"),
            command=text(fields, prefix + "command"),
            path=text(fields, prefix + "path"),
            port=text(fields, prefix + "port"),
            scheme=text(fields, prefix + "scheme") or "HTTP",
            seconds=Whole.read(fields, prefix + "seconds", 5),
        )

    def manifest(self) -> JSON:
        if self.way == COMMAND:
            return {"exec": {"command": words(self.command)}}
        if self.way == TCP:
            return {"tcpSocket": {"port": self._port}}
        if self.way == SLEEP:
            return {"sleep": {"seconds": self.seconds.value}}
        scheme: JSON = {} if self.scheme == "HTTP" else {"scheme": self.scheme}
        return {"httpGet": {"path": self.path or "/", "port": self._port, **scheme}}

    def problems(self) -> Iterator[FieldError]:
        if self.way not in ("", HTTP, TCP, COMMAND, SLEEP):
            yield FieldError("way", _("Choose one of the list."))
        if self.way in (HTTP, TCP) and not (self.port.isascii() and self.port.isdigit()):
            yield FieldError("port", _("Write the number of the port the container listens on, for example 8080."))
        if self.way == COMMAND and not self.command:
            yield FieldError("command", _("Write the command, for example cat /tmp/ready."))
        if self.way == COMMAND:
            yield from words_problems(self.command, "command")
        if self.way == SLEEP:
            yield from self.seconds.problems("seconds", _("The sleep"))

    def field_of(self, rest: str) -> str:
        return next((name for start, name in _PLACES.items() if rest.startswith(start)), "way")

    @property
    def _port(self) -> int | str:
        return int(self.port) if self.port.isascii() and self.port.isdigit() and len(self.port) < 9 else self.port


@dataclass(frozen=True)
class CheckDraft:
    """A startup, liveness or readiness probe. Numbers that nobody typed are left to Kubernetes' defaults."""

    action: ActionDraft
    numbers: Mapping[str, Whole]

    @classmethod
    def read(cls, fields: Fields, prefix: str) -> CheckDraft:
        numbers = {
            name: Whole.read(fields, prefix + name, default) for name, (_path, default, _label) in NUMBERS.items()
        }
        return cls(ActionDraft.read(fields, prefix), numbers)

    def manifest(self) -> JSON:
        made = self.action.manifest()
        for name, (path, _default, _label) in NUMBERS.items():
            made |= self.numbers[name].asked(path)
        return made

    def problems(self) -> Iterator[FieldError]:
        yield from self.action.problems()
        for name, (_path, _default, label) in NUMBERS.items():
            yield from self.numbers[name].problems(name, label)

    def field_of(self, rest: str) -> str:
        number = next((name for name, (path, _default, _label) in NUMBERS.items() if rest.startswith(path)), "")
        return number or self.action.field_of(rest)


def checks(fields: Fields, prefix: str) -> dict[str, CheckDraft]:
    return {word: CheckDraft.read(fields, f"{prefix}{word}-") for word in CHECKS}


def hooks(fields: Fields, prefix: str) -> dict[str, ActionDraft]:
    return {word: ActionDraft.read(fields, f"{prefix}{word}-") for word in HOOKS}
