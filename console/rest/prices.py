"""The price list and the calculator as JSON and CSV: read by everybody, written by who runs the installation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from billing import client as billing
from billing.client import Draft, Effect, ImportRefused, NoPrice, NotOffered, PriceEntry, PriceRefused, Rate
from console.rest import paging
from console.rest.answers import prices as answers
from console.rest.paging import Listed
from console.rest.resources import Resource, identity, read
from console.rest.schema import operation
from console.rest.views import day_body, rate_body
from workloads.kinds import podspecs
from workloads.kinds.grids import FLAVORS, Size
from workloads.meta.errors import BadRequest, Cause, Conflict, Invalid
from workloads.meta.quantity import GIB

JSON = dict[str, Any]
_NAMES = {"effective_from": "effectiveFrom"}
"""Fields of a price whose name in JSON is another one."""


class CalculatorQuestion(serializers.Serializer[JSON]):
    """`?cpu=2&memory=4&pods=3&duration=36&unit=hours`; cores, GiB; with cards `&gpu=nvidia.com/gpu-tesla-t4&gpus=1`."""

    region = serializers.CharField(default="", allow_blank=True, max_length=64)
    flavor = serializers.ChoiceField(default="", choices=FLAVORS, allow_blank=True)
    cpu = serializers.DecimalField(max_digits=8, decimal_places=3, min_value=Decimal("0.001"))
    memory = serializers.DecimalField(max_digits=10, decimal_places=3, min_value=Decimal("0.001"))
    gpu = serializers.CharField(default="", max_length=64, allow_blank=True)
    gpus = serializers.IntegerField(default=1, min_value=1, max_value=64)
    pods = serializers.IntegerField(default=1, min_value=0, max_value=billing.MOST_PODS)
    duration = serializers.DecimalField(
        default=Decimal(1), max_digits=12, decimal_places=3, min_value=Decimal(0), help_text="In `unit`."
    )
    unit = serializers.ChoiceField(default="hours", choices=list(billing.UNITS))
    starts = serializers.DateTimeField(default=None, help_text="When the pods start; now, unless it is given.")


class CalculatorView(Resource):
    """What pods of one specification cost a second, hour, day and month of 30 days, and for as long as they are wanted,
    by the bill's own rules: a price that begins meanwhile counts from then on."""

    @operation("Calculate a price", query=CalculatorQuestion, answer=answers.QuoteAnswer)
    def get(self, request: Request) -> Response:
        asked = read(CalculatorQuestion, request.query_params)
        gpu, gpus = asked["gpu"], asked["gpus"] if asked["gpu"] else 0
        try:
            found = billing.quote(
                asked["region"] or settings.REGION,
                asked["flavor"] or (podspecs.ACCELERATED if gpu else podspecs.GENERAL),
                Size(int(asked["cpu"] * 1000), int(asked["memory"] * GIB), gpu, gpus),
                pods=asked["pods"],
                duration=_duration(asked),
                starts=_start(asked["starts"]),
            )
        except NoPrice as unpriced:
            raise BadRequest(str(unpriced)) from None
        except NotOffered as refused:
            raise _off_grid(refused) from None
        return Response(
            {
                "region": found.region,
                "flavor": found.flavor,
                "specification": str(found.specification),
                "pods": found.pods,
                "starts": found.starts.isoformat(),
                "seconds": found.seconds,
                "price": day_body(found.rate),
                "total": billing.plain(found.total),
                "later": [{"at": at.isoformat(), "price": rate_body(rate)} for at, rate in found.later],
            }
        )


class PricesQuestion(Listed):
    """`?region=cn-north-4&item=vcpu&flavor=&at=2027-01-01T00:00:00Z`: with `at` those in force then, else all."""

    region = serializers.CharField(default="", allow_blank=True, max_length=64, help_text="This installation's.")
    item = serializers.CharField(default="", allow_blank=True, max_length=64)
    flavor = serializers.ChoiceField(default=None, choices=["", *FLAVORS], help_text="Empty: of every flavor.")
    at = serializers.DateTimeField(default=None)


