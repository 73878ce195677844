"""The console speaks English and Simplified Chinese, wholly: every message has its Chinese, and every word of a page is
a message."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from scripts import messages
from tests.console.test_isolation import OPERATORS

TEXTS = {"bursting-manifest", "yaml-schema"}
"""Read by programs."""
SPOKEN = ("aria-label", "title", "placeholder", "alt")
SILENT = {"script", "style", "code", "pre", "kbd", "textarea", "svg", "samp"}
"""What people do not read as words, or write themselves. So is what says of itself that it is English or a name:
`lang="en"`, `translate="no"`."""
VOID = {"meta", "link", "input", "br", "hr", "img", "rect", "use", "path", "line", "circle"}
_NAMES = """
CCI acme alice web shop lonely gone aaaaa bbbbb app nginx example com charlie rita default general computing
Deployment Deployments Job Jobs CronJob CronJobs Pod Pods ReplicaSet Service Services Ingress Ingresses ELB ELBs
sata sas ssd cce blue colour team latest password They sell bob developers view edit admin auto enforce Allow
Forbid Replace Always Never File Prefix None Opaque ClusterIP ReadWriteOnce IfNotPresent ClusterFirst
RollingUpdate Filesystem SingleStack OOMKilled localPrefer off Administrator CommonOperations FullAccess
ReadOnlyAccess ConfigMap ConfigMaps Secret Secrets Namespace PersistentVolumeClaim Network RoleBinding
HorizontalPodAutoscaler Role ClusterRoleBinding ServiceAccount ServiceAccounts VPC
kubectl kubeconfig YAML JSON CSV REST API IAM TLS HTTP HTTPS TCP UDP DNS IP CIDR URL UID
docker vm CPU GPU GiB MiB KiB MB GB Gi Mi h d s m min ms UTC CNY AK SK ID OK Ctrl K Esc B GET POST PUT PATCH DELETE
"""
DATA = set(_NAMES.split())
"""What stays as it is in every language: names of kinds, units, and what the test's people called their things."""


def test_every_message_has_its_chinese() -> None:
    without = [message.id for message in messages.messages() if not messages.translated(message)]
    assert without == [], f"{len(without)} without: scripts/messages.py missing"


def test_translations_stand_for_the_same_values() -> None:
    wrong = [m.id for m in messages.messages() if messages.translated(m) and messages.wrong_placeholders(m)]
    assert wrong == []


def test_catalogues_hold_what_the_sources_say() -> None:
    """Compared by what they hold: `scripts/messages.py extract` makes it so."""
    for source in messages.SOURCES:
        kept = {(m.id, m.context) for m in messages.read(source.po) if m.id}
        said = {(m.id, m.context) for m in messages.renewed(source) if m.id}
        assert said - kept == set(), source.po
        assert kept - said == set(), source.po


class Spoken(HTMLParser):
    """The words of a page that are outside of every message."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[tuple[str, bool]] = []
        self.depth = 0
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        english = attributes.get("lang") == "en" and tag != "html"
        silent = tag in SILENT or attributes.get("translate") == "no" or english or self._silent()
        if not silent:
            for name in SPOKEN:
                self._hear(_outside(attributes.get(name) or "")[0])
        if tag not in VOID:
            self.open.append((tag, silent))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID and self.open:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        """A message may hold elements, so its brackets may stand in different pieces."""
        rest, self.depth = _outside(data, self.depth)
        if not self._silent():
            self._hear(rest)

    def _silent(self) -> bool:
        return bool(self.open) and self.open[-1][1]

    def _hear(self, text: str) -> None:
        if any(word not in DATA for word in _words(text)):
            self.found.append(" ".join(text.split()))


def _outside(text: str, depth: int = 0) -> tuple[str, int]:
    said = []
    for letter in text:
        if letter == "⟦":
            depth += 1
        elif letter == "⟧":
            depth -= 1
        elif depth == 0:
            said.append(letter)
    return "".join(said), depth


def _words(text: str) -> list[str]:
    """Names with digits, dots, dashes or slashes are nobody's language."""
    tokens = [token.strip(".,:;()[]%¥$+·–—'\"") for token in text.split()]
    plain = [token for token in tokens if re.fullmatch(r"[^\W\d_]+(['’][a-z]+)?", token)]
    return [token for token in plain if token.isascii()]


@pytest.mark.timeout(300)
def test_every_word_of_a_page_is_a_message(walked: dict[str, str]) -> None:
    pages = {name: text for name, text in walked.items() if name not in OPERATORS | TEXTS}
    found = {name: words for name, text in pages.items() if (words := sorted(set(Spoken(text).found)))}
    assert found == {}
