"""`manage.py recompute_ledger`: proves the ledger, or names every hour of every pod where it is wrong."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing.recompute import recompute
from billing.statements import NoSuchPeriod, Period


class Command(BaseCommand):
    help = "Recompute every bill from the pods' own times and compare it with the ledger. Writes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", help="Only this account.")
        parser.add_argument("--period", help="Only what was used in this month or day (UTC), such as 2026-11.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            period = Period.parse(options["period"]) if options["period"] else None
        except NoSuchPeriod as wrong:
            raise CommandError(str(wrong)) from None
        span = {"since": period.start, "until": period.end} if period else {}
        report = recompute(account=options["account"], **span)
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
