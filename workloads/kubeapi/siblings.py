"""The other processes that answer on the same port. Nobody can choose which of them a connection reaches, so what is
told of one is asked of all.

Each listens on a Unix socket of its own in the run directory and says its word to whoever connects. Who does not answer
in time is left out; the socket of one that has died is taken away.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from django.conf import settings

PATIENCE = 1.0
"""Seconds."""
_NAME = secrets.token_hex(4)
"""Of this process; its number may be another's in another container, beside the same directory."""
_log = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def known(tell: Callable[[], bytes]) -> AsyncIterator[None]:
    """While this process serves. `tell` gives its word."""

    async def said(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(tell())
        with contextlib.suppress(OSError):
            await writer.drain()
        writer.close()

    place = _own()
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    server = await asyncio.start_unix_server(said, path=str(place))
    place.chmod(0o600)
    try:
        yield
    finally:
        server.close()
        place.unlink(missing_ok=True)


async def words() -> list[bytes]:
    """What the others say, in no order."""
    places = [place for place in Path(settings.RUN_DIR).glob("api-*.sock") if place != _own()]
    return [word for word in await asyncio.gather(*map(_word, places)) if word]


def _own() -> Path:
    return Path(settings.RUN_DIR) / f"api-{_NAME}.sock"


async def _word(place: Path) -> bytes:
    """b"" of who does not answer."""
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_unix_connection(str(place))
            word = await reader.read()
            writer.close()
            return word
    except (ConnectionRefusedError, FileNotFoundError):
        place.unlink(missing_ok=True)
    except (TimeoutError, OSError) as error:
        _log.warning("%s does not tell its counts: %s", place.name, error or "no answer")
    return b""
