"""Sentences of the rooms below, which speak English, in the page's language: of policies, sizes, storage, and what
forms are refused for most often. All others, and what the Kubernetes API says, stay as they are.

A sentence is known by its words: its `%(names)s` stand for any values. tests/console/test_lower_words.py asks the rooms
for theirs, so that none changes its words unseen.
"""

from __future__ import annotations

import re
from functools import cache

from django.utils.translation import get_language, gettext
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
    _("a pod may have at most %(most)s containers; put the others into a pod of their own"),
    _("there are no pod specifications here"),
    _("no specification is %(size)s"),
    _("at most %(most)s GiB"),
    _("at least %(least)s GiB"),
    _("%(cores)s cores"),
    _("%(cores)s cores, %(gib)s GiB, %(cards)s x %(model)s"),
    _("a pod here must be exactly one of: %(sizes)s"),
    _("a pod must have %(cards)s of %(model)s"),
    _("a pod here needs a graphics card: give a container limits of one of %(models)s"),
    _("there is no %(model)s here; there are %(models)s"),
    _(
        "there are no graphics cards in this namespace: run the pod in one of flavor %(flavor)s (the annotation"
        " namespace.kubernetes.io/flavor, given when a namespace is made), or leave the card out"
    ),
)
_GRID = (
    _("general-computing: %(cpu)s, %(memory)s GiB, %(ratio)s per core"),
    _("general-computing: %(size)s"),
    _("gpu-accelerated: %(size)s"),
    _("flavor must be one of %(flavors)s, not %(typed)s"),
    _("CPU must be from above 0 to %(most)s cores, the least first"),
    _("the step of CPU must be above 0 and at most %(most)s cores"),
    _("the most CPU must be reached in whole steps from the least"),
    _("memory must be whole GiB from 1 to %(most)s, the least first"),
    _("GiB per core must be whole numbers from 1, the least first"),
    _("nothing between these bounds has that many GiB per core"),
    _("a row of gpu-accelerated has cards: give gpu (such as %(model)s) and gpus"),
    _("only rows of gpu-accelerated have cards: leave gpu and gpus out"),
    _("gpu must be nvidia.com/gpu-<model>, such as %(model)s, not %(typed)s"),
    _("gpus must be from 1 to %(most)s"),
    _("%(field)s is missing: a row has at least flavor, cpu and memory"),
    _("%(field)s is %(typed)s: write it as %(example)s"),
    _("%(field)s is %(typed)s: it must be whole"),
    _("A row cannot begin or end in the past, when pods were judged by others: give a time from now on."),
    _("The row has ended by then."),
    _("This row has ended by then: add another one."),
    _("This row has ended: it is kept as history."),
    _("This row does not end, or has ended."),
    _("Another row begins in its place: withdraw that one, and this one goes on."),
    _("This is the last row, and without rows no pod could be made: add another one first."),
    _("The grid has this row already: %(row)s."),
)
"""What a change of the grid of pod specifications is refused for."""
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
_KNOWN = _SIZES + _GRID + _MAIL + _STORAGE + _POLICIES + _REFUSED + _NETWORKS
_FIELDS = {
    "flavor": _("Flavor"),
    "cpu": _("Cores"),
    "step": _("Step of cores"),
    "memory": _("Memory"),
    "ratio": _("GiB per core"),
    "gpu": _("Card"),
    "gpus": _("Number of cards"),
}
"""What the grid calls its fields, and what stands beside them in the form."""
_VALUE = re.compile(r"%\\\((\w+)\\\)s")
_JOINED = {"; ": _("%(first)s; %(last)s"), ", or ": _("%(first)s, or %(last)s")}
"""What stands between the parts of a value, and how they are joined again."""
_CHOICE = re.compile(r"([\w.]+(?:, [\w.]+)*) or ([\w.]+)")


def said(text: str) -> str:
    """Whatever begins with a capital letter or ends with a full stop goes on doing so."""
    if (get_language() or "en").startswith("en"):
        return text
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
            return gettext(message) % {name: _told(name, value) for name, value in found.groupdict().items()}
    return None


def _told(name: str, value: str) -> str:
    label = _FIELDS.get(value.lower()) if name == "field" else None
    return _value(value) if label is None else gettext(label)


def _value(text: str) -> str:
    if choice := _CHOICE.fullmatch(text):
        return gettext("%(first)s or %(last)s") % {"first": choice[1], "last": choice[2]}
    if (known := _said(text)) is not None:
        return known
    for mark, message in _JOINED.items():
        first, found, last = text.partition(mark)
        if found:
            return gettext(message) % {"first": _value(first), "last": _value(last)}
    return text


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Whole words first, so that a sentence with a value never hides one without."""
    plain = sorted(_KNOWN, key=lambda message: ("%(" in message, -len(message)))
    return tuple((re.compile(_VALUE.sub(r"(?P<\1>.+?)", re.escape(message)), re.DOTALL), message) for message in plain)
