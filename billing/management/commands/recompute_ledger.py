"""`manage.py recompute_ledger`: proves the ledger, or names every hour of every pod where it is wrong."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing.recompute import recompute


class Command(BaseCommand):
    help = "Recompute every bill from the pods' own times and compare it with the ledger. Writes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", help="Only this account.")

    def handle(self, *args: Any, **options: Any) -> None:
        report = recompute(account=options["account"])
        for difference in report.differences:
            self.stdout.write(str(difference))
        for uid in report.unwitnessed:
            self.stdout.write(f"pod {uid}: billed, but neither the log nor its object nor its marks are there any more")
        self.stdout.write(
            f"{report.pods} pods, {report.segments} segments, {report.total}: "
            f"{len(report.differences)} differences, {len(report.unwitnessed)} without a witness"
        )
        if not report.proven:
            raise CommandError("The ledger is not what the pods' own times say.")
