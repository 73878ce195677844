"""Docker's frames, in which stdout and stderr share one connection: one byte stream number, three of nothing, four of
length, then so many bytes. Pure, and bounded: bytes are passed on as they come, however they were cut on their way.
"""

from __future__ import annotations

from collections.abc import Iterator

STDOUT, STDERR = 1, 2

_HEADER_BYTES = 8


class OutputFrames:
    def __init__(self) -> None:
        self._header = bytearray()
        self._stream = STDOUT
        self._left = 0

    def receive(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """The pieces of output in `data`, each with its stream. A frame that goes on in the next `data` comes in
        parts."""
        view = memoryview(data)
        while view:
            if not self._left:
                view = self._read_header(view)
                continue
            piece = bytes(view[: self._left])
            view = view[len(piece) :]
            self._left -= len(piece)
            yield self._stream, piece

    def _read_header(self, view: memoryview) -> memoryview:
        missing = _HEADER_BYTES - len(self._header)
        self._header += view[:missing]
        if len(self._header) == _HEADER_BYTES:
            self._stream = STDERR if self._header[0] == STDERR else STDOUT
            self._left = int.from_bytes(self._header[4:], "big")
            self._header.clear()
        return view[missing:]


def output_frame(stream: int, data: bytes) -> bytes:
    return bytes((stream, 0, 0, 0)) + len(data).to_bytes(4, "big") + data
