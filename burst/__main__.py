"""`cci-burst`, or `python -m burst`."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from contextlib import suppress

from burst import options
from burst.api import Api
from burst.credentials import NoCredentials, load
from burst.options import Options
from burst.replica import Replica

log = logging.getLogger("burst")


def main() -> int:
    """Runs until SIGTERM or Ctrl-C. Exit code 2 for what it was told wrongly."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    given = options.parse()
    try:
        asyncio.run(_until_stopped(given))
    except NoCredentials as error:
        log.error("%s", error)
        return 2
    return 0


async def _until_stopped(given: Options) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    running = asyncio.create_task(_run(given))
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if running.done():
        running.result()
        return
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def _run(given: Options) -> None:
    async with Api(load(given.kubeconfig)) as cluster_api, Api(load(given.cci_kubeconfig)) as cci:
        await Replica(given, cluster_api, cci).run()


if __name__ == "__main__":
    sys.exit(main())
