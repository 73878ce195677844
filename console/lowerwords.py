"""Sentences of the rooms below, which speak English, in the page's language: of policies, sizes, storage, and what
forms are refused for most often. All others, and what the Kubernetes API says, stay as they are.

A sentence is known by its words: its `%(names)s` stand for any values. tests/console/test_lower_words.py asks the rooms
for theirs, so that none changes its words unseen.
"""

from __future__ import annotations

import re
from functools import cache

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

_SIZES = (
    _("billed as requested"),
    _("the pod specification that was chosen is billed, whatever its containers request"),
    _("containers without resources get the smallest specification"),
    _("%(cores)s cores, %(gib)s GiB"),
    _("%(cores)s core, %(gib)s GiB"),
    _("%(cores)s cores, %(mib)s MiB"),
    _("not enough is known yet: %(seen)s of %(hours)s hours, %(read)s of %(readings)s readings"),
    _("pods with sidecars are not judged"),
    _("sizes with cards are as they are"),
    _("it is as small as its use allows"),
    _("CPU of a pod must be %(cpu)s"),
    _("memory of a pod must be a whole number of GiB, %(low)s-%(high)s"),
    _("a pod must have %(ratio)s of memory per core"),
    _("%(low)s to %(high)s GiB"),
    _("%(low)s-%(high)s cores in steps of %(step)s"),
    _("%(low)s-%(high)s cores in steps of %(step)s, or exactly %(single)s"),
    _("CPU of a container must be a multiple of %(step)s cores, at least %(least)s"),
    _("memory of a container must be at least %(least)s"),
    _("requests and limits must be equal; give %(name)s once, and it fills the other"),
)
_MAIL = (
    _("written to the manager's log: CCI_EMAIL_URL is not set"),
    _("taken by the mail server"),
)
_STORAGE = (
    _("A disk of common speed."),
    _("A faster disk."),
    _("The fastest disk."),
    _("A shared folder that many pods write to at the same time."),
)
_POLICIES = (
    _("Everything, with the account's users, groups and policies. Roles in namespaces do not limit it."),
    _("Everything in the account but its users. In namespaces with roles, a role is needed as well."),
    _("All work inside of namespaces; namespaces, networks, ELBs and roles can be read, not created or deleted."),
    _("Reads everything, Secrets and logs too; changes nothing."),
)
_REFUSED = (
    _('%(kind)s "%(name)s" already exists'),
    _("must be no more than %(most)s characters"),
    _("must be between %(low)s and %(high)s, inclusive"),
    _("must be greater than or equal to %(low)s"),
    _("must be greater than or equal to 0"),
    _("must not contain consecutive hyphens"),
    _("must not begin or end with a hyphen"),
    _("Required value"),
    _("Required value: %(rule)s"),
    _("supported values: %(values)s"),
    _(
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end"
        " with an alphanumeric character (%(examples)s)"
    ),
    _(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start"
        " and end with an alphanumeric character (%(examples)s)"
    ),
    _(
        "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must"
        " not start with a digit (%(examples)s)"
    ),
    _(
        '%(kinds)s "%(name)s" cannot be created: account %(account)s has %(have)s of %(limit)s %(what)s; delete one,'
        " or ask the operator for a larger quota"
    ),
    _("must have 1 to 64 letters, digits, '-', '_', '.' or '@', with a letter or digit at both ends"),
    _("must have 1 to 64 letters, digits, spaces, '-', '_' or '.', with a letter or digit at both ends"),
    _("must have 1 to 63 lower-case letters, digits or '-', with a letter or digit at both ends"),
    _("must have %(shortest)s to %(longest)s characters"),
    _("must have at most %(most)s characters, this has %(count)s"),
    _("must be another one than the current password"),
    _("this is not your password: type the one you sign in with"),
    _("must be a number above 0, at most %(most)s, with at most 10 decimal places"),
    _("must be at most %(most)s whole percentages from 1 to %(highest)s"),
    _("must be at most %(most)s e-mail addresses"),
    _("must name the namespace the budget is for"),
    _("you cannot delete yourself: ask another administrator"),
    _("the account would be left without an administrator: give somebody else the policy first"),
    _("somebody changed it meanwhile: look at it in another tab, then save what it shall be"),
    _("the proxy does not tell what it counts: it is starting, or does not run"),
)
_NETWORKS = (_("waits for %(left)s pods to end"),)
_KNOWN = _SIZES + _MAIL + _STORAGE + _POLICIES + _REFUSED + _NETWORKS
_VALUE = re.compile(r"%\\\((\w+)\\\)s")
_CHOICE = re.compile(r"([\w.]+(?:, [\w.]+)*) or ([\w.]+)")


def said(text: str) -> str:
    """Whatever begins with a capital letter or ends with a full stop goes on doing so."""
    inner = text.removesuffix(".")
    for sentence in dict.fromkeys((inner, text)):
        known = _said(sentence) or _capital(_said(sentence[:1].lower() + sentence[1:]))
        if known is not None:
            return known if sentence == text else gettext("%(sentence)s.") % {"sentence": known}
    return text


def _capital(text: str | None) -> str | None:
    return text and text[:1].upper() + text[1:]


def _said(text: str) -> str | None:
    for pattern, message in _patterns():
        if found := pattern.fullmatch(text):
            return gettext(message) % {name: _value(value) for name, value in found.groupdict().items()}
    return None


def _value(text: str) -> str:
    if choice := _CHOICE.fullmatch(text):
        return gettext("%(first)s or %(last)s") % {"first": choice[1], "last": choice[2]}
    return _said(text) or text


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Whole words first, so that a sentence with a value never hides one without."""
    plain = sorted(_KNOWN, key=lambda message: ("%(" in message, -len(message)))
    return tuple((re.compile(_VALUE.sub(r"(?P<\1>.+?)", re.escape(message)), re.DOTALL), message) for message in plain)
