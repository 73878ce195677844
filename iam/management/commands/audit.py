"""`manage.py audit`: proves that the trail is what was written, account by account."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from iam import audit
from iam.models import Account


class Command(BaseCommand):
    help = "Computes the audit trail's chain again; exit code 1 when an entry was changed, removed or inserted."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", default="", help="Only this one (default: all)")

    def handle(self, *args: Any, account: str, **options: Any) -> None:
        names = [account] if account else list(Account.objects.order_by("name").values_list("name", flat=True))
        verdicts = {name: audit.verify(name) for name in names}
        for name, verdict in verdicts.items():
            self.stdout.write(f"{name}: {_words(verdict)}")
        if not all(verdict.is_whole for verdict in verdicts.values()):
            sys.exit(1)


def _words(verdict: audit.Verdict) -> str:
    if verdict.is_whole:
        return f"{verdict.entries} entries, whole; the newest one's digest is {verdict.head or 'none'}"
    return f"BROKEN at entry {verdict.broken_at}; the {verdict.entries} entries before it are as they were written"
