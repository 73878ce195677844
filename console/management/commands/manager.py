"""The manager process: the relay (log to work items), the meter (log to ledger), budgets, and housekeeping."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand
from django.db import close_old_connections
from django.utils import timezone

logger = logging.getLogger("cci.manager")
HOUSEKEEPING_SECONDS = 30.0


class Command(BaseCommand):
    help = "Run the relay, the meter, budgets and housekeeping until SIGTERM."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        from billing import meter
        from billing.budgets import deliveries, watcher
        from workloads.controllers import relay

        stop, metered = threading.Event(), threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        duties: dict[str, Callable[[threading.Event], None]] = {
            "relay": relay.run,
            "meter": partial(meter.run, told=metered.set),
            "budgets": partial(watcher.run, wake=metered),
            "deliveries": deliveries.run,
            "housekeeping": housekeeping,
        }
        threads = [
            threading.Thread(target=keep, args=(name, duty, stop), name=name, daemon=True)
            for name, duty in duties.items()
        ]
        for thread in threads:
            thread.start()
        stop.wait()
        for thread in threads:
            thread.join(timeout=5)


def keep(name: str, duty: Callable[[threading.Event], None], stop: threading.Event) -> None:
    """Runs `duty` until `stop`; an error is logged with its traceback and the duty begins anew after a second."""
    while not stop.is_set():
        try:
            duty(stop)
        except Exception:
            logger.exception("%s failed; it begins anew", name)
            close_old_connections()
            stop.wait(1)


def housekeeping(stop: threading.Event) -> None:
    from billing import closing
    from console.rest import idempotency
    from iam import sweeping
    from workloads.controllers import housekeeping as rooms

    chores: dict[str, Callable[[], object]] = {
        "rooms": rooms.run_once,
        "sign-ins": lambda: sweeping.run_once(timezone.now()),
        "idempotency keys": lambda: idempotency.sweep(timezone.now()),
        "months": closing.close_once,
    }
    while not stop.wait(HOUSEKEEPING_SECONDS):
        do_all(chores)


def do_all(chores: Mapping[str, Callable[[], object]]) -> None:
    """One that fails keeps none of the others from being done; it is done again with them."""
    for name, chore in chores.items():
        try:
            chore()
        except Exception:
            logger.exception("housekeeping of %s failed; it is done again", name)
            close_old_connections()
