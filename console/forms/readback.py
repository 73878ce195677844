"""YAML back to the fields of a form: the way opposite to a draft's manifests. Pure.

Every field the form has is read; what it has none for is kept (`console.forms.kept`), so that form and kept things
together say again what the text says. What somebody typed stays as typed unless the text says another thing there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from console.forms import kept, manifests, readfields
from console.forms.drafts import JSON, Fields, rows, text
from console.forms.kept import Extra, Kept
from console.forms.manifests import Entry
from console.forms.readfields import Around
from console.forms.workloads import WorkloadDraft
from workloads.kinds import elbannotations
from workloads.meta.manifests import ManifestError

WORKLOADS = ("Deployment", "Job", "CronJob", "Pod", "ReplicaSet")
KEPT, ORIGIN = "kept", "origin"
"""Fields of the form: what is kept, and of a container what the text calls it."""
_CONTAINER = re.compile(r"containers-(\d+)-(.*)")
_ROWS = re.compile(r"(?:env|from|mount|startup|liveness|readiness|post-start|pre-stop)-")
_ACCESS_ROWS = re.compile(r"access-(?:port|path)-")
_TOGETHER = {
    **dict.fromkeys(("size", "size_cores", "size_gib"), "size"),
    **dict.fromkeys(("rule", "every", "minute", "time", "day", "cron"), "rule"),
    **dict.fromkeys(("mode", "completions", "parallelism", "indexed"), "mode"),
}
"""Fields that mean something together alone: read together, or left together."""


class StaysYaml(ValueError):
    """The form cannot show this text. `reasons` are whole sentences."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons


@dataclass(frozen=True)
class _Text:
    """The objects of a text: the workload, what leads to it as the form makes it, and the others."""

    workload: JSON
    around: Around
    extras: tuple[Extra, ...]

    def of(self, kind: str) -> JSON | None:
        if kind == self.workload["kind"]:
            return self.workload
        return {"ELB": self.around.elb, "Service": self.around.service, "Ingress": self.around.ingress}.get(kind)


def read(kind: type[WorkloadDraft], typed: str, before: Fields) -> dict[str, str]:
    """The fields of the form that say what `typed` says. `before` are those it was made from: what they say and the
    text does not contradict stays. Raises StaysYaml."""
    found = _sorted(kind, _entries(typed, text(before, "namespace")))
    first = kind.read(before)
    if _alike(first.everything, found):
        return dict(before)
    if name := _twice(readfields.container_names(readfields.pod_spec(kind.TEMPLATE, found.workload))):
        raise StaysYaml(_("Two containers are called %(name)s: give each a name of its own.") % {"name": name})
    places = _places(first, before, found.workload)
    written = _sorted(kind, _written(first))
    fields = _merged(before, readfields.fields(written, places), readfields.fields(found, places), places)
    draft = kind.read({name: value for name, value in fields.items() if name != KEPT})
    held = _kept(draft, found)
    result = {**fields, KEPT: held.text()}
    if not _alike(kind.read(result).everything, found):
        raise StaysYaml(_("The form cannot say exactly what this text says: it stays YAML."))
    return result


def plain(kind: type[WorkloadDraft], fields: dict[str, str], settled: Callable[[JSON], JSON]) -> dict[str, str]:
    """Without what is kept only because a server wrote its defaults into it; `settled` fills them into a manifest."""
    draft = kind.read(fields)
    (whole,) = draft.manifests()
    said, held = settled(whole), draft.kept
    for change in draft.kept.changes:
        less = replace(held, changes=tuple(one for one in held.changes if one is not change))
        (without,) = replace(draft, kept=less).manifests()
        if settled(without) == said:
            held = less
    return {**fields, KEPT: held.text()}


def texts_alike(first: Sequence[JSON], typed: str, namespace: str) -> bool:
    """Whether `typed` says the same objects, in whatever words and order."""
    try:
        entries = _entries(typed, namespace)
    except StaysYaml:
        return False
    return _by_name(first) == _by_name([_manifest(entry) for entry in entries])


