"""`manage.py rotate_token_key`: a new key signs service-account tokens; those of the old one work to their end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand

from iam import signing

LONGEST = timedelta(hours=24)
"""So long a token may live."""


class Command(BaseCommand):
    help = "Sign service-account tokens with a new key. Running processes take it up at once."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        name = signing.rotate(longest=LONGEST)
        self.stdout.write(f"Key {name} signs from now on. What the one before signed works until it runs out.")
