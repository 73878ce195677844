"""How uvicorn speaks HTTP for the API: as ever, with a short way for streams, and with bounds for whoever dawdles.

A chunk of a stream goes through a task of its own: awaken it, let it ask for the chunk, let it send. When a thousand
watchers are told the same thing, that is most of the work. A request's scope therefore carries `AT_ONCE`, with which a
chunk is handed to the connection in the middle of a function. It takes it only while nothing stands in its way: who
reads too slowly is waited for on the long way.

uvicorn waits as long as it takes for a request's headers and body, and takes headers of any length. Here headers have
upstream's 32 seconds and one mebibyte, a body what `app` gives it and a little more, and nobody sends on for long into
a request that was answered already. A process has fewer connections than it may have files: it needs some for itself.
"""

from __future__ import annotations

import asyncio
import resource
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

AT_ONCE = "cci.at_once"
"""Where in a scope that is: given bytes, it tells whether they were sent."""

HEADERS_SECONDS = 32.0
BODY_SECONDS = 60.0
"""As long as a request may take upstream. `app` says so when a body takes longer."""
LINGER_SECONDS = 5.0
"""So much later the connection ends, if its body has not."""
IDLE_SECONDS = 90
LONGEST_HEADERS = 1024 * 1024
LONGEST_REST = 16 * 1024 * 1024
"""Bytes of a body that are read and dropped after the answer, so that who is still sending gets to read it."""
KEPT_FILES = 200


def most_connections() -> int:
    """Of this process: beyond them nobody is answered, and its own files can still be opened."""
    open_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(open_files - KEPT_FILES, open_files // 2)


class Connection(HttpToolsProtocol):
    """One deadline at a time: for headers, for a body, for the next request."""

    _deadline: asyncio.TimerHandle | None = None
    _awaits_headers = True
    _awaits_body = False
    _size = 0
    """Of headers that are still to end, or of what came after the answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > most_connections():
            transport.abort()
            return
        self._within(HEADERS_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._within(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._awaits_headers:
            self._size += len(data)
            if self._size > LONGEST_HEADERS:
                self._refuse_headers()
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        self._within(HEADERS_SECONDS)
        self._awaits_headers, self._size = True, 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._awaits_headers:  # what stands behind a body nobody reads
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._awaits_headers, self._awaits_body, self._size = False, True, 0
        self._within(BODY_SECONDS + LINGER_SECONDS)
        super().on_headers_complete()
        cycle = self.cycle
        if cycle is not None and cycle.scope is self.scope:
            scope: Any = self.scope
            scope[AT_ONCE] = partial(_sent, cycle)

    def on_body(self, body: bytes) -> None:
        if self._is_answered:
            self._size += len(body)
            if self._size > LONGEST_REST:
                self.transport.abort()
            return
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._awaits_body = False
        self._within(IDLE_SECONDS if self._is_answered else None)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        if not self.pipeline and not self._awaits_headers and not self._awaits_body:
            self._within(IDLE_SECONDS)
        super().on_response_complete()

    def handle_websocket_upgrade(self) -> None:
        self._within(None)
        super().handle_websocket_upgrade()

    @property
    def _is_answered(self) -> bool:
        """The request that is being read, before it was whole."""
        return self.cycle is not None and self.cycle.scope is self.scope and self.cycle.response_complete

    def _within(self, seconds: float | None) -> None:
        """The connection is cut when nothing else was said in time."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self._cut)

    def _cut(self) -> None:
        self.transport.abort()

    def _refuse_headers(self) -> None:
        """As upstream: in words, for nothing is known of who asks what."""
        words = b"431 Request Header Fields Too Large"
        self.transport.write(
            b"HTTP/1.1 %b\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n\r\n%b" % (words, words)
        )
        self.transport.close()


def _sent(cycle: Any, chunk: bytes) -> bool:
    if not cycle.response_started or not cycle.chunked_encoding or cycle.response_complete:
        return False
    if cycle.disconnected or cycle.flow.write_paused:
        return False
    cycle.transport.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
    return True
