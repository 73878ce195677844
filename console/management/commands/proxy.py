"""`docker compose`'s proxy tier: what has to listen at addresses of the host, under one supervisor in one container.

Envoy that dies is started again at once, which a container's restart policy would take seconds for.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from console.management.commands.serve import traffic
from console.supervisor import Program, Supervisor


class Command(BaseCommand):
    help = "Serve what pods and ELBs' clients reach: Envoy and who tells it, names, and the API for pods."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        settings.RUN_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        supervisor = Supervisor(programs(), logs=None, run=settings.RUN_DIR, say=self._say)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, supervisor.stop)
        await supervisor.run(started=lambda: self._say("Envoy serves."))

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def programs() -> list[Program]:
    """Of what the settings leave on."""
    python, manage = sys.executable, str(settings.BASE_DIR / "manage.py")
    found = traffic(python, manage) if settings.ELB_POOL is not None or settings.DNS else []
    return [*found, *([Program("pods", [python, "-m", "console.web", "pods"])] if settings.POD_API else [])]
