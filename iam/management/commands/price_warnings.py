"""`manage.py price_warnings`: whether kubectl tells an account what its writes change of the price."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from iam import accounts


class Command(BaseCommand):
    help = "Switches the price in the warnings of create, apply, scale and --dry-run=server on or off for an account."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("switch", nargs="?", choices=("on", "off"), help="leave it out to see how it stands")
        parser.add_argument("--account", default="demo", help="(default: %(default)s)")

    def handle(self, *args: Any, switch: str | None, account: str, **options: Any) -> None:
        if switch is not None and not accounts.hear_prices(account, wanted=switch == "on"):
            raise CommandError(f"There is no account {account!r}.")
        stands = "on" if accounts.hears_prices(account) else "off"
        self.stdout.write(f"Price warnings of account {account}: {stands}")
