"""Objects that a form makes beside its main one: tried by a dry run, or made; what is refused stands at its field."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from console.forms.drafts import FieldError, placed
from console.forms.parts import Part
from workloads.client import Client, WriteOptions
from workloads.meta.errors import AlreadyExists, StatusError


@dataclass
class Sent:
    """What became of them. `made` in words: `Service web`."""

    refusals: list[FieldError] = field(default_factory=list)
    warnings: tuple[str, ...] = ()
    made: list[str] = field(default_factory=list)


def send(client: Client, parts: Iterable[Part], *, options: WriteOptions) -> Sent:
    """A dry run tries each of them; for good, the first that is refused is the last."""
    sent = Sent()
    for part in parts:
        try:
            sent.warnings += client.create(part.kind, part.manifest, part.namespace, options=options).warnings
        except AlreadyExists:
            sent.refusals.append(FieldError(part.field_of("metadata.name"), _taken(part)))
        except StatusError as refusal:
            said = placed(part, refusal.causes) or [FieldError(part.field_of(""), refusal.message)]
            sent.refusals += [_titled(part, one) for one in said]
        else:
            sent.made.append(f"{part.kind} {part.name}")
            continue
        if not options.dry_run:
            break
    return sent


def _titled(part: Part, error: FieldError) -> FieldError:
    return FieldError(error.field, f"{part.title}: {error.message}") if part.title else error


def _taken(part: Part) -> str:
    words = {"kind": part.kind, "namespace": part.namespace}
    if not part.namespace:
        return _("The account has an %(kind)s of this name already: choose it, or another name.") % words
    return _("%(namespace)s has a %(kind)s of this name already: choose another name.") % words
