"""A statement in the columns of FOCUS (FinOps Open Cost and Usage Specification 1.2), one row a line. Pure.

Numbers are text, for JSON has no decimals; what a column cannot say is null. `BilledCost` is the line as the statement
rounds it, so that the column's sum is the statement's total. Columns of our own begin with `x_`, as FOCUS asks.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal

import orjson

from billing.money import plain
from billing.statements import Bill, BillLine

ISSUER = "CCI"
SERVICE = "Cloud Container Instance"
Row = dict[str, str | None]


def row(bill: Bill, line: BillLine) -> Row:
    month = bill.period.month
    listed, billed = plain(line.listed), plain(line.billed)
    is_correction = line.corrects is not None
    charged = line.corrects if line.corrects is not None else bill.period
    return {
        "AvailabilityZone": None,
        "BilledCost": billed,
        "BillingAccountId": bill.account,
        "BillingAccountName": bill.account,
        "BillingAccountType": "Account",
        "BillingCurrency": line.currency,
        "BillingPeriodEnd": _time(month.ends),
        "BillingPeriodStart": _time(month.begins),
        "ChargeCategory": "Usage",
        "ChargeClass": "Correction" if is_correction else None,
        "ChargeDescription": describe(line),
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodEnd": _time(charged.ends),
        "ChargePeriodStart": _time(charged.begins),
        "ConsumedQuantity": str(line.seconds),
        "ConsumedUnit": "Seconds",
        "ContractedCost": listed,
        "ContractedUnitPrice": plain(line.rate),
        "EffectiveCost": billed,
        "InvoiceId": f"{bill.account}/{month.name}" if bill.state == "closed" else None,
        "InvoiceIssuerName": ISSUER,
        "ListCost": listed,
        "ListUnitPrice": plain(line.rate),
        "PricingCategory": "Standard",
        "PricingCurrency": line.currency,
        "PricingQuantity": str(line.seconds),
        "PricingUnit": "Seconds",
        "ProviderName": ISSUER,
        "PublisherName": ISSUER,
        "RegionId": line.region,
        "RegionName": line.region,
        "ResourceId": line.workload_uid,
        "ResourceName": line.workload_name,
        "ResourceType": line.workload_kind,
        "ServiceCategory": "Compute",
        "ServiceName": SERVICE,
        "ServiceSubcategory": "Containers",
        "SkuId": sku(line),
        "SkuMeter": "Image pull" if line.activity == "pull" else "Pod",
        "SkuPriceDetails": _json({"VcpuUnitPrice": plain(line.vcpu_rate), "MemoryUnitPrice": plain(line.memory_rate)}),
        "SkuPriceId": f"{sku(line)}@{plain(line.rate)}",
        "SubAccountId": line.namespace,
        "SubAccountName": line.namespace,
        "SubAccountType": "Namespace",
        "Tags": _json(line.labels),
        "x_CorrectsBillingPeriod": charged.name if is_correction else None,
        "x_CoveredByPackages": plain(line.covered),
        "x_EnterpriseProjectId": line.project,
        "x_LineId": str(line.id),
    }


def table(bill: Bill) -> Iterator[str]:
    """The same as lines of CSV, the names first; null is an empty field."""
    yield _csv(COLUMNS)
    for line in bill.lines:
        one = row(bill, line)
        yield _csv("" if one[column] is None else one[column] for column in COLUMNS)


def sku(line: BillLine) -> str:
    """`general-computing/2_4` (cores, GiB), with cards `gpu-accelerated/8_32/nvidia.com/gpu-tesla-t4*1`."""
    cards = f"/{line.gpu_model}*{line.gpu_count}" if line.gpu_count else ""
    return f"{line.flavor}/{plain(Decimal(line.cpu_millis) / 1000)}_{plain(Decimal(line.memory_mib) / 1024)}{cards}"


def describe(line: BillLine) -> str:
    what = "image pulls of pods that had not started" if line.activity == "pull" else "pods"
    said = f"{line.workload_kind} {line.workload_name} in {line.namespace}: {what}, {sku(line)}"
    return f"{said}; correction of {line.corrects.name}" if line.corrects else said


COLUMNS = (
    "AvailabilityZone",
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingAccountType",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "InvoiceId",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingCurrency",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "SubAccountType",
    "Tags",
    "x_CorrectsBillingPeriod",
    "x_CoveredByPackages",
    "x_EnterpriseProjectId",
    "x_LineId",
)


def _csv(fields: Iterable[str | None]) -> str:
    csv.writer(written := io.StringIO(), lineterminator="\r\n").writerow(list(fields))
    return written.getvalue()


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _json(values: Mapping[str, str]) -> str:
    return orjson.dumps(dict(values), option=orjson.OPT_SORT_KEYS).decode()
