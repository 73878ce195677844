"""One request and what it is answered with, free of ASGI and of any kind of object."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Protocol
from urllib.parse import parse_qsl

import orjson

from iam.identities import Identity
from workloads.meta.errors import BadRequest, StatusError

JSON = dict[str, Any]
JSON_TYPE = "application/json"

_TRUE, _FALSE = ("", "1", "t", "true"), ("0", "f", "false")
_MOST_PARAMETERS = 1000


class Query:
    """The query string; the first value of a repeated parameter counts, as upstream."""

    def __init__(self, raw: bytes) -> None:
        self._values: dict[str, str] = {}
        try:
            pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
        except ValueError:
            raise BadRequest(f"the query string has more than {_MOST_PARAMETERS} parameters") from None
        for name, value in pairs:
            self._values.setdefault(name, value)
        self._pairs = pairs

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str, default: str = "") -> str:
        return self._values.get(name, default)

    def texts(self, name: str) -> list[str]:
        """Every value of a repeated parameter."""
        return [value for other, value in self._pairs if other == name]

    def flag(self, name: str) -> bool:
        """False when absent; `?watch` alone is true. Raises BadRequest."""
        value = self._values.get(name, "false").lower()
        if value in _TRUE:
            return True
        if value in _FALSE:
            return False
        raise BadRequest(f'query parameter {name}: "{value}" is neither true nor false')

    def number(self, name: str) -> int | None:
        """A whole number of at least 0, None when absent. Raises BadRequest."""
        value = self._values.get(name, "")
        if not value:
            return None
        if not value.isascii() or not value.isdecimal() or len(value) > 18:
            raise BadRequest(f'query parameter {name}: "{value}" is not a whole number of at least 0')
        return int(value)

    def revision(self, name: str) -> int | None:
        """A resourceVersion, None when absent. Raises BadRequest."""
        value = self._values.get(name, "")
        if value and not (value.isascii() and value.isdecimal() and len(value) <= 18):
            raise BadRequest(f'invalid resource version: "{value}" is not one that the server has given')
        return int(value) if value else None

    def one_of(self, name: str, allowed: Sequence[str], *, default: str) -> str:
        """Raises BadRequest with what is allowed."""
        value = self._values.get(name, "") or default
        if value in allowed:
            return value
        raise BadRequest(f'query parameter {name}: "{value}" is not one of {", ".join(allowed)}')


@dataclass
class Asked:
    """What a request turned out to ask for, once that is known, for the counts of `telemetry`; and its place among
    those that are served at once (`crowds`)."""

    verb: str = ""
    group: str = ""
    resource: str = ""
    subresource: str = ""
    give_back: Callable[[], None] | None = None

    def sit(self, give_back: Callable[[], None]) -> None:
        """In another place than before."""
        self.leave()
        self.give_back = give_back

    def leave(self) -> None:
        """Gives the place back; without one, or again, nothing happens."""
        give_back, self.give_back = self.give_back, None
        if give_back is not None:
            give_back()


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: Query
    headers: Mapping[str, str]
    """Names in lower case."""
    address: str
    """Where it comes from."""
    read: Callable[[], Awaitable[bytes]] = field(repr=False)
    """The body. Raises TooLarge."""
    asked: Asked = field(default_factory=lambda: Asked(), compare=False)

    @property
    def content_type(self) -> str:
        """Without its parameters; "" when there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes
    content_type: str = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Standing:
    """On what a reply that goes on stands: whoever bears `token` may do what it does."""

    token: str = field(repr=False)
    address: str
    question: tuple[str, ...]
    """What `check` asks: streams of one caller with the same question share its answer."""
    check: Callable[[Identity], None] = field(repr=False)
    """Raises Forbidden when it may not go on."""


class Outlet:
    """The short way of a stream, open while it is sent: without waking who waits for its chunks."""

    def __init__(self) -> None:
        self.open: Callable[[bytes], bool] | None = None
        """Tells whether it has sent what it was given."""

    def takes(self, chunk: bytes) -> bool:
        """For whoever knows that the stream's chunks are waited for. False: let it come as a chunk."""
        return self.open is not None and self.open(chunk)


@dataclass(frozen=True)
class Stream:
    """A reply that goes on. Every chunk is sent at once; the iterator is closed when the caller hangs up."""

    chunks: AsyncIterator[bytes]
    content_type: str = JSON_TYPE
    stall_seconds: float | None = None
    """How long the caller may take nothing of what is sent before it is hung up on; None: as long as it likes."""
    standing: Standing | None = None
    last_words: Callable[[StatusError], bytes] = lambda error: b""
    """What is sent when it must end before its end."""
    headers: tuple[tuple[str, str], ...] = ()
    outlet: Outlet | None = None
    """Of a stream that has a short way."""


class Socket(Protocol):
    """A WebSocket that was accepted."""

    async def receive(self) -> bytes | None:
        """The next message; None when the caller has gone."""

    async def send(self, data: bytes | str) -> None:
        """Waits while the caller does not read. Raises OSError when it has gone."""

    async def close(self) -> None: ...


@dataclass(frozen=True)
class Upgrade:
    """A reply that goes on as a WebSocket; everything that could be checked was."""

    protocols: tuple[str, ...]
    """Subprotocols that are served; of those the caller names the first that is one."""
    run: Callable[[Socket, str], Awaitable[None]]
    """Takes the socket and its subprotocol, "" where none was named. Closing is the caller's."""
    otherwise: str
    """What who comes without a WebSocket is told."""
    standing: Standing | None = None
    farewell: Callable[[Socket, str, StatusError], Awaitable[None]] | None = None
    """Tells why it must end before its end, where the protocol has a word for it."""


def json_reply(body: Any, *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    return Reply(status, orjson.dumps(body), headers=headers)


def failure(error: StatusError) -> Reply:
    """The one answer to every error: its Status."""
    headers: list[tuple[str, str]] = []
    if error.code == 401:
        headers.append(("www-authenticate", 'Bearer realm="cci"'))
    if error.retry_after is not None:
        headers.append(("retry-after", str(error.retry_after)))
    return json_reply(error.body(), status=error.code, headers=tuple(headers))


def warning_headers(warnings: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """RFC 7234 `Warning: 299 - "text"`, which kubectl prints. As upstream, what is too much for a header is cut: each
    to a line, and what then still does not fit is left out."""
    lines = [_line(text) for text in dict.fromkeys(warnings)]
    if sum(map(len, lines)) > _MOST_WARNED:
        lines = [line[:_LONGEST_CUT] for line in lines]
    fitting = [line for line, total in zip(lines, accumulate(map(len, lines)), strict=True) if total <= _MOST_WARNED]
    return tuple(("warning", f'299 - "{_quoted(line)}"') for line in fitting)


_MOST_WARNED, _LONGEST_CUT = 4096, 256


def _line(text: str) -> str:
    """Names of strangers are quoted in warnings: a header holds one line of what can be printed."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in " ".join(text.split()))


def _quoted(line: str) -> str:
    return line.replace("\\", "\\\\").replace('"', '\\"')
