"""What stands around every page: the namespaces one can switch to, the rail's counts, and what the account burns."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings

from billing import client as billing
from billing.client import Meter
from console import amounts, sections
from console.access import Visit
from console.dear import KEPT
from console.sections import Section
from workloads.client import Client
from workloads.meta.errors import Forbidden

KINDS = sections.KINDS


@dataclass(frozen=True)
class NamespaceChoice:
    name: str
    flavor: str
    current: bool


@dataclass(frozen=True)
class RailItem:
    name: str
    title: str
    url: str
    count: int | None
    """None where nothing is counted, or the visitor may not know."""
    key: str = ""
    """What leads there behind `g`; `?` alone leads to help."""

    @property
    def counter(self) -> str:
        """Of the count's element."""
        return f"count-{self.name}"


@dataclass(frozen=True)
class RailGroup:
    title: str
    items: tuple[RailItem, ...]


@dataclass(frozen=True)
class Alarm:
    """A budget that is used up, and what it does about that. `suspended` says that something waits for it."""

    name: str
    about: str
    suspended: bool
    resuming: bool


@dataclass(frozen=True)
class Frame:
    account: str
    user: str
    namespace: str
    namespaces: tuple[NamespaceChoice, ...]
    rail: tuple[RailGroup, ...]
    burn: Meter
    """Of today; its rate is what everything costs now."""
    alarms: tuple[Alarm, ...] = ()
    arrears: billing.balances.View | None = None
    """Of a prepaid account without money."""
    unread: int = 0
    """Notifications of budgets that nobody has marked as read."""

    @property
    def counts(self) -> dict[str, int]:
        """By the section's name, what the rail counts."""
        items = [item for group in self.rail for item in group.items]
        return {item.name: item.count for item in items if item.count is not None}

    @property
    def currency(self) -> str:
        return self.burn.rate.currency

    @property
    def zero(self) -> str:
        """What costs nothing: `¥0`."""
        return amounts.money(Decimal(0), self.currency, 0)

    @property
    def log_days(self) -> int:
        """For how long the logs of pods that are gone stay under Ended pods, at most."""
        return int(settings.LOG_RETENTION_DAYS)

    @property
    def sign(self) -> str:
        """`¥`, for figures that the browser makes."""
        return self.zero.removesuffix("0")


def of(visit: Visit) -> Frame:
    """The counts are of the namespace one is in, or of the account."""
    has_budgets = billing.budgets.has_any(visit.identity)
    return Frame(
        account=visit.identity.account,
        user=visit.identity.user,
        namespace=visit.namespace,
        namespaces=tuple(_choices(visit)),
        rail=tuple(
            RailGroup(str(group.title), tuple(_item(visit, section) for section in group.sections))
            for group in sections.MAP
        ),
        burn=KEPT.get(("today", visit.identity.account), lambda: billing.today(visit.identity.account)),
        arrears=billing.balances.alarm(visit.identity.account),
        alarms=_alarms(visit) if has_budgets else (),
        unread=billing.budgets.unread(visit.identity) if has_budgets else 0,
    )


def _alarms(visit: Visit) -> tuple[Alarm, ...]:
    return tuple(
        Alarm(one.name, one.namespace, suspended=one.suspended is not None, resuming=one.resuming)
        for one in billing.budgets.alarms(visit.identity)
    )


def _item(visit: Visit, section: Section) -> RailItem:
    scope = visit.scope if section.here else None
    counted = count(visit.client, section.kind, scope) if section.kind else None
    return RailItem(
        section.name,
        str(section.title),
        section.url(visit.namespace),
        counted,
        sections.SHORTCUTS.get(section.name, ""),
    )


def count(client: Client, kind: str, scope: str | None) -> int | None:
    """Who may not list a kind still sees every page; a number is not there."""
    try:
        return client.count(kind, scope)
    except Forbidden:
        return None


def _choices(visit: Visit) -> list[NamespaceChoice]:
    try:
        found = visit.client.list("Namespace", limit=100).items
    except Forbidden:
        found = []
    return [
        NamespaceChoice(
            name=item["metadata"]["name"],
            flavor=item["metadata"].get("annotations", {}).get("namespace.kubernetes.io/flavor", ""),
            current=item["metadata"]["name"] == visit.namespace,
        )
        for item in found
    ]