class PriceDraft(serializers.Serializer[JSON]):
    """Without `effectiveFrom` it begins a second from now."""

    region = serializers.CharField(default="", allow_blank=True, max_length=64, help_text="This installation's.")
    item = serializers.CharField(max_length=64, help_text="vcpu, memory, or a card such as nvidia.com/gpu-tesla-t4")
    flavor = serializers.CharField(
        default="", allow_blank=True, max_length=32, help_text="Empty: every flavor without a price of its own."
    )
    currency = serializers.CharField(default="", allow_blank=True, max_length=3, help_text="The region's.")
    amount = serializers.RegexField(
        r"^\d{1,12}(\.\d{1,20})?$", max_length=33, help_text="For one core, GiB or card and second, as text."
    )
    effectiveFrom = serializers.DateTimeField(required=False)


class PricesView(Resource):
    """The price list of a region with its history, in the order of items, flavors and beginnings."""

    @operation("List prices", query=PricesQuestion, answer=answers.PricesAnswer)
    def get(self, request: Request) -> Response:
        asked = read(PricesQuestion, request.query_params)
        region = asked["region"] or settings.REGION
        found = billing.price_history(region, item=asked["item"], flavor=asked["flavor"], at=asked["at"])
        page = paging.page("prices", asked, found, key=lambda one: one.place, body=entry_body)
        return Response({**page, "regions": billing.regions()})

    @operation("Add a price", body=PriceDraft, answer=answers.PriceEntryAnswer, code=201)
    def post(self, request: Request) -> Response:
        """It begins now or later: what ran before keeps the price it ran at. For who runs the installation."""
        billing.admit_to_prices(identity(request), "cci:price:create")
        try:
            made = billing.add_price(identity(request), _draft(read(PriceDraft, request.data)))
        except PriceRefused as refused:
            raise refusal_of_price(refused) from None
        return Response(entry_body(made), status=201)


class PricePreviewView(Resource):
    @operation("Preview a price", body=PriceDraft, answer=answers.EffectAnswer)
    def post(self, request: Request) -> Response:
        """What a price would do to pods that run now, by account, and to common specifications. Nothing is changed. For
        who runs the installation."""
        billing.admit_to_prices(identity(request), "cci:price:get")
        try:
            effect = billing.preview_price(identity(request), _draft(read(PriceDraft, request.data)))
        except PriceRefused as refused:
            raise refusal_of_price(refused) from None
        return Response(effect_body(effect))


class PriceEntryView(Resource):
    @operation("Withdraw a coming price", code=204)
    def delete(self, request: Request, number: int) -> Response:
        """409 when it has begun: what ran since is billed by it. For who runs the installation."""
        try:
            billing.withdraw_price(identity(request), number)
        except PriceRefused as refused:
            raise Conflict(str(refused)) from None
        return Response(status=204)


class Csv(BaseRenderer):
    media_type, format, charset = "text/csv", "csv", "utf-8"

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> Any:
        return data


class CsvText(BaseParser):
    media_type = "text/csv"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            return str(stream.read().decode())
        except UnicodeDecodeError:
            raise ParseError("This is no text in UTF-8.") from None


class ExportQuestion(serializers.Serializer[JSON]):
    """`?region=cn-north-4`; without it, of all regions."""

    region = serializers.CharField(default="", allow_blank=True, max_length=64)


class ImportQuestion(serializers.Serializer[JSON]):
    """`?preview=true` only says what it would do."""

    preview = serializers.BooleanField(default=False)


_TEXT = {"type": "string", "description": "region,item,flavor,currency,amount,effective_from"}


