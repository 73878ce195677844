"""Images on the daemon: which are here, pulling and removing them, and the pause image, which is made here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from workloads.runtimes import inspection, pause
from workloads.runtimes.base import ImageFault, LocalImage, PullOutcome, PullProgress, StoredImage
from workloads.runtimes.daemon import Daemon
from workloads.runtimes.dockerhost import DockerHost
from workloads.runtimes.pulls import Layers


class DockerImages:
    def __init__(self, daemon: Daemon, host: DockerHost) -> None:
        self._daemon = daemon
        self._host = host
        self._here: set[str] = set()

    def id_of(self, image: str) -> str | None:
        found = self._daemon.image(image)
        return found["Id"] if found else None

    def has(self, image: str) -> bool:
        if image not in self._here and self._daemon.image(image) is not None:
            self._here.add(image)
        return image in self._here

    def missed(self, image: str) -> None:
        """It was thought to be here, and is not."""
        self._here.discard(image)

    def user_of(self, image: str) -> str:
        found = self._daemon.image(image)
        return str((found["Config"] or {}).get("User") or "") if found else ""

    def named(self) -> list[LocalImage]:
        named = [
            LocalImage(name=tag, id=image["Id"], size_bytes=image["Size"])
            for image in self._daemon.images()
            for tag in image["RepoTags"] or ()
            if tag != "<none>:<none>" and not tag.startswith(pause.REPOSITORY)
        ]
        return sorted(named, key=lambda image: image.name)

    def stored(self) -> list[StoredImage]:
        used = {one["ImageID"] for one in self._daemon.containers()}
        named = ((image, inspection.tags(image)) for image in self._daemon.images())
        return [
            StoredImage(
                id=image["Id"],
                names=tags,
                size_bytes=image["Size"],
                in_registry=self._host.facts.digests_mean_pulled and bool(image.get("RepoDigests")),
                in_use=image["Id"] in used,
            )
            for image, tags in named
            if not any(tag.startswith(pause.REPOSITORY) for tag in tags)
        ]

    def remove(self, image: StoredImage) -> bool:
        self._here.difference_update(image.names)
        return all(self._daemon.remove_image(name) for name in image.names or (image.id,))

    def pull(
        self, image: str, *, auth: Mapping[str, str] | None = None, progress: Callable[[PullProgress], None]
    ) -> PullOutcome:
        started = self._daemon.now()
        layers = Layers()
        for message in self._daemon.pull(image, credentials=auth):
            if layers.take(message):
                progress(layers.progress)
        found = self._daemon.image(image)
        if found is None:
            raise ImageFault(f"{image} was pulled and went away at once")
        return PullOutcome(
            image_id=found["Id"], size_bytes=found["Size"], started_at=started, finished_at=self._daemon.now()
        )

    def pause(self) -> str:
        """Its name; the image is made when it is not there."""
        architecture = self._host.facts.architecture
        name = pause.image_name(architecture)
        if self._daemon.image(name) is None:
            changes = [f'ENTRYPOINT ["{pause.ENTRYPOINT}"]']
            self._daemon.import_image(name, pause.image_tar(architecture), changes=changes)
        return name
