"""Which runtime this process uses: `CCI_RUNTIME`. Made on first use, so that the web tier never touches one."""

from __future__ import annotations

from functools import cache

from workloads.runtimes.base import Runtime


@cache
def current() -> Runtime:
    """The process's runtime. Raises SystemExit with a sentence when `CCI_RUNTIME` names none."""
    from django.conf import settings

    name: str = settings.RUNTIME
    if name == "docker":
        from workloads.runtimes.docker import Docker

        # a folder of this install's own: two that share the host's folder must not sweep each other's
        return Docker(instance=settings.INSTANCE_ID, volumes=settings.VOLUMES_DIR / settings.INSTANCE_ID)
    if name == "simulated":
        from workloads.runtimes.simulated import Simulated

        return Simulated(every_image=True)
    raise SystemExit(f"CCI_RUNTIME={name!r} is not a runtime: use docker or simulated.")
