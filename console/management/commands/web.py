"""The web process by Django's command line (`console.web` is the same without)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    help = "Serve the console and the Kubernetes API until SIGTERM."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("doors", nargs="*", help="pages, api, pods; all of them when none is named")

    def handle(self, *args: Any, **options: Any) -> None:
        from console import web

        web.main(*options["doors"])
