"""The worker process: Celery with a pool of threads; most of its time is waiting for Docker."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from console import env
from console.management.commands.serve import worker_arguments


class Command(BaseCommand):
    help = "Run reconciles until SIGTERM."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        from console.celery import app

        app.start(worker_arguments(str(env.number("CCI_WORKER_THREADS")))[2:])
