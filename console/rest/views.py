"""Prices and cost as JSON, from the same functions as the bill."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import exception_handler

from billing import client as billing
from billing.client import Meter, NoPrice, Rate
from console.rest.answers.costs import CostAnswer, PodCostAnswer, SettingsAnswer
from console.rest.answers.shapes import PriceAnswer
from console.rest.resources import Resource, identity, read
from console.rest.schema import operation
from iam import accounts
from workloads.client import Client, pod_specifications
from workloads.kinds import podspecs
from workloads.kinds.podspecs import Size, Specification
from workloads.meta.errors import (
    BadRequest,
    Cause,
    Forbidden,
    Invalid,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    StatusError,
    TooManyRequests,
    Unauthorized,
    UnsupportedMediaType,
)
from workloads.meta.quantity import GIB, MIB

_REASONS = {error.code: error.reason for error in (BadRequest, Unauthorized, Forbidden, NotFound, MethodNotAllowed)}
_REASONS |= {error.code: error.reason for error in (NotAcceptable, UnsupportedMediaType, TooManyRequests)}
"""REST framework's own errors, in Kubernetes' words."""


class PriceQuestion(serializers.Serializer[dict[str, Any]]):
    """`?cpu=0.5&memory=1&pods=2`: cores, GiB, number of pods; with cards `&gpu=nvidia.com/gpu-tesla-t4&gpus=1`."""

    cpu = serializers.DecimalField(max_digits=8, decimal_places=3, min_value=Decimal("0.001"))
    memory = serializers.DecimalField(max_digits=10, decimal_places=3, min_value=Decimal("0.001"))
    pods = serializers.IntegerField(default=1, min_value=0, max_value=1_000_000)
    flavor = serializers.CharField(default="", max_length=64, allow_blank=True)
    gpu = serializers.CharField(default="", max_length=64, allow_blank=True)
    gpus = serializers.IntegerField(default=1, min_value=1, max_value=64)


class PriceView(Resource):
    """What a pod specification costs, per second, hour, day and month of 30 days."""

    @operation("What a pod specification costs", query=PriceQuestion, answer=PriceAnswer)
    def get(self, request: Request) -> Response:
        asked = read(PriceQuestion, request.query_params)
        gpu, gpus = asked["gpu"], asked["gpus"] if asked["gpu"] else 0
        size = Size(int(asked["cpu"] * 1000), int(asked["memory"] * GIB), gpu, gpus)
        flavor = asked["flavor"] or (podspecs.ACCELERATED if gpu else podspecs.GENERAL)
        check_on_grid(size, flavor)
        try:
            rate = billing.rate(
                size.cpu_millis,
                size.memory_bytes // MIB,
                pods=asked["pods"],
                flavor=flavor,
                gpu_model=gpu,
                gpu_count=gpus,
            )
        except NoPrice as unpriced:
            raise BadRequest(str(unpriced)) from None
        return Response(day_body(rate))


class SettingsQuestion(serializers.Serializer[dict[str, Any]]):
    """`{"priceWarnings": false}`"""

    priceWarnings = serializers.BooleanField()


class SettingsView(Resource):
    """What the account has chosen for itself: whether writes are answered with what they change of the price."""

    @operation("The account's settings", answer=SettingsAnswer)
    def get(self, request: Request) -> Response:
        return Response({"priceWarnings": accounts.hears_prices(identity(request).account)})

    @operation("Change the account's settings", body=SettingsQuestion, answer=SettingsAnswer)
    def patch(self, request: Request) -> Response:
        by = identity(request)
        if not by.may(accounts.CHANGE):
            raise Forbidden(accounts.CHANGE)
        wanted: bool = read(SettingsQuestion, request.data)["priceWarnings"]
        accounts.choose(by, replace(accounts.choices(by.account), price_warnings=wanted))
        return Response({"priceWarnings": wanted})


class NothingView(Resource):
    """Addresses that are not served are a Status, too."""

    schema = None

    def get(self, request: Request) -> Response:
        from console.rest.urls import urlpatterns

        served = dict.fromkeys(str(one.pattern).partition("/")[0] for one in urlpatterns if one.name != "rest-nothing")
        raise NotFound(f"{request.path} is not served; served below /api/v1/ are {', '.join(served)}")

    post = put = patch = delete = get


class CostQuestion(serializers.Serializer[dict[str, Any]]):
    """`?namespace=shop`; without it, of the whole account."""

    namespace = serializers.CharField(default="", allow_blank=True, max_length=253)


class CostView(Resource):
    """What the account, or `?namespace=x` of it, has cost this month and costs now; each running pod for itself."""

    @operation("What the account costs", query=CostQuestion, answer=CostAnswer)
    def get(self, request: Request) -> Response:
        by, namespace = identity(request), read(CostQuestion, request.query_params)["namespace"] or None
        if namespace:
            Client(by).get("Namespace", namespace)
        Client(by).count("Pod", namespace)  # who may not list pods is not told what they cost
        pods = billing.meters(by.account, namespace=namespace)
        return Response(
            meter_body(billing.total(by.account, namespace=namespace))
            | {"pods": {uid: meter_body(meter) for uid, meter in pods.items()}}
        )


class PodCostView(Resource):
    """One pod: its running cost and the ledger lines behind it."""

    @operation("What one pod costs", answer=PodCostAnswer)
    def get(self, request: Request, namespace: str, name: str) -> Response:
        by = identity(request)
        uid = Client(by).get("Pod", name, namespace)["metadata"]["uid"]
        meter = billing.pod_meter(by.account, uid)
        if meter is None:
            raise NotFound(f'pod "{name}" has not cost anything yet: billing begins with its image pull')
        segments = [
            {
                "start": segment.start.isoformat(),
                "end": segment.end.isoformat(),
                "seconds": segment.seconds,
                "activity": segment.activity,
                "open": segment.open,
            }
            for segment in billing.segments(by.account, uid)
        ]
        return Response(meter_body(meter) | {"segments": segments})


def check_on_grid(size: Size, flavor: str) -> None:
    """A price is told only of what can be had. Raises Invalid with the nearest sizes."""
    rows = pod_specifications().of(flavor)
    broken = podspecs.broken_rules(size, rows)
    if not broken:
        return
    near = " or ".join(str(specification) for specification in podspecs.nearest(size, rows))
    rules = "; ".join(broken) + (f"; nearest valid specifications: {near}" if near else "")
    raise Invalid(f"{size} is no pod specification: {rules}", causes=(Cause("cpu", rules), Cause("memory", rules)))


def rate_body(rate: Rate) -> dict[str, str]:
    """Money is text: JSON numbers are not decimal."""
    return {
        "currency": rate.currency,
        "perSecond": billing.plain(rate.per_second),
        "perHour": billing.plain(rate.per_hour),
        "perMonth": billing.plain(rate.per_month),
    }


def day_body(rate: Rate) -> dict[str, str]:
    return rate_body(rate) | {"perDay": billing.plain(rate.per_day)}


def offer_body(specification: Specification, rate: Rate) -> dict[str, Any]:
    cards = {"gpu": specification.gpu, "gpus": specification.gpus} if specification.gpus else {}
    size = {"cpuMillis": specification.cpu_millis, "memoryGiB": specification.memory_gib, **cards}
    return {"annotation": specification.annotation(), "words": str(specification), **size, "price": rate_body(rate)}


def meter_body(meter: Meter) -> dict[str, Any]:
    return {
        "rate": rate_body(meter.rate),
        "accrued": billing.plain(meter.accrued),
        "asOf": meter.as_of.isoformat(),
        "running": meter.running,
        "seconds": meter.seconds,
    }


def answer_refusals(error: Exception, context: dict[str, Any]) -> Response | None:
    """Every failure of this API is a Kubernetes Status, REST framework's own ones too. What is denied is in the audit
    trail."""
    if isinstance(error, Forbidden):
        _note_denial(error, context)
    if isinstance(error, StatusError):
        later = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
        return Response(error.body(), status=error.code, headers=later)
    response = exception_handler(error, context)
    if response is not None:
        detail = response.data.get("detail", "") if isinstance(response.data, dict) else response.data
        response.data = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": str(detail),
            "reason": _REASONS.get(response.status_code, "Unknown"),
            "code": response.status_code,
        }
    return response


def _note_denial(refusal: Forbidden, context: dict[str, Any]) -> None:
    what, named = type(context["view"]).__name__.removesuffix("View"), context["kwargs"]
    door = Client(identity(context["request"]))
    door.note_denial(refusal, what, named.get("name", ""), named.get("namespace", ""))
