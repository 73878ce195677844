"""How uvicorn speaks HTTP for the API: as ever, and with a short way for streams.

A chunk of a stream goes through a task of its own: awaken it, let it ask for the chunk, let it send. When a thousand
watchers are told the same thing, that is most of the work. A request's scope therefore carries `AT_ONCE`, with which a
chunk is handed to the connection in the middle of a function. It takes it only while nothing stands in its way: who
reads too slowly is waited for on the long way.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

AT_ONCE = "cci.at_once"
"""Where in a scope that is: given bytes, it tells whether they were sent."""


class Connection(HttpToolsProtocol):
    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        cycle = self.cycle
        if cycle is not None and cycle.scope is self.scope:
            scope: Any = self.scope
            scope[AT_ONCE] = partial(_sent, cycle)


def _sent(cycle: Any, chunk: bytes) -> bool:
    if not cycle.response_started or not cycle.chunked_encoding or cycle.response_complete:
        return False
    if cycle.disconnected or cycle.flow.write_paused:
        return False
    cycle.transport.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
    return True
