"""The price list: what it comes with, how it may change, and what is said of it before anything is bought."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing import client, money, offers, prices
from billing.fields import AmountField
from billing.models import Price
from billing.money import format_money
from billing.rating import NoPrice, Rate
from iam import accounts
from iam.identities import Identity
from iam.models import Account
from tests import manifests
from workloads.kinds.grids import Specification

pytestmark = pytest.mark.django_db


def tomorrow() -> datetime:
    return datetime.now(UTC) + timedelta(days=1)


def deployment(*, pods: int = 2, cpu: str = "500m", memory: str = "1Gi") -> dict[str, Any]:
    container = {"name": "app", "image": "web", "resources": {"limits": {"cpu": cpu, "memory": memory}}}
    template = {"metadata": {}, "spec": {"containers": [container]}}
    return {"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": pods, "template": template}}


@pytest.mark.parametrize(
    ("amount", "currency", "places", "text"),
    [
        ("0.3204", "CNY", 4, "¥0.3204"),
        ("0.00005", "CNY", 4, "¥0.0001"),
        ("0.00004999", "USD", 4, "$0.0000"),
        ("-1234.5", "EUR", 2, "-€1,234.50"),
        ("-0.001", "GBP", 2, "£0.00"),
        ("7", "CHF", 0, "CHF 7"),
    ],
)
def test_money_is_rounded_half_up_once(amount: str, currency: str, places: int, text: str) -> None:
    assert format_money(Decimal(amount), currency, places) == text


def test_the_list_comes_with_the_published_prices() -> None:
    assert client.rate(500, 1024) == Rate("CNY", Decimal("0.0000445"))
    assert client.rate(2000, 4096, pods=3).per_second == Decimal("0.000534")
    assert client.price("general-computing", Specification(1000, 2)) == "0.000089 CNY/s"


def test_a_region_without_prices_is_given_the_published_ones_once(settings: Any) -> None:
    settings.REGION = "home"
    assert client.price("general-computing", Specification(1000, 2)) == ""
    prices.ensure_defaults()
    prices.ensure_defaults()
    assert Price.objects.filter(region="home").count() == 2
    assert client.rate(1000, 2048).per_second == Decimal("0.000089")


def test_a_price_is_in_force_from_its_day_on() -> None:
    prices.set_price("vcpu", Decimal("0.0001"), effective_from=tomorrow())
    assert client.rate(1000, 0).per_second == Decimal("0.000049")
    assert client.rate(1000, 0, at=tomorrow() + timedelta(hours=1)).per_second == Decimal("0.0001")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"effective_from": datetime(2026, 1, 1, tzinfo=UTC)}, "cannot begin in the past"),
        ({"amount": Decimal("-1")}, "is not a price"),
        ({"amount": Decimal("0.00000000001")}, "at most 10 decimal places"),
        ({"currency": "USD"}, "priced in CNY"),
    ],
)
def test_a_price_out_of_rule_is_refused_with_the_remedy(wrong: dict[str, Any], words: str) -> None:
    wish: dict[str, Any] = {"amount": Decimal("0.0001"), "effective_from": tomorrow(), **wrong}
    with pytest.raises(prices.PriceRefused, match=words):
        prices.set_price("vcpu", wish.pop("amount"), **wish)


def test_cards_without_a_price_are_not_offered() -> None:
    assert client.specifications("gpu-accelerated") == []
    with pytest.raises(NoPrice, match=r"no price for nvidia\.com/gpu-tesla-t4"):
        client.rate(8000, 32768, flavor="gpu-accelerated", gpu_model="nvidia.com/gpu-tesla-t4", gpu_count=1)


def test_cards_with_a_price_are_offered() -> None:
    Price.objects.create(
        region="cn-north-4",
        item="nvidia.com/gpu-tesla-t4",
        currency="CNY",
        amount=Decimal("0.002"),
        effective_from=datetime(2026, 1, 1, tzinfo=UTC),
    )
    sizes = client.specifications("gpu-accelerated")
    assert [size.gpus for size, _ in sizes] == [1, 2, 4, 8]
    assert sizes[0][1].per_second == Decimal("0.003032")


def test_the_picker_offers_round_sizes_on_the_grid_with_their_price() -> None:
    sizes = [(size.annotation(), rate.per_second) for size, rate in client.specifications()]
    assert sizes[:5] == [
        ("0.25_1.0", Decimal("0.00003225")),
        ("0.25_2.0", Decimal("0.00005225")),
        ("0.50_1.0", Decimal("0.0000445")),
        ("0.50_2.0", Decimal("0.0000645")),
        ("0.50_4.0", Decimal("0.0001045")),
    ]
    assert sizes[-1][0] == "64.00_512.0"
    assert len(sizes) == len(set(sizes)) == 29


def test_a_wish_is_answered_with_its_price(alice: Identity) -> None:
    (notice,) = client.price_notice(deployment(), None, alice)
    assert notice == "price in CNY: 0/h -> 0.32/h (+0.32/h, ~230/month)"
    assert notice.isascii(), "it goes into an HTTP header"


def test_scaling_says_the_new_price_and_other_changes_say_nothing(alice: Identity) -> None:
    before = deployment()
    (notice,) = client.price_notice(deployment(pods=1), before, alice)
    assert notice == "price in CNY: 0.32/h -> 0.16/h (-0.16/h, ~-120/month)"
    (notice,) = client.price_notice(deployment(pods=0), before, alice)
    assert notice == "price in CNY: 0.32/h -> 0/h (-0.32/h, ~-230/month)"
    assert client.price_notice(deployment(pods=0), None, alice) == ()
    assert client.price_notice({**before, "metadata": {"labels": {"a": "b"}}}, before, alice) == ()


def test_controllers_hear_no_prices_and_what_runs_nothing_has_none(alice: Identity) -> None:
    hand = Identity.controller("deployments", "acme")
    assert client.price_notice(deployment(), None, hand) == ()
    assert client.price_notice({"kind": "Namespace", "metadata": {}}, None, alice) == ()


def test_a_pod_of_ones_own_says_its_price(alice: Identity) -> None:
    pod = {"kind": "Pod", **deployment()["spec"]["template"]}
    (notice,) = client.price_notice(pod, None, alice)
    assert notice == "price in CNY: 0/h -> 0.16/h (+0.16/h, ~120/month)"


def test_the_words_are_those_of_the_product(alice: Identity) -> None:
    before, after = (deployment(cpu="2", memory="4Gi", pods=pods) for pods in (1, 2))
    (notice,) = client.price_notice(after, before, alice)
    assert notice == "price in CNY: 0.64/h -> 1.28/h (+0.64/h, ~460/month)"


def test_what_runs_to_its_end_costs_that_while_it_runs_and_suspended_nothing(alice: Identity) -> None:
    (notice,) = client.price_notice(manifests.job(), None, alice)
    assert notice == "price in CNY while it runs: 0/h -> 0.12/h (+0.12/h, ~84/month)"
    assert client.price_notice(manifests.job(suspend=True), None, alice) == ()


def test_an_account_may_have_it_switched_off_and_on_again(alice: Identity) -> None:
    Account.objects.create(name="acme")
    assert client.price_notice(deployment(), None, alice)
    accounts.hear_prices("acme", wanted=False)
    assert client.price_notice(deployment(), None, alice) == ()
    accounts.hear_prices("acme", wanted=True)
    assert client.price_notice(deployment(), None, alice)


@pytest.mark.parametrize(
    ("amount", "short", "about"),
    [("0", "0", "0"), ("0.6408", "0.64", "0.64"), ("461.376", "461.38", "460"), ("0.00543", "0.0054", "0.0054"),
     ("23068.8", "23068.8", "23000"), ("0.999", "1", "1"), ("83.592", "83.59", "84")],
)  # fmt: skip
def test_amounts_are_short(amount: str, short: str, about: str) -> None:
    assert (money.short(Decimal(amount)), money.about(Decimal(amount))) == (short, about)


def test_a_wish_without_a_price_says_what_is_missing(alice: Identity, settings: Any) -> None:
    settings.REGION = "nowhere"
    (notice,) = client.price_notice(deployment(), None, alice)
    assert notice == "Region nowhere has no price for vcpu in general-computing: add one to its price list."


@pytest.mark.parametrize(
    ("manifest", "pods"),
    [
        (manifests.job(completions=3, parallelism=2), 2),
        (manifests.job(completions=1, parallelism=5), 1),
        (manifests.job(), 1),
        (manifests.cronjob(job_spec={"parallelism": 4}), 4),
    ],
)
def test_a_job_costs_what_runs_side_by_side(manifest: dict[str, Any], pods: int) -> None:
    asked = offers.wish(manifest)
    assert asked is not None
    assert asked.pods == pods


def test_an_owner_that_somebody_wrote_hides_no_price(alice: Identity) -> None:
    owner = {"apiVersion": "x/v1", "kind": "X", "name": "x", "uid": "x", "controller": True}
    manifest = deployment()
    manifest["metadata"] = {**manifest.get("metadata", {}), "ownerReferences": [owner]}

    assert client.price_notice(manifest, None, alice) == client.price_notice(deployment(), None, alice) != ()


def test_what_no_grid_holds_is_no_wish() -> None:
    assert offers.wish(deployment(cpu="65", memory="1Gi")) is None


def test_an_amount_is_kept_to_the_last_digit_and_never_as_floating_point() -> None:
    amount = Decimal("123456789.0123456789")
    Price.objects.create(region="r", item="i", currency="CNY", amount=amount, effective_from=tomorrow())
    assert Price.objects.get(region="r").amount == amount
    assert AmountField().deconstruct()[3] == {}
    assert str(Price.objects.get(region="r")).startswith("i in r: 123456789.0123456789 CNY/s from ")
