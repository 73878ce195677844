"""`manage.py balance`: what accounts have left, credits, and who pays before."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing import instants
from billing.balances import door
from billing.balances.door import View
from billing.money import plain
from iam.errors import IamError


class Command(BaseCommand):
    help = "Shows balances; credits an account; makes it prepaid or post-paid."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account", nargs="?", help="leave it out to list all accounts")
        parser.add_argument("--credit", default=None, help="money to add; negative takes back")
        parser.add_argument("--note", default="", help="what the credit is for")
        parser.add_argument("--prepaid", choices=("on", "off"), default=None)

    def handle(self, *args: Any, account: str | None, **options: Any) -> None:
        by = door.host()
        try:
            if account is None:
                for view in door.balances(by):
                    self.stdout.write(_line(view))
                return
            if options["prepaid"] is not None:
                door.set_prepaid(by, account, options["prepaid"] == "on")
            if options["credit"] is not None:
                door.credit(by, account, _decimal(options["credit"]), note=options["note"])
            found = [view for view in door.balances(by) if view.account == account]
            credits = door.credits(by, account=account, limit=20)
        except IamError as refusal:
            raise CommandError(refusal.message) from None
        if not found:
            raise CommandError(f'account "{account}" not found')
        self.stdout.write(_line(found[0]))
        for one in credits:
            self.stdout.write(f"  {instants.text(one.at)}  {plain(one.amount)} {one.currency}  {one.by}  {one.note}")


def _line(view: View) -> str:
    left = "" if view.funds is None else f"  {plain(view.funds.left)} {view.currency} left"
    return f"{view.account}  {view.state}{left}"


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise CommandError(f"{text!r} is no amount: write a number, such as 100.50") from None
