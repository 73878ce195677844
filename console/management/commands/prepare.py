"""What must be true before any process starts: the tables, the first account, the CA, the static files."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Migrate, make the first account and the CA. Safe to run at every start."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        from iam import pki

        call_command("migrate", verbosity=0, interactive=False)
        call_command("setup_account", stdout=self.stdout)
        pki.ensure()
