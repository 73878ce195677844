"""Gets a container's image to this host, or says in the pod's status why it is not here yet."""

from __future__ import annotations

from datetime import datetime, timedelta

from workloads.controllers.pods import configuration, images, pulls, restarts
from workloads.controllers.pods.look import Look
from workloads.meta import times
from workloads.runtimes.base import PullOutcome
from workloads.runtimes.credentials import Credentials, of_image
from workloads.store import imageuses
from workloads.store.imageuses import Use

LOOK_FOR_IMAGE_SECONDS = 10.0
PROGRESS_SECONDS = 1.0
_LOST = "Unable to retrieve some image pull secrets ({}); attempting to pull the image may not succeed."
SHOW_ERROR = timedelta(seconds=2)
"""How long ErrImagePull is shown before it becomes ImagePullBackOff."""


def ready(look: Look, name: str, move: restarts.Start) -> bool:
    """Whether the container's image can be started from now; if not, why, in the container's status."""
    container = next(one for one in look.every if one["name"] == name)
    image, policy = container["image"], images.policy_of(container)
    record = look.lifecycle.image(image)
    answer = images.decide(
        policy,
        local=look.runtime.has_image(image),
        record=record,
        needed_since=move.since,
        now=look.now,
    )
    if isinstance(answer, images.Pull):
        return _pull(look, name, image, since=answer.since)
    if isinstance(answer, images.BackOff):
        _back_off(look, name, image, answer)
        return False
    if isinstance(answer, images.Absent):
        _absent(look, name, image)
        return False
    if not record or images.asked_at(record):
        _found_here(look, image)
    return True


def used(look: Look, image: str, id: str) -> None:
    """Remembered for when the disk is short."""
    imageuses.note(Use(id, look.key.account, look.key.namespace, image, look.now))


def mark_pulled(look: Look) -> None:
    """Every image is here: the last pull's end, or now when nothing had to be pulled."""
    ends = [record["pulledAt"] for record in look.lifecycle.data.get("images", {}).values() if "pulledAt" in record]
    look.lifecycle.mark("pulledAt", times.parse(max(ends)) if ends else look.now)


def _found_here(look: Look, image: str) -> None:
    """It was here all the time, or a pull that this pod asked for has ended."""
    record = look.lifecycle.image(image)
    since = images.asked_at(record)
    outcome = look.host.pulls.outcome(image, since=since, credentials=_known(look, image)) if since else None
    if outcome is not None:
        _pulled(look, image, outcome)
        return
    record.clear()
    look.tell("Pulled", f'Container image "{image}" already present on machine')
    look.lifecycle.data.setdefault("pull", {"image": image, "currentBytes": 0, "totalBytes": 0, "cached": True})


def _pull(look: Look, name: str, image: str, *, since: datetime) -> bool:
    record = look.lifecycle.image(image)
    secrets, lost = configuration.pull_secrets(look)
    credentials = of_image(image, secrets)
    if "askedAt" not in record:
        if lost:
            look.tell("FailedToRetrieveImagePullSecret", _LOST.format(", ".join(lost)), type="Warning")
        look.tell("Pulling", f'Pulling image "{image}"')
        images.asked(record, since=since)
    state = look.host.pulls.ask(image, since=since, key=look.key, credentials=credentials)
    if isinstance(state, pulls.Pulled):
        _pulled(look, image, state.outcome)
        return True
    if isinstance(state, pulls.Refused):
        _refused(look, name, image, state.error)
        return False
    _note_progress(look, image, size=state.progress.current_bytes, total=state.progress.total_bytes)
    look.wait(
        name, "PodInitializing" if look.inits else "ContainerCreating", images.progress_message(image, state.progress)
    )
    look.wake_in(PROGRESS_SECONDS)
    return False


def _known(look: Look, image: str) -> tuple[Credentials, ...]:
    return of_image(image, configuration.pull_secrets(look)[0])


def _pulled(look: Look, image: str, outcome: PullOutcome) -> None:
    _note_progress(look, image, size=outcome.size_bytes, total=outcome.size_bytes)
    used(look, image, outcome.image_id)
    images.pulled(look.lifecycle.image(image), outcome)
    look.tell("Pulled", images.pulled_message(image, outcome))


def _note_progress(look: Look, image: str, *, size: int, total: int) -> None:
    look.lifecycle.data["pull"] = {"image": image, "currentBytes": size, "totalBytes": total, "cached": False}


def _refused(look: Look, name: str, image: str, error: str) -> None:
    images.failed(look.lifecycle.image(image), error=error, now=look.now)
    look.wait(name, "ErrImagePull", error)
    look.tell("Failed", f'Failed to pull image "{image}": {error}', type="Warning")
    look.tell("Failed", "Error: ErrImagePull", type="Warning")
    look.wake_at(look.now + SHOW_ERROR)


def _back_off(look: Look, name: str, image: str, answer: images.BackOff) -> None:
    """The error itself is shown for a moment, the wait after that."""
    shown_until = answer.since + SHOW_ERROR
    if look.now < shown_until:
        look.wait(name, "ErrImagePull", answer.error)
        look.wake_at(shown_until)
        return
    look.wait(name, "ImagePullBackOff", f'Back-off pulling image "{image}": ErrImagePull: {answer.error}')
    if look.was_not(name, "ImagePullBackOff"):
        look.tell("BackOff", f'Back-off pulling image "{image}"')
        look.tell("Failed", "Error: ImagePullBackOff", type="Warning")
    look.wake_at(answer.until)


def _absent(look: Look, name: str, image: str) -> None:
    message = f'Container image "{image}" is not present with pull policy of Never'
    look.wait(name, "ErrImageNeverPull", message)
    if look.was_not(name, "ErrImageNeverPull"):
        look.tell("ErrImageNeverPull", message, type="Warning")
        look.tell("Failed", "Error: ErrImageNeverPull", type="Warning")
    look.wake_in(LOOK_FOR_IMAGE_SECONDS)
