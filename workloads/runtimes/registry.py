"""Which runtime this process uses: `CCI_RUNTIME`. Made on first use, so that the web tier never touches one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from workloads.kinds import claimspecs
from workloads.runtimes.archive import Archive
from workloads.runtimes.base import Runtime
from workloads.runtimes.hostclaims import HostClaims


@cache
def archive() -> Archive:
    """Where the logs of removed containers are: in a folder of this install's own, as its volumes are."""
    from django.conf import settings

    return Archive(settings.LOG_DIR / settings.INSTANCE_ID)


@cache
def current() -> Runtime:
    """The process's runtime. Raises SystemExit with a sentence when `CCI_RUNTIME` names none."""
    from django.conf import settings

    name: str = settings.RUNTIME
    if name == "docker":
        from workloads.runtimes.docker import Docker

        # folders of this install's own: two that share the host's folder must not sweep each other's
        volumes, instance = settings.VOLUMES_DIR, settings.INSTANCE_ID
        claims = _claims(volumes, instance)
        return Docker(instance=instance, volumes=volumes / instance, claims=claims, archive=archive())
    if name == "simulated":
        from workloads.runtimes.simulated import Simulated

        return Simulated(every_image=True, archive=archive())
    raise SystemExit(f"CCI_RUNTIME={name!r} is not a runtime: use docker or simulated.")


def _claims(volumes: Path, instance: str) -> HostClaims:
    from django.conf import settings

    roots: dict[str, Path] = settings.STORAGE_CLASSES
    if unknown := sorted(roots.keys() - claimspecs.CLASSES.keys()):
        classes = ", ".join(claimspecs.CLASSES)
        raise SystemExit(f"CCI_STORAGE_CLASSES names {', '.join(unknown)}: the storage classes are {classes}.")
    return HostClaims(volumes / "claims" / instance, {name: root / instance for name, root in roots.items()})
