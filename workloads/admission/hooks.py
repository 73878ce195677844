"""Where the houses above join admission without being imported: billing registers here from its `AppConfig.ready`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from iam.identities import Identity
from workloads.kinds.base import Kind
from workloads.kinds.grids import Specification
from workloads.meta.keys import Key
from workloads.store.objects import Guard

JSON = dict[str, Any]
Price = Callable[[str, Specification], str]
"""(flavor, specification) -> the price as people read it, `0.000089 CNY/s`; "" when it has none."""
OnAdmit = Callable[[JSON, JSON | None, Identity], Iterable[str]]
"""(new, old, identity) -> warnings. Runs on every admitted create and change of spec; may refuse with a StatusError."""
Guards = Callable[[Kind, Key, JSON, JSON | None, Identity], tuple[Guard, ...]]
"""(kind, key, new, old, identity) -> what is asked inside the write's transaction; may refuse at once, too."""
CostCells = Callable[[str, str, Sequence[Mapping[str, Any]]], Sequence[tuple[str, str, str]]]
"""(account, kind, objects) -> SPEC, COST/H and COST of each, asked for all rows of a list together."""

_prices: list[Price] = []
_cost_cells: list[CostCells] = []
_on_admit: list[OnAdmit] = []
_guards: list[Guards] = []


def register_price(price: Price) -> Price:
    """The newest registered price answers."""
    _prices.append(price)
    return price


def register_on_admit(hook: OnAdmit) -> OnAdmit:
    _on_admit.append(hook)
    return hook


def register_guards(hook: Guards) -> Guards:
    _guards.append(hook)
    return hook


def register_cost_cells(cells: CostCells) -> CostCells:
    """The newest registered answers."""
    _cost_cells.append(cells)
    return cells


def unregister(hook: Price | OnAdmit | CostCells | Guards) -> None:
    """For tests, which must leave the world as they found it."""
    _cost_cells[:] = [known for known in _cost_cells if known is not hook]
    _prices[:] = [known for known in _prices if known is not hook]
    _on_admit[:] = [known for known in _on_admit if known is not hook]
    _guards[:] = [known for known in _guards if known is not hook]


def price(flavor: str, specification: Specification) -> str:
    """ "" while nobody knows prices."""
    return _prices[-1](flavor, specification) if _prices else ""


def cost_cells(account: str, kind: str, objs: Sequence[Mapping[str, Any]]) -> Sequence[tuple[str, str, str]]:
    """ "--" while nobody knows costs."""
    return _cost_cells[-1](account, kind, objs) if _cost_cells else [("--", "--", "--")] * len(objs)


def on_admit(new: JSON, old: JSON | None, identity: Identity) -> tuple[str, ...]:
    return tuple(warning for hook in _on_admit for warning in hook(new, old, identity))


def guards(kind: Kind, key: Key, new: JSON, old: JSON | None, identity: Identity) -> tuple[Guard, ...]:
    return tuple(guard for hook in _guards for guard in hook(kind, key, new, old, identity))
