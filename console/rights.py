"""What may somebody do in a namespace? Asked of the same function that admits a call, kind by kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from iam.identities import Identity
from iam.policies import VERBS
from workloads.client import Client
from workloads.kinds import registry
from workloads.kinds.base import Kind

_PARTS = {"log": ("get",), "exec": ("create",), "attach": ("create",), "portforward": ("create",)}
"""Of pods, what has a right of its own, with the verbs there are."""
_FIRST = ("Pod", "Deployment", "Job", "CronJob", "Service", "Ingress", "ConfigMap", "Secret", "PersistentVolumeClaim")
_SHOWN = 6


@dataclass(frozen=True)
class Answer:
    """Of one verb. `missing` is `policy` or `role`; "" when it is allowed."""

    asked: bool
    """Whether there is such a verb."""
    missing: str = ""

    @property
    def word(self) -> str:
        return {"policy": _("no policy"), "role": _("no role")}.get(self.missing, _("yes"))

    @property
    def tone(self) -> str:
        return "bad" if self.missing else "ok"

    @property
    def shape(self) -> str:
        return "diamond" if self.missing else "dot"


@dataclass(frozen=True)
class RightsRow:
    """Kinds that are treated alike, as `kubectl` names them."""

    nouns: tuple[str, ...]
    cells: tuple[Answer, ...]
    """In the order of `policies.VERBS`."""
    title: str = ""

    @property
    def shown(self) -> str:
        return ", ".join(self.nouns[:_SHOWN])

    @property
    def more(self) -> str:
        return ", ".join(self.nouns[_SHOWN:])


def table(who: Identity, namespace: str) -> list[RightsRow]:
    """The largest group stands first."""
    alike: dict[tuple[Answer, ...], list[str]] = {}
    for kind, part in _places():
        cells = tuple(_answer(who, kind, part, verb, namespace) for verb in VERBS)
        alike.setdefault(cells, []).append(f"{kind.plural}/{part}" if part else kind.plural)
    groups = sorted(alike.items(), key=lambda group: -len(group[1]))
    return [RightsRow(tuple(nouns), cells) for cells, nouns in groups]


def _places() -> Iterator[tuple[Kind, str]]:
    for kind in sorted(registry.kinds().values(), key=_rank):
        if kind.namespaced:
            yield kind, ""
        if kind.name == "Pod":
            yield from ((kind, part) for part in _PARTS)


def _rank(kind: Kind) -> tuple[int, str]:
    """What most people work with comes first."""
    return _FIRST.index(kind.name) if kind.name in _FIRST else len(_FIRST), kind.plural


def _answer(who: Identity, kind: Kind, part: str, verb: str, namespace: str) -> Answer:
    if verb not in (_PARTS[part] if part else kind.verbs):
        return Answer(asked=False)
    refusal = Client(who).refusal(verb, kind.name, namespace, part=part)
    if refusal is None:
        return Answer(asked=True)
    has_policy = who.is_service_account or who.may(refusal.action, namespace)
    return Answer(asked=True, missing="role" if has_policy else "policy")