class PriceCsvView(Resource):
    parser_classes = (CsvText, JSONParser)

    def get_renderers(self) -> list[BaseRenderer]:
        """What is read is CSV, what a write came to is told in JSON."""
        return [JSONRenderer(), Csv()] if self.request.method == "GET" else [JSONRenderer()]

    @operation("Export prices as CSV", query=ExportQuestion, answer=_TEXT, media="text/csv")
    def get(self, request: Request) -> HttpResponse:
        """The list with its history, as an import takes it."""
        region = read(ExportQuestion, request.query_params)["region"]
        answer = HttpResponse(billing.export_prices(region), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="prices{"-" + region if region.isalnum() else ""}.csv"'
        return answer

    @operation("Import prices from CSV", query=ImportQuestion, body={"text/csv": _TEXT}, answer=answers.ImportAnswer)
    def post(self, request: Request) -> Response:
        """All of it or nothing. What the list has already stays, coming prices with the same item, flavor and beginning
        are replaced. A cause names each line that cannot be taken. For who runs the installation."""
        by = identity(request)
        billing.admit_to_prices(by, "cci:price:create")
        if not isinstance(request.data, str):
            raise BadRequest("The body is the CSV itself: send it as Content-Type: text/csv.")
        try:
            if read(ImportQuestion, request.query_params)["preview"]:
                found = billing.preview_import(by, request.data)
                if found.troubles:
                    raise ImportRefused(found.troubles)
            else:
                found = billing.import_prices(by, request.data)
        except ImportRefused as refused:
            raise _refusal_of_import(refused) from None
        return Response(
            {
                "added": len(found.added),
                "replaced": len(found.replaced),
                "unchanged": found.unchanged,
                "effects": [effect_body(one) for one in found.effects],
            }
        )


def entry_body(entry: PriceEntry) -> JSON:
    return {
        "id": entry.id,
        "region": entry.region,
        "item": entry.item,
        "flavor": entry.flavor,
        "currency": entry.currency,
        "amount": billing.plain(entry.amount),
        "effectiveFrom": entry.effective_from.isoformat(),
        "until": entry.until.isoformat() if entry.until else None,
        "state": entry.state,
    }


def effect_body(effect: Effect) -> JSON:
    return {
        "region": effect.region,
        "at": effect.at.isoformat(),
        "pods": effect.pods,
        **_shift(effect.shift.before, effect.shift.after),
        "accounts": [
            {"account": one.account, "pods": one.pods, **_shift(one.shift.before, one.shift.after)}
            for one in effect.accounts
        ],
        "specifications": [
            {
                "flavor": one.flavor,
                "specification": str(one.specification),
                **_shift(one.shift.before, one.shift.after),
            }
            for one in effect.sizes
        ],
    }


def refusal_of_price(refused: PriceRefused) -> Invalid:
    return _invalid({_NAMES.get(name, name): said for name, said in refused.fields.items()})


def _refusal_of_import(refused: ImportRefused) -> Invalid:
    causes = tuple(
        Cause(f"line {one.line}" + (f".{one.field}" if one.field else ""), one.message) for one in refused.troubles
    )
    return Invalid(f"Nothing was imported: {refused}", causes=causes)


def _invalid(fields: Mapping[str, str]) -> Invalid:
    return Invalid(" ".join(fields.values()), causes=tuple(Cause(*field) for field in fields.items()))


def _off_grid(refused: NotOffered) -> Invalid:
    """With the nearest specifications and their price."""
    near = " or ".join(f"{one} ({_price(rate)})" for one, rate in refused.nearest)
    rules = refused.rules + (f"; nearest valid specifications: {near}" if near else "")
    message = str(refused) + (f"; nearest valid specifications: {near}" if near else "")
    return Invalid(message, causes=(Cause("cpu", rules), Cause("memory", rules)))


def _price(rate: Rate | None) -> str:
    return billing.format_rate(rate.per_second, rate.currency) if rate else "without a price"


def _shift(before: Rate | None, after: Rate | None) -> JSON:
    return {"before": before and rate_body(before), "after": after and rate_body(after)}


def _draft(asked: JSON) -> Draft:
    region = asked["region"] or settings.REGION
    return Draft(
        region=region,
        item=asked["item"],
        flavor=asked["flavor"],
        currency=asked["currency"] or billing.current_currency(region),
        amount=Decimal(asked["amount"]),
        effective_from=asked.get("effectiveFrom") or datetime.now(UTC) + timedelta(seconds=1),
    )


def _duration(asked: JSON) -> timedelta:
    seconds = asked["duration"] * billing.UNITS[asked["unit"]]
    if seconds > billing.LONGEST.total_seconds():
        rule = f"is too long: {billing.LONGEST.days} days at most"
        raise BadRequest(f"duration: {rule}", causes=(Cause("duration", rule),))
    return timedelta(microseconds=int(seconds * 1_000_000))


def _start(asked: datetime | None) -> datetime | None:
    """Prices and bills know the years from 1970 to 2200."""
    if asked is not None and not 1970 <= asked.year <= 2200:
        rule = "is out of reach: give a time from 1970 to 2200"
        raise BadRequest(f"starts: {rule}", causes=(Cause("starts", rule),))
    return asked
