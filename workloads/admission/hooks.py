"""Where the houses above join admission without being imported: billing registers here from its `AppConfig.ready`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from iam.identities import Identity
from workloads.kinds.grids import Specification

JSON = dict[str, Any]
Price = Callable[[str, Specification], str]
"""(flavor, specification) -> the price as people read it, `0.000089 CNY/s`; "" when it has none."""
OnAdmit = Callable[[JSON, JSON | None, Identity], Iterable[str]]
"""(new, old, identity) -> warnings. Runs on every admitted create and change of spec; may refuse with a StatusError."""

_prices: list[Price] = []
_on_admit: list[OnAdmit] = []


def register_price(price: Price) -> Price:
    """The newest registered price answers."""
    _prices.append(price)
    return price


def register_on_admit(hook: OnAdmit) -> OnAdmit:
    _on_admit.append(hook)
    return hook


def unregister(hook: Price | OnAdmit) -> None:
    """For tests, which must leave the world as they found it."""
    _prices[:] = [known for known in _prices if known is not hook]
    _on_admit[:] = [known for known in _on_admit if known is not hook]


def price(flavor: str, specification: Specification) -> str:
    """ "" while nobody knows prices."""
    return _prices[-1](flavor, specification) if _prices else ""


def on_admit(new: JSON, old: JSON | None, identity: Identity) -> tuple[str, ...]:
    return tuple(warning for hook in _on_admit for warning in hook(new, old, identity))
