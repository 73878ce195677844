"""The traffic process: Envoy's configuration, and names for pods."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Tell Envoy whom to serve and answer pods' questions for names, until SIGTERM."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        from workloads.elb import traffic

        traffic.run(settings.RUN_DIR)
