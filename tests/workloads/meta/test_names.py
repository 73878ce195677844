"""Names in Kubernetes' own words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.meta import names

LABEL_SENTENCE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
    "with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)


@pytest.mark.parametrize("name", ["a", "web", "web-1", "0", "a" * 63])
def test_a_dns_label_may_be(name: str) -> None:
    assert names.dns_label(name) == []


@pytest.mark.parametrize("name", ["", "Web", "-a", "a-", "a.b", "a_b", "ä", "a\n"])
def test_a_dns_label_may_not_be(name: str) -> None:
    assert names.dns_label(name) == [LABEL_SENTENCE]


def test_a_long_label_is_said_to_be_long_only() -> None:
    assert names.dns_label("a" * 64) == ["must be no more than 63 characters"]


def test_a_subdomain_is_labels_joined_by_dots() -> None:
    assert names.dns_subdomain("a.b-c.0") == []
    assert names.dns_subdomain("a..b")[0].startswith("a lowercase RFC 1123 subdomain must consist of")
    assert names.dns_subdomain("a" * 254) == ["must be no more than 253 characters"]


@pytest.mark.parametrize("key", ["app", "example.com/app", "A.b_c-d", "kubernetes.io/metadata.name"])
def test_a_qualified_name_may_be(key: str) -> None:
    assert names.qualified_name(key) == []


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("", "name part must be non-empty"),
        ("example.com/", "name part must be non-empty"),
        ("/app", "prefix part must be non-empty"),
        ("Example/app", "prefix part a lowercase RFC 1123 subdomain must consist of"),
        ("a/b/c", "a qualified name must consist of alphanumeric characters"),
        ("-a", "name part must consist of alphanumeric characters"),
        ("a" * 64, "name part must be no more than 63 characters"),
    ],
)
def test_a_qualified_name_may_not_be(key: str, sentence: str) -> None:
    assert names.qualified_name(key)[0].startswith(sentence)


def test_label_values_may_be_empty_but_not_odd() -> None:
    assert names.label_value("") == names.label_value("My_value.1") == []
    assert names.label_value("a b")[0].startswith("a valid label must be an empty string or consist of")
    assert names.label_value("a" * 64) == ["must be no more than 63 characters"]


def test_environment_names() -> None:
    assert names.environment_name("MY_VAR") == []
    assert names.environment_name("1A")[0].startswith("a valid environment variable name must consist of")
    assert names.environment_name("..") == ["must not be '..'"]
    assert names.environment_name("..a") == ["must not start with '..'"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("a" * 16, "must be no more than 15 characters"),
        ("80", "must contain at least one letter (a-z)"),
        ("a_b", "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"),
        ("a--b", "must not contain consecutive hyphens"),
        ("a-", "must not begin or end with a hyphen"),
    ],
)
def test_port_names(name: str, sentence: str) -> None:
    assert names.port_name("http-1") == []
    assert names.port_name(name) == [sentence]


def test_port_numbers() -> None:
    assert names.port_number(1) == names.port_number(65535) == []
    assert names.port_number(0) == names.port_number(65536) == ["must be between 1 and 65535, inclusive"]


@given(st.from_regex("[a-z]([-a-z0-9]*)", fullmatch=True))
def test_a_generated_name_is_a_label_that_begins_with_its_base(base: str) -> None:
    name = names.generate(base)
    assert name.startswith(base[:58])
    assert names.dns_label(name) == []


def test_generated_names_differ() -> None:
    assert len({names.generate("web-") for _ in range(50)}) == 50
