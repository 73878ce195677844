"""From where CCI gets an image that the cluster calls otherwise: rules that replace the beginning of its name. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from burst.names import IMAGES_ANNOTATION
from burst.refusals import Refused


class Rule(NamedTuple):
    """`prefix` ends where a part of the name ends: `registry.local/app` is not `registry.local/apple`."""

    prefix: str
    replacement: str


def parse_rule(text: str) -> Rule:
    """`registry.local/app=registry.example.com/app`, as on the command line. Raises ValueError."""
    prefix, equals, replacement = text.partition("=")
    if not equals or not replacement:
        raise ValueError(
            f'"{text}" is no rule for images: write PREFIX=REPLACEMENT, such as registry.local=swr.example.com/team'
        )
    return Rule(prefix.rstrip("/"), replacement.rstrip("/"))


def rules_of(annotations: dict[str, str]) -> tuple[Rule, ...]:
    """A pod's own rules. Raises Refused when the annotation cannot be read."""
    text = annotations.get(IMAGES_ANNOTATION)
    if not text:
        return ()
    try:
        listed = json.loads(text)
        return tuple(Rule(_address(one["repositoryPrefix"]), _address(one["replaceWith"])) for one in listed)
    except (ValueError, TypeError, KeyError):
        form = '[{"repositoryPrefix": "...", "replaceWith": "..."}]'
        sentence = f"the annotation {IMAGES_ANNOTATION} must be a JSON list such as {form}"
        raise Refused("BurstImageRuleInvalid", sentence) from None


def replaced(image: str, rules: Iterable[Rule]) -> str:
    """`image` by the rule with the longest prefix that it begins with; without one it stays as it is. The empty prefix
    is that of images that name no registry."""
    for rule in sorted(rules, key=lambda rule: len(rule.prefix), reverse=True):
        if rule.prefix and _begins(image, rule.prefix):
            return rule.replacement + image[len(rule.prefix) :]
        if not rule.prefix and not _names_registry(image):
            return f"{rule.replacement}/{image}"
    return image


def _address(text: Any) -> str:
    if not isinstance(text, str):
        raise TypeError(text)
    return text.rstrip("/")


def _begins(image: str, prefix: str) -> bool:
    return image == prefix or (image.startswith(prefix) and image[len(prefix)] in "/:@")


def _names_registry(image: str) -> bool:
    """As Docker reads names: a first part with a dot or a port, or localhost, is a registry."""
    first, slash, _ = image.partition("/")
    return bool(slash) and ("." in first or ":" in first or first == "localhost")