def _entries(typed: str, namespace: str) -> list[Entry]:
    try:
        entries = manifests.read(typed, default_namespace=namespace)
    except ManifestError as error:
        said = str(error)
        raise StaysYaml(f"{said[:1].upper()}{said[1:]}.".replace("..", ".")) from None
    wrong = [_at(entry, entry.refusal) for entry in entries if entry.refusal]
    twice = _("%(field)s stands there twice: take one of the two away.")
    wrong += [_at(entry, twice % {"field": path}) for entry in entries for path in entry.duplicates]
    if wrong:
        raise StaysYaml(*wrong)
    return entries


def _at(entry: Entry, said: str) -> str:
    words = {"title": entry.title, "line": entry.line, "why": said}
    return _("%(title)s at line %(line)d: %(why)s") % words


def _manifest(entry: Entry) -> JSON:
    """With the namespace it goes to."""
    made = deepcopy(entry.manifest or {})
    if entry.namespace and isinstance(made.get("metadata"), dict):
        made["metadata"].setdefault("namespace", entry.namespace)
        made["metadata"]["namespace"] = made["metadata"]["namespace"] or entry.namespace
    return made


def _written(draft: WorkloadDraft) -> list[Entry]:
    """What the form itself writes, as if it were typed."""
    return [
        Entry(0, "", one["kind"], one["metadata"].get("name", ""), one["metadata"].get("namespace", ""), one)
        for one in draft.everything
    ]


def _sorted(kind: type[WorkloadDraft], entries: Sequence[Entry]) -> _Text:
    """Raises StaysYaml unless there is one workload of the kind, and no other."""
    workloads = [entry for entry in entries if entry.kind in WORKLOADS]
    if [entry.kind for entry in workloads] != [kind.KIND]:
        raise StaysYaml(_not_one(kind.KIND, workloads))
    if namespaces := [entry for entry in entries if entry.kind == "Namespace"]:
        said = _("the form creates in a namespace that is there; “Create from YAML” makes this one as well.")
        raise StaysYaml(*(_at(entry, said) for entry in namespaces))
    (main,) = workloads
    workload = _manifest(main)
    if not isinstance(workload.get("metadata"), dict) or not isinstance(workload.get("spec"), dict):
        raise StaysYaml(_at(main, _("it needs metadata and spec, each a mapping.")))
    around = _around(workload, entries) if kind.KIND == "Deployment" else Around()
    taken = [id(one) for one in around.sources]
    place = entries.index(main)
    extras = tuple(
        Extra(_manifest(entry), number < place)
        for number, entry in enumerate(entries)
        if entry is not main and id(entry.manifest) not in taken
    )
    return _Text(workload, around, extras)


def _not_one(kind: str, workloads: Sequence[Entry]) -> str:
    if not workloads:
        return _("There is no %(kind)s in this text, and the form shows one: write it, or stay with YAML.") % {
            "kind": kind
        }
    named = ", ".join(_("%(title)s (line %(line)d)") % {"title": one.title, "line": one.line} for one in workloads)
    said = _("The form shows one %(kind)s and no other workload; this text has %(named)s.")
    return said % {"kind": kind, "named": named}


def _around(workload: JSON, entries: Sequence[Entry]) -> Around:
    """The Service, Ingress and ELB that the form would have made itself."""
    namespace = workload["metadata"].get("namespace", "")
    here = [entry for entry in entries if entry.namespace == namespace and entry.manifest]
    services = {entry.name: entry for entry in here if entry.kind == "Service" and readfields.is_plain(_spec(entry))}
    ingresses = [entry for entry in here if entry.kind == "Ingress"]
    chosen: Entry | None = None
    ingress: Entry | None = None
    if len(ingresses) == 1 and (name := readfields.backend(_spec(ingresses[0]))) in services:
        behind = services[name]
        if _spec(behind).get("type", "ClusterIP") == "ClusterIP":
            chosen, ingress = behind, ingresses[0]
    if chosen is None:
        chosen = next(iter(services.values()), None)
    door = ingress or chosen
    wanted = readfields.annotated(door.manifest).get(elbannotations.ELB_NAME) if door and door.manifest else None
    elb = next((entry for entry in entries if entry.kind == "ELB" and wanted and entry.name == wanted), None)
    used = [entry for entry in (elb, chosen, ingress) if entry]
    return Around(
        elb=_manifest(elb) if elb else None,
        service=_manifest(chosen) if chosen else None,
        ingress=_manifest(ingress) if ingress else None,
        sources=tuple(entry.manifest for entry in used if entry.manifest is not None),
    )


