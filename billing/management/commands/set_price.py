"""`manage.py set_price`: a new price in this installation's price list, or the list as it stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing import prices, tariffs
from billing.models import Price
from billing.money import plain
from billing.prices import Draft
from billing.rating import MEMORY, VCPU
from workloads.kinds.grids import is_gpu

_SOON = timedelta(seconds=1)


class Command(BaseCommand):
    help = "Sets what one core (vcpu), one GiB (memory) or one card (by its resource name) costs a second, from now on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("item", nargs="?", help="vcpu, memory, or a card such as nvidia.com/gpu-tesla-t4")
        parser.add_argument("amount", nargs="?", help="per unit and second, such as 0.002; leave both out to list")
        parser.add_argument(
            "--from", dest="start", default="", help="when it begins, such as 2027-01-01T00:00:00Z (now)"
        )
        parser.add_argument("--flavor", default="", help="only for namespaces of this flavor (default: every flavor)")
        parser.add_argument("--region", default=None, help="(default: CCI_REGION)")

    def handle(self, *args: Any, item: str | None, amount: str | None, **options: Any) -> None:
        if item is None:
            self._list(options["region"])
            return
        if item not in (VCPU, MEMORY) and not is_gpu(item):
            raise CommandError(f"{item!r} has no price: give vcpu, memory, or a card such as nvidia.com/gpu-tesla-t4")
        if amount is None:
            raise CommandError(f"Say what {item} costs a second: manage.py set_price {item} 0.002")
        try:
            made = tariffs.add_price(tariffs.host(), self._draft(item, amount, options))
        except prices.PriceRefused as refused:
            raise CommandError(str(refused)) from None
        self.stdout.write(f"{Price.objects.get(pk=made.id)}.")

    def _draft(self, item: str, amount: str, options: dict[str, Any]) -> Draft:
        listed = prices.current(options["region"])
        begins = _moment(options["start"])
        return Draft(listed.region, item, options["flavor"], listed.currency, _decimal(amount), begins)

    def _list(self, region: str | None) -> None:
        rows = Price.objects.filter(region=prices.current(region).region).order_by("item", "flavor", "effective_from")
        for row in rows:
            flavor = row.flavor or "every flavor"
            since = f"from {row.effective_from:%F %T}"
            self.stdout.write(f"{row.item}  {plain(row.amount)} {row.currency}/s  {flavor}  {since}")


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise CommandError(f"{text!r} is not an amount: give a number such as 0.002") from None


def _moment(text: str) -> datetime:
    if not text:
        return datetime.now(UTC) + _SOON
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text!r} is not a time: give one such as 2027-01-01T00:00:00Z") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
