"""The price list as people look at it and as the operator changes it: history, what is in force, what a change would
do, and the changes themselves, each with its entry in the operator's audit trail.

Everybody may look: they pay these prices. Only `iam.operators` may change, or be told what it would do to accounts.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from typing import Literal

from django.conf import settings
from django.db import transaction
from django.db.models import Count

from billing import instants, marks, offers, pricecsv, prices, rating
from billing.models import MeteredPod, Price
from billing.money import plain
from billing.pricecsv import Trouble
from billing.prices import Draft, PriceRefused
from billing.rating import MEMORY, VCPU, NoPrice, PriceList, Rate, Size
from iam import audit, operators
from iam.audit import Target
from iam.errors import Missing, NotOperator
from iam.identities import Identity
from workloads.client import pod_specifications
from workloads.kinds.grids import FLAVORS, Specification

CREATE, DELETE, PREVIEW = "cci:price:create", "cci:price:delete", "cci:price:get"
State = Literal["past", "in force", "coming"]
_SIZE = ("flavor", "cpu_millis", "memory_mib", "gpu_model", "gpu_count")


@dataclass(frozen=True)
class PriceEntry:
    """One price with its place in time: in force in [effective_from, until); `until` is None while none follows."""

    id: int
    region: str
    item: str
    flavor: str
    currency: str
    amount: Decimal
    effective_from: datetime
    until: datetime | None
    state: State

    @property
    def place(self) -> tuple[int, str, str, str]:
        """Where it stands in `price_history`."""
        return prices.rank(self.item), self.item, self.flavor, self.effective_from.isoformat()


@dataclass(frozen=True)
class Force:
    """What a flavor pays for each item now, and what it will pay next."""

    flavor: str
    prices: tuple[tuple[str, PriceEntry, PriceEntry | None], ...]
    """Item, the price in force, the next one to come."""


@dataclass(frozen=True)
class Shift:
    """A price before and after; None where there is none."""

    before: Rate | None
    after: Rate | None

    @property
    def change(self) -> Rate | None:
        """What it comes to more a second; below 0 when it gets cheaper."""
        if self.before is None or self.after is None or self.before.currency != self.after.currency:
            return None
        return Rate(self.after.currency, self.after.per_second - self.before.per_second)


@dataclass(frozen=True)
class AccountEffect:
    account: str
    pods: int
    shift: Shift


@dataclass(frozen=True)
class SizeEffect:
    flavor: str
    specification: Specification
    shift: Shift


@dataclass(frozen=True)
class Effect:
    """What the pods that run now in a region cost an hour now, and would cost at `at` with the new prices; the same of
    common specifications. `sizes` holds those whose price changes."""

    region: str
    at: datetime
    pods: int
    shift: Shift
    accounts: tuple[AccountEffect, ...]
    sizes: tuple[SizeEffect, ...]


@dataclass(frozen=True)
class PriceImport:
    """What reading a CSV came to. With `troubles` nothing is taken."""

    added: tuple[Draft, ...] = ()
    replaced: tuple[Draft, ...] = ()
    """These take the place of a coming price with the same item, flavor and beginning."""
    unchanged: int = 0
    troubles: tuple[Trouble, ...] = ()
    effects: tuple[Effect, ...] = field(default=())

    @property
    def changes(self) -> tuple[Draft, ...]:
        return (*self.added, *self.replaced)


class ImportRefused(ValueError):
    """A price list has lines that cannot be taken: none of it was."""

    def __init__(self, troubles: Sequence[Trouble]) -> None:
        super().__init__("; ".join(map(str, troubles)))
        self.troubles = tuple(troubles)


def price_history(
    region: str, *, item: str = "", flavor: str | None = None, at: datetime | None = None
) -> list[PriceEntry]:
    """All prices of a region in the order of their items, flavors and beginnings. With `at` those alone that were, are
    or will be in force then."""
    now = datetime.now(UTC)
    found = list[PriceEntry]()
    for _, group in groupby(prices.rows(region), key=lambda row: (row.item, row.flavor)):
        following = list(group)
        ends = [row.effective_from for row in following[1:]]
        found += [_entry(row, until, now) for row, until in zip(following, [*ends, None], strict=True)]
    return [
        one
        for one in found
        if item in ("", one.item)
        and flavor in (None, one.flavor)
        and (at is None or (one.effective_from <= at and (one.until is None or at < one.until)))
    ]


def price_entry(number: int) -> PriceEntry:
    """Raises Missing."""
    found = Price.objects.filter(pk=number).first()
    if found is None:
        raise Missing("price", str(number))
    return next(one for one in price_history(found.region) if one.id == number)


def prices_in_force(region: str) -> list[Force]:
    """What each flavor pays now, by item; flavors without any price are left out."""
    entries = price_history(region)
    return [made for flavor in FLAVORS if (made := _force(flavor, entries, datetime.now(UTC))).prices]


def priced_items(region: str) -> list[str]:
    """What may have a price there: cores, memory, the cards of the grid and those that have one."""
    cards = {row.gpu for row in pod_specifications().rows if row.gpu} | {row.item for row in prices.rows(region)}
    return [VCPU, MEMORY, *sorted(cards - {VCPU, MEMORY})]


def admit_to_prices(by: Identity, action: str) -> None:
    """For doors that tell first who may not. What is denied is in the audit trail of who asked. Raises NotOperator."""
    try:
        operators.admit(by, action)
    except NotOperator as refusal:
        audit.record(by, action, Target("Price"), outcome="denied", message=refusal.message)
        refusal.is_recorded = True
        raise


def add_price(by: Identity, draft: Draft) -> PriceEntry:
    """Raises NotOperator, PriceRefused."""
    admit_to_prices(by, CREATE)
    with transaction.atomic():
        made = prices.add(draft)
        _note(by, CREATE, draft, changes=audit.difference({}, _told(draft)))
    return price_entry(made.pk)


def withdraw_price(by: Identity, number: int) -> Draft:
    """Takes a coming price back. Raises NotOperator, Missing, PriceRefused when it has begun."""
    admit_to_prices(by, DELETE)
    with transaction.atomic():
        gone = prices.withdraw(number)
        if gone is None:
            raise Missing("price", str(number))
        _note(by, DELETE, gone, changes=audit.difference(_told(gone), {}))
    return gone


def preview_price(by: Identity, draft: Draft) -> Effect:
    """What a price would do. Raises NotOperator, PriceRefused."""
    admit_to_prices(by, PREVIEW)
    if found := prices.problems(draft, now=datetime.now(UTC)):
        raise PriceRefused(found)
    return _effect(draft.region, [draft])


def preview_import(by: Identity, text: str) -> PriceImport:
    """What a CSV would do; nothing is changed. Raises NotOperator."""
    admit_to_prices(by, PREVIEW)
    read = _judged(text)
    regions = dict.fromkeys(draft.region for draft in read.changes)
    effects = [_effect(region, [one for one in read.changes if one.region == region]) for region in regions]
    return read if read.troubles else PriceImport(read.added, read.replaced, read.unchanged, effects=tuple(effects))


def import_prices(by: Identity, text: str) -> PriceImport:
    """Takes a CSV, all of it or nothing. What the list has already stays as it is; prices that the CSV does not name
    stay, too. Raises NotOperator, ImportRefused."""
    admit_to_prices(by, CREATE)
    with transaction.atomic():
        read = _judged(text)
        if read.troubles:
            raise ImportRefused(read.troubles)
        for draft in read.replaced:
            Price.objects.filter(**_where(draft)).delete()
        Price.objects.bulk_create(Price(**asdict(draft)) for draft in read.changes)
        if read.changes:
            said = f"{len(read.added)} added, {len(read.replaced)} replaced, {read.unchanged} unchanged"
            changes = [{"path": _name(one), "after": f"{plain(one.amount)} {one.currency}"} for one in read.changes]
            audit.record(by, CREATE, Target("Price", "import"), message=said, changes=changes)
    return read


def export_prices(region: str = "") -> str:
    """The list of one region, or of all, as CSV with its history."""
    regions = [region] if region else prices.regions()
    return pricecsv.to_csv(prices.draft_of(row) for one in regions for row in prices.rows(one))


def host() -> Identity:
    """Who works on the host itself, by a command."""
    return Identity(settings.OPERATOR_ACCOUNT, "manage.py", actions=("cci:*:*", "iam:*:*"))


def _entry(row: Price, until: datetime | None, now: datetime) -> PriceEntry:
    state: State = "coming" if row.effective_from > now else "past" if until and until <= now else "in force"
    begins = row.effective_from
    return PriceEntry(row.pk, row.region, row.item, row.flavor, row.currency, row.amount, begins, until, state)


def _force(flavor: str, entries: Sequence[PriceEntry], now: datetime) -> Force:
    """By the rule of `rating.PriceList.in_force`: a flavor's own price before the one of every flavor. Cards are told
    where the grid has them."""
    found, cards = [], {row.gpu for row in pod_specifications().of(flavor)}
    for item in dict.fromkeys(one.item for one in entries if one.item in (VCPU, MEMORY) or one.item in cards):
        own = [one for one in entries if one.item == item and one.flavor == flavor]
        general = [one for one in entries if one.item == item and not one.flavor]
        begun = [one for one in (*general, *own) if one.effective_from <= now]
        held = max(begun, key=lambda one: (one.flavor != "", one.effective_from), default=None)
        if held is None:
            continue
        shadowed = general if not held.flavor else []
        coming = [one for one in (*own, *shadowed) if one.effective_from > now]
        found.append((item, held, min(coming, key=lambda one: one.effective_from, default=None)))
    return Force(flavor, tuple(found))


def _judged(text: str) -> PriceImport:
    """Every line against the rules, against the list, and against the other lines."""
    lines, troubles = pricecsv.of_csv(text)
    now, seen = datetime.now(UTC), dict[prices.Key, int]()
    standing = {draft.key: draft for region in {one.draft.region for one in lines} for draft in _standing(region)}
    currencies = dict[str, str]()
    added, replaced, unchanged = list[Draft](), list[Draft](), 0
    for line in lines:
        draft, before = line.draft, standing.get(line.draft.key)
        if draft.key in seen:
            troubles.append(Trouble(line.number, "", f"This is the price of line {seen[draft.key]}: leave one out."))
            continue
        seen[draft.key] = line.number
        if before == draft:
            unchanged += 1
            continue
        found = _line_problems(draft, before, now)
        if (first := currencies.setdefault(draft.region, draft.currency)) != draft.currency and not found:
            found["currency"] = f"Other lines price region {draft.region} in {first}: a region has one currency."
        troubles += [Trouble(line.number, name, said) for name, said in found.items()]
        (added if before is None else replaced).append(draft)
    troubles.sort(key=lambda one: one.line)
    return PriceImport(tuple(added), tuple(replaced), unchanged, tuple(troubles))


def _line_problems(draft: Draft, before: Draft | None, now: datetime) -> dict[str, str]:
    if before is not None and before.effective_from <= now:
        said = f"This price has begun at {plain(before.amount)} {before.currency} and stays: add one that follows it."
        return {"amount": said}
    return prices.problems(draft, now=now, alone=False)


def _standing(region: str) -> Iterable[Draft]:
    return map(prices.draft_of, prices.rows(region))


def _effect(region: str, drafts: Sequence[Draft]) -> Effect:
    """Of running pods by account and size: as many rows as there are sizes, however many pods."""
    at = max(datetime.now(UTC), *(draft.effective_from for draft in drafts))
    before, now = prices.current(region), instants.now()
    after, then = before.with_((one.priced() for one in drafts), drafts[0].currency), instants.of(at)
    running = MeteredPod.objects.filter(region=region, finished__isnull=True)
    sums = defaultdict[str, list[tuple[int, Shift]]](list)
    for row in running.values("account", *_SIZE).annotate(pods=Count("uid")).order_by("account"):
        size, pods = Size(**{name: row[name] for name in _SIZE}), row["pods"]
        was = rating.rate_or_nothing(before, size, now).times(pods)
        sums[row["account"]].append((pods, Shift(was, rating.rate_or_nothing(after, size, then).times(pods))))
    accounts = [_account(name, parts, before.currency, after.currency) for name, parts in sums.items()]
    whole = _account("", [(one.pods, one.shift) for one in accounts], before.currency, after.currency)
    return Effect(
        region=region,
        at=at,
        pods=whole.pods,
        shift=whole.shift,
        accounts=tuple(sorted(accounts, key=lambda one: (-abs(_change(one.shift)), one.account))),
        sizes=tuple(one for one in _sizes(before, after, now, then) if _change(one.shift)),
    )


def _account(name: str, parts: Sequence[tuple[int, Shift]], before: str, after: str) -> AccountEffect:
    was = sum((shift.before.per_second for _, shift in parts if shift.before), Decimal(0))
    becomes = sum((shift.after.per_second for _, shift in parts if shift.after), Decimal(0))
    return AccountEffect(name, sum(pods for pods, _ in parts), Shift(Rate(before, was), Rate(after, becomes)))


def _change(shift: Shift) -> Decimal:
    """How far a price moves; where one begins, all of it."""
    if shift.change is not None:
        return shift.change.per_second
    return shift.after.per_second if shift.after else Decimal(0)


def _sizes(before: PriceList, after: PriceList, now: int, then: int) -> Iterable[SizeEffect]:
    grid = pod_specifications()
    for flavor in FLAVORS:
        for one in offers.common_sizes(flavor, grid):
            size = marks.sized(one)
            yield SizeEffect(flavor, one, Shift(_known(before, size, now), _known(after, size, then)))


def _known(listed: PriceList, size: Size, at: int) -> Rate | None:
    with contextlib.suppress(NoPrice):
        return listed.rate(size, at)
    return None


def _note(by: Identity, action: str, draft: Draft, *, changes: Sequence[audit.JSON]) -> None:
    audit.record(by, action, Target("Price", _name(draft)), changes=changes)


def _name(draft: Draft) -> str:
    """`cn-north-4 vcpu from 2027-01-01T00:00:00+00:00`."""
    flavor = f" in {draft.flavor}" if draft.flavor else ""
    return f"{draft.region} {draft.item}{flavor} from {draft.effective_from.isoformat()}"


def _told(draft: Draft) -> audit.JSON:
    return {**asdict(draft), "amount": plain(draft.amount), "effective_from": draft.effective_from.isoformat()}


def _where(draft: Draft) -> dict[str, object]:
    region, item, flavor, begins = draft.key
    return {"region": region, "item": item, "flavor": flavor, "effective_from": begins}
