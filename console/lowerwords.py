"""Sentences of the rooms below, which speak English, in the page's language: those of a known few. All others, and what
the Kubernetes API says, stay as they are."""

from __future__ import annotations

import re

from django.utils.translation import gettext_lazy as _

_SENTENCES = {
    r"billed as requested": _("billed as requested"),
    r"the pod specification that was chosen is billed, whatever its containers request": _(
        "the pod specification that was chosen is billed, whatever its containers request"
    ),
    r"containers without resources get the smallest specification": _(
        "containers without resources get the smallest specification"
    ),
    r"(?P<cores>[\d.]+) cores, (?P<gib>[\d.]+) GiB": _("%(cores)s cores, %(gib)s GiB"),
    r"(?P<cores>1) core, (?P<gib>[\d.]+) GiB": _("%(cores)s core, %(gib)s GiB"),
    r"not enough is known yet: (?P<seen>\d+) of (?P<hours>\d+) hours, (?P<read>\d+) of (?P<readings>\d+) readings": _(
        "not enough is known yet: %(seen)s of %(hours)s hours, %(read)s of %(readings)s readings"
    ),
    r"A disk of common speed\.": _("A disk of common speed."),
    r"A faster disk\.": _("A faster disk."),
    r"The fastest disk\.": _("The fastest disk."),
    r"A shared folder that many pods write to at the same time\.": _(
        "A shared folder that many pods write to at the same time."
    ),
    r"pods with sidecars are not judged": _("pods with sidecars are not judged"),
    r"sizes with cards are as they are": _("sizes with cards are as they are"),
    r"it is as small as its use allows": _("it is as small as its use allows"),
}
_KNOWN = {re.compile(pattern): message for pattern, message in _SENTENCES.items()}


def said(text: str) -> str:
    for pattern, message in _KNOWN.items():
        if found := pattern.fullmatch(text):
            return str(message) % found.groupdict()
    return text