def _spec(entry: Entry) -> JSON:
    found = (entry.manifest or {}).get("spec")
    return found if isinstance(found, dict) else {}


def _twice(names: Sequence[str]) -> str:
    """A name that stands there more than once; "" for none."""
    return next((name for name in names if names.count(name) > 1), "")


# --- fields -------------------------------------------------------------------------------------------------------


def _places(first: WorkloadDraft, before: Fields, workload: JSON) -> dict[str, int]:
    """The number in the form of each container of the text: that of the container of its name, else a free one."""
    posted, names = rows(before, "containers-"), [container.name for container in first.pod.containers]
    known = dict(zip(names, posted, strict=False)) if len(set(names)) == len(names) == len(posted) else {}
    free = max(known.values(), default=-1) + 1
    for name in readfields.container_names(readfields.pod_spec(first.TEMPLATE, workload)):
        if name not in known:
            known[name], free = free, free + 1
    return known


def _merged(before: Fields, was: Fields, now: Fields, places: Mapping[str, int]) -> dict[str, str]:
    """`before` with what differs between `was` and `now`, group by group."""
    stays = _indexes(before) & _indexes(was) & _indexes(now) | {None}
    fields = {name: value for name, value in before.items() if name != KEPT and _index(name) in stays}
    old, new = _grouped(was), _grouped(now)
    for group in {**old, **new}:
        if old.get(group) == new.get(group) and _index(group) in stays:
            continue
        for name in [name for name in fields if _group(name) == group]:
            del fields[name]
        fields |= new.get(group, {})
    origins = {f"containers-{index}-{ORIGIN}": name for name, index in places.items()}
    return fields | {name: value for name, value in origins.items() if _index(name) in _indexes(now)}


def _indexes(fields: Fields) -> set[int | None]:
    return {_index(name) for name in fields}


def _index(name: str) -> int | None:
    match = _CONTAINER.match(name)
    return int(match[1]) if match else None


def _grouped(fields: Fields) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name, value in fields.items():
        found.setdefault(_group(name), {})[name] = value
    return found


def _group(name: str) -> str:
    if match := _CONTAINER.match(name):
        return f"containers-{match[1]}-{_within(match[2])}"
    if match := _ACCESS_ROWS.match(name):
        return match[0]
    return "rule" if name.startswith("weekday-") else _TOGETHER.get(name, name)


def _within(word: str) -> str:
    match = _ROWS.match(word)
    return match[0] if match else {"tag": "image"}.get(word, word)


# --- what is kept -------------------------------------------------------------------------------------------------


def _kept(draft: WorkloadDraft, found: _Text) -> Kept:
    """Raises StaysYaml where the form makes another object than the text has."""
    changes: list[kept.Change] = []
    for made in draft.everything:
        said = found.of(made["kind"])
        if said is None:
            words = {"kind": made["kind"]}
            raise StaysYaml(_("The form would make a %(kind)s that this text does not have.") % words)
        changes += kept.told(made["kind"], made, said)
    kinds = {made["kind"] for made in draft.everything}
    others = [one for one in (found.around.elb, found.around.service, found.around.ingress) if one]
    left = tuple(Extra(one, one["kind"] == "ELB") for one in others if one["kind"] not in kinds)
    return Kept(tuple(changes), found.extras + left)


def _alike(made: Sequence[JSON], found: _Text) -> bool:
    others = [one for one in (found.around.elb, found.around.service, found.around.ingress) if one]
    return _by_name(made) == _by_name([found.workload, *others, *(extra.manifest for extra in found.extras)])


def _by_name(objects: Sequence[JSON]) -> list[tuple[str, JSON]]:
    return sorted(_named(objects), key=lambda pair: pair[0])


def _named(objects: Sequence[JSON]) -> Iterator[tuple[str, JSON]]:
    for one in objects:
        metadata = one.get("metadata") or {}
        yield f"{one.get('kind')} {metadata.get('namespace', '')}/{metadata.get('name', '')}", one
