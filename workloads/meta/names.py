"""What names, labels and annotations may look like, in Kubernetes' own words.

Every function here returns what is wrong as sentences; an empty list means nothing is.
"""

from __future__ import annotations

import re
import secrets
from functools import lru_cache

SUFFIX_LENGTH = 5
GENERATED_BASE_LENGTH = 63 - SUFFIX_LENGTH
ANNOTATIONS_LIMIT = 256 * 1024

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""No vowels and nothing that reads like another character, as upstream's suffixes."""

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SERVICE = "[a-z]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_LOOSE_LABEL = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_SEARCHED = rf"{_LOOSE_LABEL}(\.{_LOOSE_LABEL})*"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE = f"({_QUALIFIED})?"
_ENV = "[-._a-zA-Z][-._a-zA-Z0-9]*"

_LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
    "and must start and end with an alphanumeric character"
)
_SERVICE_RULE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character"
)
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character"
)
_WILDCARD_RULE = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of "
    "lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character"
)
_SEARCHED_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character"
)
_QUALIFIED_RULE = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
)
_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character"
)
_ENV_RULE = (
    "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', "
    "and must not start with a digit"
)


def dns_label(text: str) -> list[str]:
    """Names of namespaces and containers: 1-63 of a-z, 0-9 and '-'."""
    return _checked(text, pattern=_LABEL, rule=_LABEL_RULE, limit=63, examples=("my-name", "123-abc"))


def dns_1035_label(text: str) -> list[str]:
    """Names of Services: as `dns_label`, and they begin with a letter."""
    return _checked(text, pattern=_SERVICE, rule=_SERVICE_RULE, limit=63, examples=("my-name", "abc-123"))


def dns_subdomain(text: str) -> list[str]:
    """Names of most objects: labels joined by dots, up to 253."""
    return _checked(text, pattern=_SUBDOMAIN, rule=_SUBDOMAIN_RULE, limit=253, examples=("example.com",))


def wildcard_subdomain(text: str) -> list[str]:
    """Hosts of Ingresses that stand for many: `*.` and a `dns_subdomain`."""
    pattern = rf"\*\.{_SUBDOMAIN}"
    return _checked(text, pattern=pattern, rule=_WILDCARD_RULE, limit=253, examples=("*.example.com",))


def search_domain(text: str) -> list[str]:
    """Domains that a resolver looks in: as `dns_subdomain`, and labels may hold '_'."""
    return _checked(text, pattern=_SEARCHED, rule=_SEARCHED_RULE, limit=253, examples=("example.com",))


def qualified_name(text: str) -> list[str]:
    """Keys of labels and annotations: `name` or `example.com/name`."""
    prefix, slash, name = text.rpartition("/")
    if "/" in prefix:
        rule = _with_examples(_QUALIFIED_RULE, _QUALIFIED, ("MyName", "my.name", "123-abc"))
        return [f"a qualified name {rule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"]
    found: list[str] = []
    if slash:
        found += [f"prefix part {problem}" for problem in (dns_subdomain(prefix) if prefix else ["must be non-empty"])]
    if not name:
        return [*found, "name part must be non-empty"]
    examples = ("MyName", "my.name", "123-abc")
    problems = _checked(name, pattern=_QUALIFIED, rule=_QUALIFIED_RULE, limit=63, examples=examples)
    return found + [f"name part {problem}" for problem in problems]


def label_value(text: str) -> list[str]:
    """Values of labels: up to 63, may be empty."""
    return _checked(text, pattern=_VALUE, rule=_VALUE_RULE, limit=63, examples=("MyValue", "my_value", "12345"))


def api_version(text: str) -> list[str]:
    """`v1` or `apps/v1`."""
    group, slash, version = text.rpartition("/")
    problems = dns_subdomain(group) if slash else []
    return problems or dns_label(version)


def kind(text: str) -> list[str]:
    """What an object is: `Pod`, `ReplicaSet`."""
    if re.fullmatch("[A-Za-z][A-Za-z0-9]{0,62}", text):
        return []
    return ["must start with a letter and consist of at most 63 letters and digits (e.g. 'ReplicaSet')"]


def uid(text: str) -> list[str]:
    """One life of an object, as the API tells it in `metadata.uid`."""
    if re.fullmatch("[-A-Za-z0-9]{1,36}", text):
        return []
    return ["must be the metadata.uid of an object: at most 36 letters, digits and '-'"]


def environment_name(text: str) -> list[str]:
    """Names of environment variables in a container."""
    if text in (".", ".."):
        return [f"must not be '{text}'"]
    if text.startswith(".."):
        return ["must not start with '..'"]
    examples = ("my.env-name", "MY_ENV.NAME", "MyEnvName1")
    return _checked(text, pattern=_ENV, rule=_ENV_RULE, limit=1024, examples=examples)


def port_name(text: str) -> list[str]:
    """Names of ports (IANA service names)."""
    found = []
    if len(text) > 15:
        found.append("must be no more than 15 characters")
    if not re.fullmatch("[-a-z0-9]+", text):
        found.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", text):
        found.append("must contain at least one letter (a-z)")
    if "--" in text:
        found.append("must not contain consecutive hyphens")
    if text.startswith("-") or text.endswith("-"):
        found.append("must not begin or end with a hyphen")
    return found


def port_number(number: int) -> list[str]:
    return [] if 1 <= number <= 65535 else ["must be between 1 and 65535, inclusive"]


def generate(base: str) -> str:
    """A name for `metadata.generateName: base`, random and unlikely to be taken; never longer than 63."""
    return base[:GENERATED_BASE_LENGTH] + suffix()


def suffix(length: int = SUFFIX_LENGTH) -> str:
    number, letters = secrets.randbelow(len(_ALPHABET) ** length), []
    for _ in range(length):
        number, place = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[place])
    return "".join(letters)


def _checked(text: str, *, pattern: str, rule: str, limit: int, examples: tuple[str, ...]) -> list[str]:
    found = [f"must be no more than {limit} characters"] if len(text) > limit else []
    if not _matches(pattern, text[: limit + 1]):
        found.append(_with_examples(rule, pattern, examples))
    return found


@lru_cache(maxsize=4096)
def _matches(pattern: str, text: str) -> bool:
    """The same few names come again and again."""
    return re.fullmatch(pattern, text) is not None


def _with_examples(rule: str, pattern: str, examples: tuple[str, ...]) -> str:
    """Upstream's sentence, its two spaces before `or` included."""
    listed = " or ".join(f"'{example}', " for example in examples)
    return f"{rule} (e.g. {listed}regex used for validation is '{pattern}')"
