"""The operator's price list: history, changes and what they would do, CSV, and who may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from billing import prices, sizes, tariffs
from billing.models import MeteredPod, Price
from billing.prices import Draft, PriceRefused
from billing.rating import Size
from billing.tariffs import ImportRefused
from iam.errors import Missing, NotOperator
from iam.identities import Identity
from iam.models import AuditEntry

pytestmark = pytest.mark.django_db

REGION, T4 = "cn-north-4", "nvidia.com/gpu-tesla-t4"
OPERATOR = Identity("demo", "olga", actions=("cci:*:*", "iam:*:*"))
ALICE = Identity("acme", "alice", actions=("cci:*:*", "iam:*:*"))
HEAD = "region,item,flavor,currency,amount,effective_from\n"
SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)


def draft(amount: str = "0.0001", item: str = "vcpu", **rest: Any) -> Draft:
    known = {"region": REGION, "flavor": "", "currency": "CNY", "effective_from": SOON}
    return Draft(**{**known, **rest}, item=item, amount=Decimal(amount))


def line(amount: str = "0.0001", item: str = "vcpu", region: str = REGION, begins: datetime | str = SOON) -> str:
    moment = begins if isinstance(begins, str) else begins.isoformat()
    return f"{region},{item},,CNY,{amount},{moment}\n"


def running(account: str, *, cpu_millis: int = 1000, memory_mib: int = 2048) -> None:
    uid = f"{account}-{MeteredPod.objects.count()}"
    size = Size("general-computing", cpu_millis, memory_mib)
    sizes.remember([(REGION, size)])
    MeteredPod.objects.create(
        uid=uid, account=account, namespace="shop", pod=uid, region=REGION, priced_size=sizes.number(REGION, size),
        flavor=size.flavor, cpu_millis=cpu_millis, memory_mib=memory_mib, started=0, settled_until=0, currency="CNY",
        rate_at_start=0, revision=1,
    )  # fmt: skip


def entries() -> list[tuple[str, str]]:
    return list(AuditEntry.objects.order_by("id").values_list("action", "outcome"))


def test_history_says_what_was_is_and_will_be() -> None:
    tariffs.add_price(OPERATOR, draft())
    first, second = (one for one in tariffs.price_history(REGION) if one.item == "vcpu")
    assert (first.state, first.until, first.amount) == ("in force", SOON, Decimal("0.000049"))
    assert (second.state, second.until) == ("coming", None)
    assert [one.amount for one in tariffs.price_history(REGION, item="vcpu", at=SOON)] == [Decimal("0.0001")]
    assert [one.item for one in tariffs.price_history(REGION)] == ["vcpu", "vcpu", "memory"]


def test_a_flavors_own_price_is_in_force_before_that_of_every_flavor() -> None:
    tariffs.add_price(OPERATOR, draft("0.0002", flavor="gpu-accelerated"))
    tariffs.add_price(OPERATOR, draft("0.0003"))
    general, accelerated = tariffs.prices_in_force(REGION)
    held, coming = general.prices[0][1:]
    assert (held.amount, coming and coming.amount) == (Decimal("0.000049"), Decimal("0.0003"))
    assert accelerated.prices[0][2] is not None and accelerated.prices[0][2].flavor in ("", "gpu-accelerated")


def test_only_the_operator_changes_prices_and_who_else_tries_is_in_the_trail() -> None:
    for attempt in (
        lambda: tariffs.add_price(ALICE, draft()),
        lambda: tariffs.withdraw_price(ALICE, 1),
        lambda: tariffs.preview_price(ALICE, draft()),
        lambda: tariffs.import_prices(ALICE, HEAD),
        lambda: tariffs.preview_import(ALICE, HEAD),
    ):
        with pytest.raises(NotOperator, match="require cci:price"):
            attempt()
    assert Price.objects.count() == 2
    assert {(entry.account, entry.outcome) for entry in AuditEntry.objects.all()} == {("acme", "denied")}


def test_every_change_is_in_the_operators_trail() -> None:
    made = tariffs.add_price(OPERATOR, draft())
    tariffs.withdraw_price(OPERATOR, made.id)
    tariffs.import_prices(OPERATOR, HEAD + line())
    assert entries() == [("cci:price:create", "done"), ("cci:price:delete", "done"), ("cci:price:create", "done")]
    assert all(entry.account == "demo" and "0.0001" in str(entry.changes) for entry in AuditEntry.objects.all())


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"item": "cpu"}, "item"),
        ({"flavor": "none"}, "flavor"),
        ({"currency": "USD"}, "currency"),
        ({"currency": "yuan"}, "currency"),
        ({"region": "a b"}, "region"),
        ({"amount": "-1"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"amount": "1E+30"}, "amount"),
        ({"amount": "0.00000000001"}, "amount"),
        ({"effective_from": datetime(2026, 1, 1, tzinfo=UTC)}, "effective_from"),
    ],
)
def test_a_price_out_of_rule_is_refused_at_its_field(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(PriceRefused) as refused:
        tariffs.add_price(OPERATOR, draft(**wrong))
    assert list(refused.value.fields) == [field]


def test_two_prices_cannot_begin_at_once() -> None:
    tariffs.add_price(OPERATOR, draft())
    with pytest.raises(PriceRefused, match="begins at this time already"):
        tariffs.add_price(OPERATOR, draft("0.0002"))


def test_what_has_begun_stays_and_what_is_gone_is_missing() -> None:
    begun = Price.objects.get(item="vcpu")
    with pytest.raises(PriceRefused, match="has begun"):
        tariffs.withdraw_price(OPERATOR, begun.pk)
    made = tariffs.add_price(OPERATOR, draft())
    tariffs.withdraw_price(OPERATOR, made.id)
    with pytest.raises(Missing):
        tariffs.withdraw_price(OPERATOR, made.id)


def test_another_region_may_begin_with_its_history_unless_something_was_billed_there() -> None:
    past = datetime(2020, 1, 1, tzinfo=UTC)
    tariffs.add_price(OPERATOR, draft(region="eu-1", currency="EUR", effective_from=past))
    assert prices.regions() == [REGION, "eu-1"]
    with pytest.raises(PriceRefused, match="in the past"):
        tariffs.add_price(OPERATOR, draft(item="memory", region="eu-1", currency="EUR", effective_from=past))


def test_a_preview_says_what_running_pods_will_cost_by_account_and_changes_nothing() -> None:
    for account in ("acme", "acme", "other"):
        running(account)
    effect = tariffs.preview_price(OPERATOR, draft("0.000149"))
    assert (effect.pods, effect.at) == (3, SOON)
    assert effect.shift.before and effect.shift.before.per_second == 3 * Decimal("0.000089")
    assert effect.shift.change and effect.shift.change.per_second == 3 * Decimal("0.0001")
    assert [(one.account, one.pods) for one in effect.accounts] == [("acme", 2), ("other", 1)]
    assert Price.objects.count() == 2


def test_a_preview_shows_the_common_specifications_that_change() -> None:
    effect = tariffs.preview_price(OPERATOR, draft("0.0001"))
    first = effect.sizes[0]
    assert str(first.specification) == "0.25 cores, 1 GiB"
    assert first.shift.before and first.shift.after
    assert first.shift.after.per_second - first.shift.before.per_second == Decimal("0.000051") / 4
    assert tariffs.preview_price(OPERATOR, draft("0.002", item=T4)).sizes[0].shift.before is None


def test_an_export_that_is_imported_again_changes_nothing() -> None:
    tariffs.add_price(OPERATOR, draft())
    tariffs.add_price(OPERATOR, draft(region="eu-1", currency="EUR", item=T4, flavor="gpu-accelerated"))
    text, before = tariffs.export_prices(), list(Price.objects.order_by("pk").values())
    read = tariffs.import_prices(OPERATOR, text)
    assert (read.added, read.replaced, read.unchanged) == ((), (), 4)
    assert list(Price.objects.order_by("pk").values()) == before


def test_an_export_makes_the_same_list_elsewhere() -> None:
    begins = ("2020-01-01T00:00:00Z", "2021-01-01T08:00:00+08:00")
    text = HEAD + "".join(line(region="eu-1", begins=moment) for moment in begins)
    tariffs.import_prices(OPERATOR, text)
    exported = tariffs.export_prices("eu-1")
    Price.objects.filter(region="eu-1").delete()
    tariffs.import_prices(OPERATOR, exported)
    assert tariffs.export_prices("eu-1") == exported
    assert "2021-01-01T00:00:00Z" in exported


def test_an_import_adds_what_is_new_and_replaces_what_has_not_begun() -> None:
    tariffs.add_price(OPERATOR, draft("0.0001"))
    read = tariffs.import_prices(OPERATOR, HEAD + line("0.0002") + line("0.00003", item="memory"))
    assert ([one.item for one in read.added], [one.item for one in read.replaced]) == (["memory"], ["vcpu"])
    coming = [one.amount for one in tariffs.price_history(REGION) if one.state == "coming"]
    assert coming == [Decimal("0.0002"), Decimal("0.00003")]


@pytest.mark.parametrize(
    ("text", "troubles"),
    [
        ("", [(1, "")]),
        ("region,item\n", [(1, "")]),
        (HEAD + line(item="memory") + line(amount="x") + line(item="cpu"), [(3, "amount"), (4, "item")]),
        (HEAD + line(begins="tomorrow"), [(2, "effective_from")]),
        (HEAD + line(begins="2027-01-01T00:00:00"), [(2, "effective_from")]),
        (HEAD + line() + line(), [(3, "")]),
        (HEAD + line(begins="1970-01-01T00:00:00Z"), [(2, "amount")]),
        (HEAD + line(begins="2020-01-01T00:00:00Z"), [(2, "effective_from")]),
        (HEAD + line(region="eu-1") + line(region="eu-1", item="memory").replace("CNY", "EUR"), [(3, "currency")]),
        (HEAD + line().strip() + ",more\n", [(2, "")]),
        (HEAD + '"open\n', [(2, "")]),
        (HEAD + "cn-north-4\n", [(2, "amount"), (2, "effective_from")]),
    ],
)
def test_an_import_is_refused_line_by_line_and_as_a_whole(text: str, troubles: list[tuple[int, str]]) -> None:
    with pytest.raises(ImportRefused) as refused:
        tariffs.import_prices(
            OPERATOR,
            text
            + (line("0.5", item=T4) if text.endswith("\n") and text != "region,item\n" and "open" not in text else ""),
        )
    assert [(one.line, one.field) for one in refused.value.troubles] == troubles
    assert Price.objects.count() == 2


def test_a_list_that_is_too_long_is_refused() -> None:
    for text in (HEAD + line() * 5001, HEAD + "x" * (1024 * 1024)):
        with pytest.raises(ImportRefused, match="in parts"):
            tariffs.import_prices(OPERATOR, text)


def test_the_host_exports_and_imports(tmp_path: Any) -> None:
    file = tmp_path / "prices.csv"
    call_command("prices", "export", str(file))
    file.write_text(file.read_text() + line())
    out = StringIO()
    call_command("prices", "import", str(file), "--dry-run", stdout=out)
    call_command("prices", "import", str(file), stdout=out)
    assert out.getvalue().splitlines() == [
        "Would be: 1 added, 0 replaced, 2 unchanged.",
        "1 added, 0 replaced, 2 unchanged.",
    ]
    file.write_text(HEAD + line(item="cpu"))
    with pytest.raises(CommandError, match="line 2: item: 'cpu' is no item"):
        call_command("prices", "import", str(file))


def test_a_price_set_on_the_host_is_in_the_operators_trail() -> None:
    call_command("set_price", "vcpu", "0.0001", stdout=StringIO())
    entry = AuditEntry.objects.get()
    assert (entry.account, entry.user, entry.door, entry.action) == ("demo", "manage.py", "host", "cci:price:create")
