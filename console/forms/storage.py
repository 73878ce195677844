"""What a container sees at which path, in a form, and the volumes of the pod that follow from it.

What is mounted is one word: DISK or MEMORY (an empty directory), or `configMap/<name>`, `secret/<name>`,
`claim/<name>`. Two rows that name the same object, or give empty directories the same name, mount one volume.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from console.forms.drafts import JSON, FieldError, Fields, gib, rows, text
from workloads.meta import quantity

DISK, MEMORY = "disk", "memory"
CLAIM = "claim"
OBJECTS = {
    "configMap": ("configMap", "name"),
    "secret": ("secret", "secretName"),
    CLAIM: ("persistentVolumeClaim", "claimName"),
}
"""How a word begins -> the volume's type, and the part of it that names the object."""


@dataclass(frozen=True)
class MountDraft:
    what: str = DISK
    path: str = ""
    sub_path: str = ""
    read_only: bool = False
    name: str = ""
    """Of an empty directory that containers share, or of a volume of the YAML it was read from; "" for its own."""
    limit: str = ""
    """Of an empty directory: GiB, or a quantity; "" for none."""

    @property
    def blank(self) -> bool:
        return self == MountDraft()

    @property
    def empty(self) -> bool:
        """Whether it is an empty directory."""
        return self.what in (DISK, MEMORY)

    def problems(self) -> Iterator[FieldError]:
        if not self.empty and not (self.what.partition("/")[0] in OBJECTS and self.what.partition("/")[2]):
            yield FieldError("what", _("Choose what is mounted."))
        if not self.path:
            yield FieldError("path", _("Say where in the container, for example /data."))
        if self.empty and self.limit and quantity.problem(gib(self.limit)):
            yield FieldError("limit", _("Write GiB as a number, or a quantity such as 64Mi."))

    def volume(self) -> JSON:
        """Without its name."""
        if self.empty:
            medium: JSON = {"medium": "Memory"} if self.what == MEMORY else {}
            return {"emptyDir": medium | ({"sizeLimit": gib(self.limit)} if self.limit else {})}
        word, _sep, name = self.what.partition("/")
        kind, part = OBJECTS.get(word, ("configMap", "name"))
        return {kind: {part: name}}

    def manifest(self, volume: str) -> JSON:
        made: JSON = {"name": volume, "mountPath": self.path}
        if self.sub_path:
            made["subPath"] = self.sub_path
        if self.read_only:
            made["readOnly"] = True
        return made

    def field_of(self, rest: str) -> str:
        places = {"mountPath": "path", "subPath": "sub_path", "readOnly": "read_only"}
        return next((name for start, name in places.items() if rest.startswith(start)), "what")

    def field_of_volume(self, rest: str) -> str:
        if self.empty and rest.startswith("name"):
            return "name"
        return "limit" if "sizeLimit" in rest else "what"


def mounts(fields: Fields, prefix: str) -> Iterator[MountDraft]:
    for index in rows(fields, f"{prefix}mount-"):
        row = f"{prefix}mount-{index}-"
        yield MountDraft(
            what=text(fields, row + "what", DISK),
            path=text(fields, row + "path"),
            sub_path=text(fields, row + "sub_path"),
            read_only=row + "read_only" in fields,
            name=text(fields, row + "name"),
            limit=text(fields, row + "limit"),
        )


@dataclass(frozen=True)
class Volume:
    """`owner` is the first row (container, row) that mounts it."""

    name: str
    mount: MountDraft
    owner: tuple[int, int]

    def manifest(self) -> JSON:
        return {"name": self.name, **self.mount.volume()}


@dataclass(frozen=True)
class Storage:
    """The volumes that the rows of all containers make together."""

    volumes: list[Volume] = field(default_factory=list)
    names: dict[tuple[int, int], str] = field(default_factory=dict)
    """(container, row) -> the volume it mounts."""
    problems: list[tuple[tuple[int, int], FieldError]] = field(default_factory=list)

    @classmethod
    def of(cls, containers: Sequence[Sequence[MountDraft]]) -> Storage:
        found, known = cls(), dict[tuple[str, ...], Volume]()
        typed = {mount.name for mounted in containers for mount in mounted}
        taken = {mount.name for mounted in containers for mount in mounted if mount.empty and mount.name}
        free = (name for number in range(len(typed) + 10_000) if (name := f"volume-{number}") not in typed)
        for index, mounted in enumerate(containers):
            for row, mount in enumerate(mounted):
                if mount.blank:
                    continue
                place = (index, row)
                name = mount.name if mount.empty or mount.name not in taken else ""
                key = (mount.what, name) if name else (mount.what,)
                key = (*key, *map(str, place)) if mount.empty and not name else key
                if key not in known:
                    known[key] = Volume(name or next(free), mount, place)
                    found.volumes.append(known[key])
                elif mount.empty and mount.limit and mount.limit != known[key].mount.limit:
                    said = _("The directory %(name)s has another limit where it stands first: write it there.")
                    found.problems.append((place, FieldError("limit", said % {"name": mount.name})))
                found.names[place] = known[key].name
        return found
