"""What a form offers to choose from in a namespace: keys of ConfigMaps and Secrets, claims. Never a value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from workloads.client import JSON, Client
from workloads.kinds import registry
from workloads.kinds.secrets import DOCKER_CONFIG, DOCKER_CONFIG_JSON
from workloads.meta.errors import StatusError

Choice = tuple[str, str]
"""What is posted, and the words for it."""
Group = tuple[str, list[Choice]]
"""A heading, and the choices below it."""
_CLAIM = "PersistentVolumeClaim"
_PULL_TYPES = (DOCKER_CONFIG_JSON, DOCKER_CONFIG)


@dataclass(frozen=True)
class Bag:
    """A ConfigMap or Secret, as the first part of `console.forms.environment`'s words."""

    word: str
    title: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Picks:
    namespace: str
    bags: tuple[Bag, ...] = ()
    claims: tuple[str, ...] = ()
    pull_secrets: tuple[str, ...] = ()

    @classmethod
    def of(cls, client: Client, namespace: str) -> Picks:
        """Nothing where the namespace is gone, or may not be looked into: the form says so when it is sent."""
        config_maps, secrets = _listed(client, "ConfigMap", namespace), _listed(client, "Secret", namespace)
        served = _CLAIM in registry.kinds()
        return cls(
            namespace,
            bags=(
                *(_bag("configMap", "ConfigMap", one) for one in config_maps),
                *(_bag("secret", "Secret", one) for one in secrets if one.get("type") not in _PULL_TYPES),
            ),
            claims=tuple(_name(one) for one in (_listed(client, _CLAIM, namespace) if served else [])),
            pull_secrets=tuple(_name(one) for one in secrets if one.get("type") in _PULL_TYPES),
        )

    def keys(self) -> list[Group]:
        """`configMap/settings/COLOUR`: for one variable."""
        return [
            (bag.title, [(f"{bag.word}/{key}", f"{key} · {bag.title}") for key in bag.keys])
            for bag in self.bags
            if bag.keys
        ]

    def whole(self) -> list[Group]:
        """`secret/database`: all keys at once."""
        kinds = (("configMap/", _("ConfigMaps")), ("secret/", _("Secrets")))
        found = (
            (title, [(bag.word, bag.title) for bag in self.bags if bag.word.startswith(word)]) for word, title in kinds
        )
        return [(title, choices) for title, choices in found if choices]

    def claimed(self) -> list[Group]:
        choices = [(f"claim/{name}", _("claim %(name)s") % {"name": name}) for name in self.claims]
        return [(_("Persistent volumes"), choices)] if choices else []

    def with_chosen(self, groups: list[Group], chosen: str) -> list[Group]:
        """What is chosen stays chosen when it is not there (yet, or any more), and says so."""
        if "/" not in chosen or any(chosen == value for _title, choices in groups for value, _words in choices):
            return groups
        title = _("Not in %(namespace)s") % {"namespace": self.namespace}
        return [*groups, (title, [(chosen, _("%(what)s (not there)") % {"what": chosen.partition("/")[2]})])]

    def pull_choices(self, chosen: Iterable[str]) -> list[tuple[str, bool]]:
        """Every Secret for a registry, with whether it is chosen; also those that went meanwhile."""
        wanted = list(chosen)
        return [(name, name in wanted) for name in dict.fromkeys([*self.pull_secrets, *wanted])]


def _bag(word: str, kind: str, obj: JSON) -> Bag:
    keys = sorted({*(obj.get("data") or {}), *(obj.get("binaryData") or {})})
    return Bag(f"{word}/{_name(obj)}", f"{kind} {_name(obj)}", tuple(keys))


def _listed(client: Client, kind: str, namespace: str) -> list[JSON]:
    try:
        return client.list(kind, namespace).items if namespace else []
    except StatusError:
        return []


def _name(obj: JSON) -> str:
    name: str = obj["metadata"]["name"]
    return name
