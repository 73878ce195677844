"""Pods on Docker: what the daemon is asked, in which order, and what is left when it stops half way.

A sandbox is a pause container that owns the network namespace; the pod's containers join it. Starting the container
that owns a network namespace is by far the dearest step, so sandboxes are kept warm and given away by renaming
(`names`). What is sent is plain data from `payloads`; what comes back is read by `inspection`; `daemon` holds the line.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from workloads.meta.keys import Uid
from workloads.runtimes import archive as archives
from workloads.runtimes import (
    dockersessions,
    hangups,
    inspection,
    logtext,
    names,
    payloads,
    podports,
)
from workloads.runtimes.ahead import Making
from workloads.runtimes.archive import Archive, Life
from workloads.runtimes.base import (
    Capacity,
    ContainerStatus,
    ContainerUsage,
    DiskUsage,
    ExecSpec,
    FileSystem,
    LocalImage,
    LogStream,
    Machine,
    NetworkSpec,
    PodTraffic,
    PullOutcome,
    PullProgress,
    Ran,
    RuntimeEvent,
    RuntimeFault,
    RuntimeGone,
    SandboxSpec,
    SandboxStatus,
    Session,
    StoredImage,
)
from workloads.runtimes.daemon import Conflict, Daemon, Found, Missing
from workloads.runtimes.diskusage import Written
from workloads.runtimes.dockercontainers import DockerContainers, container_of
from workloads.runtimes.dockerhost import DockerHost
from workloads.runtimes.dockerimages import DockerImages
from workloads.runtimes.dockernetworks import DockerNetworks
from workloads.runtimes.groupusage import GroupUsage, from_stats, traffic_from_stats
from workloads.runtimes.headstarts import Headstarts
from workloads.runtimes.hostclaims import HostClaims
from workloads.runtimes.hostvolumes import HostVolumes
from workloads.runtimes.inspection import is_up, name_of, owner, runs, whose
from workloads.runtimes.podfiles import PodFiles
from workloads.runtimes.warmpool import WarmPool, start_or_remove

KEPT_ATTEMPTS = 2
"""The newest attempt of a container and the one before; of older ones only the logs are kept."""

_EVENTS = ["die", "destroy"]
"""Not "start": who starts a container knows, and would be woken by its own doing."""
_VOLUMES = Path("/run/cci/pods")
_LOGS = Path("/run/cci/logs")
"""Of what runs without an installation."""


@dataclass(frozen=True)
class _Entrance:
    """A way into a pod's network: its sandbox, the process of that, and its address."""

    id: str
    process: int
    address: str


_MOST_ENTRANCES = 1000


class Docker:
    """`instance` keeps several installs on one daemon apart: each sees only what carries its label. `volumes` is where
    those of pods lie on the host, by the same path for this process and the daemon, with claims beside it unless
    `claims` says otherwise; `archive` gets the logs of what is removed."""

    def __init__(
        self,
        *,
        instance: str,
        volumes: Path = _VOLUMES,
        claims: HostClaims | None = None,
        archive: Archive | None = None,
        base_url: str | None = None,
    ) -> None:
        self.instance = instance
        self.claims = claims or HostClaims(volumes.with_name(f"{volumes.name}-claims"))
        self._archive = archive or Archive(_LOGS)
        self._volumes = HostVolumes(volumes, self.claims)
        self._files = PodFiles(volumes)
        headstarts = Headstarts(volumes.with_name(f"{volumes.name}-headstarts"))
        headstarts.put_back()
        self._daemon = Daemon(base_url)
        self._host = DockerHost(self._daemon, instance=instance)
        self._images = DockerImages(self._daemon, self._host)
        self._networks = DockerNetworks(self._daemon, instance=instance)
        self._pool = WarmPool(self._daemon, self._host, self._images, instance=instance)
        self._containers = DockerContainers(
            self._daemon,
            self._host,
            self._images,
            instance=instance,
            volumes=self._volumes,
            files=self._files,
            headstarts=headstarts,
        )
        self._written = Written(self._daemon)
        self._entrances: dict[tuple[Uid, str | None], _Entrance] = {}
        self._giving = threading.Lock()

    # The host

    def now(self) -> datetime:
        return self._daemon.now()

    def capacity(self) -> Capacity:
        return self._host.facts.capacity

    def machine(self) -> Machine:
        return self._host.facts.machine

    def file_systems(self) -> list[FileSystem]:
        return self._host.file_systems(volumes=self._volumes.root)

    # Images

    def image_id(self, image: str) -> str | None:
        return self._images.id_of(image)

    def has_image(self, image: str) -> bool:
        return self._images.has(image)

    def image_user(self, image: str) -> str:
        return self._images.user_of(image)

    def images(self) -> list[LocalImage]:
        return self._images.named()

    def stored_images(self) -> list[StoredImage]:
        return self._images.stored()

    def remove_image(self, image: StoredImage) -> bool:
        return self._images.remove(image)

    def pull(
        self, image: str, *, auth: Mapping[str, str] | None = None, progress: Callable[[PullProgress], None]
    ) -> PullOutcome:
        return self._images.pull(image, auth=auth, progress=progress)

    # Networks, and the sandboxes that stand ready on them

    def ensure_network(self, network: NetworkSpec) -> NetworkSpec:
        return self._networks.ensure(network)

    def remove_network(self, name: str) -> None:
        self._pool.empty(name)
        self._daemon.remove_network(name)

    def pools(self) -> dict[str, int]:
        return self._pool.sizes()

    def warm(self, network: NetworkSpec, *, size: int, max_age: timedelta | None = None) -> int:
        return self._pool.keep(network, size=size, max_age=max_age)

    # Pods

    def ensure_volumes(self, spec: SandboxSpec) -> None:
        self._volumes.ensure(spec)

    def volume_owners(self) -> list[Uid]:
        return list({*self._volumes.owners(), *self._host.facts.cgroups.owners()})

    def disk_usage(self) -> Iterator[tuple[Uid, DiskUsage]]:
        of_pod: dict[Uid, list[Found]] = {}
        for one in self._list():
            if names.CONTAINER in one["Labels"]:
                of_pod.setdefault(Uid(one["Labels"][names.POD_UID]), []).append(one)
        self._written.forget(but={one["Id"] for found in of_pod.values() for one in found})
        for uid in {*of_pod, *self._volumes.owners()}:
            yield uid, self._used(uid, of_pod.get(uid, []))

    def ensure_sandbox(self, spec: SandboxSpec, *, first: tuple[str, int] | None = None) -> SandboxStatus:
        name = names.sandbox_name(spec.uid, spec.name)
        found = self._daemon.found(name)
        if found is None:
            return self._take_warm(spec, name, first) or self._make(spec, name, first)
        if not runs(found):
            # what still runs in it sits in a network that is gone
            self.kill(spec.uid)
            self._daemon.start(name)
            if inspection.is_warm(found):
                self._pool.dress(self._daemon.inspect(name), spec)  # the daemon wrote its first name back
        return self.observe(spec.uid) or self._make(spec, name, first)

    def start_container(self, spec: SandboxSpec, container: str, *, attempt: int) -> ContainerStatus:
        status = self._containers.start(spec, container, attempt=attempt)
        if attempt >= KEPT_ATTEMPTS:
            self._remove_read(names.container_name(spec.uid, container, attempt - KEPT_ATTEMPTS))
            self._files.forget_message(spec.uid, container, attempt - KEPT_ATTEMPTS)
        return status

    def observe(self, uid: Uid) -> SandboxStatus | None:
        found = (self._daemon.found(one["Id"]) for one in self._list(uid))
        return self._read(uid, [one for one in found if one])

    def usage(self) -> list[ContainerUsage]:
        """From the host's control groups; where this process does not see them, Docker is asked container by container,
        which takes some milliseconds for each."""
        if self._group_usage.sees_groups():
            return self._group_usage.read()
        running = [one for one in self._list() if is_up(one) and names.CONTAINER in one["Labels"]]
        read = (from_stats(*whose(one), self._daemon.stats(one["Id"])) for one in running)
        return [one for one in read if one]

    def traffic(self) -> list[PodTraffic]:
        if self._group_usage.sees_groups():
            return self._group_usage.traffic()
        sandboxes = [one for one in self._list() if is_up(one) and names.CONTAINER not in one["Labels"]]
        read = (traffic_from_stats(whose(one)[0], self._daemon.stats(one["Id"])) for one in sandboxes)
        return [one for one in read if one and one.uid]

    def exec(self, uid: Uid, container: str, command: Sequence[str], *, seconds: float) -> Ran:
        (id, *_) = self._running(uid, container) or [""]
        if not id:
            raise RuntimeFault(f"container {container} of pod {uid} does not run")
        with self._daemon.exec(id, command) as execution:
            ran = execution.result(seconds=seconds)
            if ran.exit_code is None:
                self._kill_process(execution.process(), container=id)
        return ran

    def open_exec(self, uid: Uid, container: str, spec: ExecSpec, *, account: str | None = None) -> Session:
        return dockersessions.open_exec(self._daemon, self._one_running(uid, container, account), spec)

    def attach(self, uid: Uid, container: str, *, stdin: bool, account: str | None = None) -> Session:
        id = self._one_running(uid, container, account)
        tty = self._daemon.inspect(id)["Config"]["Tty"]
        return dockersessions.attach(self._daemon, id, stdin=stdin, tty=tty)

    def connect(self, uid: Uid, port: int, *, account: str | None = None) -> socket.socket:
        """From inside where this process may enter the pod's network, else to its address by the bridge. A sandbox
        whose process is still there is still the pod's: the daemon need not be asked for every connection."""
        known = self._entrances.get((uid, account))
        if known is None or not hangups.belongs(known.process, known.id):
            known = self._entrance(uid, account)
        if self._daemon.is_local and hangups.belongs(known.process, known.id):
            self._entrances[uid, account] = known
            with suppress(PermissionError, FileNotFoundError):
                return podports.connect_inside(known.process, port)
        return podports.connect_outside(known.address, port)

    def terminate(self, uid: Uid, *, container: str | None = None) -> None:
        """With the signal the image asks for, as Kubernetes does."""
        for id in self._running(uid, container):
            found = self._daemon.found(id)
            if found:
                self._daemon.signal(id, found["Config"].get("StopSignal") or "SIGTERM")

    def kill(self, uid: Uid, *, container: str | None = None) -> None:
        for id in self._running(uid, container):
            self._daemon.signal(id, "SIGKILL")
            self._daemon.wait(id)

    def stop_sandbox(self, uid: Uid) -> None:
        for one in self._list(uid):
            if is_up(one) and names.CONTAINER not in one["Labels"]:
                self._daemon.signal(one["Id"], "SIGKILL")
                self._daemon.wait(one["Id"])

    def remove_sandbox(self, uid: Uid) -> None:
        """The containers before the sandbox they sit in, so that a crash in between leaves something to find."""
        for one in sorted(self._list(uid), key=lambda one: names.CONTAINER not in one["Labels"]):
            if names.CONTAINER in one["Labels"]:
                self._remove_read(one["Id"])
            else:
                self._daemon.remove(one["Id"])
        self._host.facts.cgroups.remove(uid)
        self._volumes.remove(uid)

    def losses(self, uid: Uid) -> list[str]:
        return self._archive.losses(uid)

    def sandboxes(self) -> list[SandboxStatus]:
        of_pod: dict[Uid, list[Found]] = {}
        for one in self._list():
            uid = owner(name_of(one), one["Labels"])
            found = self._daemon.found(one["Id"]) if uid else None
            if uid and found:
                of_pod.setdefault(uid, []).append(found)
        read = (self._read(uid, found) for uid, found in of_pod.items())
        return [status for status in read if status]

    # What happens, and what was said

    def events(self) -> Iterator[RuntimeEvent]:
        label = f"{names.INSTANCE}={self.instance}"
        return self._told(self._daemon.events(type=["container"], event=_EVENTS, label=[label]))

    def logs(
        self,
        uid: Uid,
        container: str,
        *,
        follow: bool = False,
        tail: int | None = None,
        since: datetime | None = None,
        timestamps: bool = False,
        previous: bool = False,
        attempt: int | None = None,
        account: str | None = None,
    ) -> LogStream:
        live = {
            int(one["Labels"][names.ATTEMPT]): one["Id"]
            for one in self._list(uid)
            if one["Labels"].get(names.CONTAINER) == container
            if account in (None, one["Labels"].get(names.ACCOUNT))
        }
        number = archives.attempt_of(
            live, lambda: self._archive.attempts(uid, container), previous=previous, attempt=attempt
        )
        options = {
            "follow": int(follow),
            "timestamps": int(timestamps),
            "tail": "all" if tail is None else tail,
            "since": f"{since.timestamp():.6f}" if since else 0,
        }
        if number in live:
            with suppress(Missing):  # it was removed since, and is in the archive
                return self._daemon.logs(live[number], options=options)
        return self._archive.read(
            uid, container, number, account=account, tail=tail, since=since, timestamps=timestamps
        )

    # One step each

    def _used(self, uid: Uid, attempts: list[Found]) -> DiskUsage:
        newest: dict[str, Found] = {}
        for one in sorted(attempts, key=lambda one: int(one["Labels"][names.ATTEMPT])):
            newest[one["Labels"][names.CONTAINER]] = one
        sizes = {one["Id"]: self._written.size(one["Id"]) for one in attempts}
        containers = {name: sizes.pop(one["Id"]) for name, one in newest.items()}
        before = sum(sizes.values()) + self._files.used(uid)
        return DiskUsage(containers=containers, before=before, volumes=self._volumes.used(uid))

    def _told(self, messages: Iterable[Found]) -> Iterator[RuntimeEvent]:
        for message in messages:
            attributes = message["Actor"]["Attributes"]
            uid = owner(attributes["name"], attributes)
            if uid is None:
                continue
            _, pod = names.pod_of(attributes["name"]) or (uid, attributes.get(names.POD, ""))
            yield RuntimeEvent(
                uid=uid,
                account=attributes.get(names.ACCOUNT, ""),
                namespace=attributes.get(names.NAMESPACE, ""),
                name=pod,
            )
        raise RuntimeGone("the Docker daemon ended its stream of events")

    @cached_property
    def _group_usage(self) -> GroupUsage:
        return GroupUsage(self._host.facts.cgroups, whose=self._containers_by_id)

    def _containers_by_id(self) -> dict[str, tuple[Uid, str]]:
        return {id: (uid, name) for uid, name, id in map(whose, self._list()) if name}

    def _kill_process(self, pid: int, *, container: str) -> None:
        """The daemon stops no command; whoever sees the container's processes can. That it is one of them is made sure
        of: seen from elsewhere, the number is somebody else's."""
        if not pid or not self._daemon.is_local:
            return
        with suppress(OSError):
            if container in Path(f"/proc/{pid}/cgroup").read_text():
                os.kill(pid, signal.SIGKILL)

    def _take_warm(self, spec: SandboxSpec, name: str, first: tuple[str, int] | None) -> SandboxStatus | None:
        """Takes a warm sandbox by renaming it; None when there is none to take.

        Two who want the same one: the rename goes by the *warm* name, so the slower finds nothing of that name. What
        remains is a rename that was let in before the faster one had finished: then the faster finds nothing under its
        pod's name, and takes the next. Within a process the lock keeps them apart."""
        with self._giving:
            for warm in self._pool.to_give(spec):
                with self._making(spec, first, sandbox=warm["Id"]) as making:
                    with suppress(Missing, Conflict):
                        self._daemon.rename(name_of(warm), name)
                    taken = self._daemon.found(name)
                    if taken is None:
                        continue
                    status = self._read(spec.uid, [taken]) if self._pool.dress(taken, spec) else None
                    if making and status and taken["Id"] == warm["Id"]:
                        making.keep(taken)
                    return status
        return None

    def _make(self, spec: SandboxSpec, name: str, first: tuple[str, int] | None) -> SandboxStatus:
        body = payloads.sandbox(spec, image=self._images.pause(), instance=self.instance)
        with suppress(Conflict):
            id = self._daemon.create(name, body)
            with self._making(spec, first, sandbox=id) as making:
                start_or_remove(self._daemon, id)
                if making:
                    making.keep(self._daemon.inspect(id))
        made = self._read(spec.uid, [self._daemon.inspect(name)])
        if made is None:
            raise RuntimeFault(f"the sandbox of pod {spec.namespace}/{spec.name} went away while it was made")
        return made

    @contextmanager
    def _making(self, spec: SandboxSpec, first: tuple[str, int] | None, *, sandbox: str) -> Iterator[Making | None]:
        """Meanwhile the container that will be started first is created, joined to the sandbox with that id; unless a
        part of a volume has to be prepared for it, which is done once."""
        container, attempt = first or ("", 0)
        if first is None or any(mount.sub_path for mount in container_of(spec, container).mounts):
            yield None
            return
        name = names.container_name(spec.uid, container, attempt)
        with self._containers.ahead.making(
            name, lambda: self._containers.body(spec, container, attempt, sandbox=sandbox)
        ) as making:
            yield making

    def _remove_read(self, name: str) -> None:
        """Removes a container when it has stopped and its log is in the archive, if it ever ran."""
        found = self._daemon.found(name)
        if found is None:
            return
        if runs(found):
            self._daemon.signal(found["Id"], "SIGKILL")
            self._daemon.wait(found["Id"])
            found = self._daemon.found(found["Id"]) or found
        if inspection.moment(found["State"]["StartedAt"]):
            self._archive.keep(_life(found), lambda folder: self._take_log(found, folder))
        self._daemon.remove(found["Id"])

    def _take_log(self, found: Found, folder: Path) -> None:
        """Docker's own files where this process sees them, else what the daemon tells. Raises OSError, RuntimeFault."""
        newest = Path(found["LogPath"] or "-")
        if self._daemon.is_local and os.access(newest, os.R_OK):
            files = [Path(f"{newest}.{number}") for number in range(payloads.LOG_FILES - 1, 0, -1)]
            for number, file in enumerate([*(one for one in files if one.exists()), newest]):
                archives.link_or_copy(file, folder / f"{number}.json")
            return
        with (folder / archives.TEXT).open("xb") as text:
            told = self._daemon.logs(found["Id"], options={"timestamps": 1})
            text.writelines(logtext.of_stamped(told))

    def _list(self, uid: Uid | None = None) -> list[Found]:
        """This install's containers, or those of one pod."""
        label = [f"{names.INSTANCE}={self.instance}"]
        if uid is None:
            return self._daemon.containers(label=label)
        found = self._daemon.containers(label=label, name=f"^/cci-{uid}[_-]")
        return [one for one in found if owner(name_of(one), one["Labels"]) == uid]

    def _one_running(self, uid: Uid, container: str, account: str | None) -> str:
        """The id of the attempt that runs. Raises KeyError when there never was one, RuntimeFault when none runs."""
        known = [one for one in self._list(uid) if one["Labels"].get(names.CONTAINER) == container]
        if not known or account not in (None, known[0]["Labels"].get(names.ACCOUNT)):
            raise KeyError(container)
        for one in known:
            if is_up(one):
                return str(one["Id"])
        raise RuntimeFault(f'container "{container}" is not running')

    def _entrance(self, uid: Uid, account: str | None) -> _Entrance:
        """Raises KeyError."""
        listed = self._list(uid)
        if account is not None and not any(one["Labels"].get(names.ACCOUNT) == account for one in listed):
            raise KeyError(uid)
        found = [self._daemon.found(one["Id"]) for one in listed if names.CONTAINER not in one["Labels"]]
        sandbox = next((one for one in found if one and runs(one)), None)
        if sandbox is None:
            raise KeyError(uid)
        if len(self._entrances) >= _MOST_ENTRANCES:
            self._entrances.clear()
        return _Entrance(str(sandbox["Id"]), int(sandbox["State"]["Pid"]), inspection.address(sandbox))

    def _running(self, uid: Uid, container: str | None) -> list[str]:
        """The ids of the pod's running containers, or of one of them; never the sandbox itself."""
        up = [one for one in self._list(uid) if is_up(one) and names.CONTAINER in one["Labels"]]
        return [one["Id"] for one in up if container is None or one["Labels"][names.CONTAINER] == container]

    def _read(self, uid: Uid, found: list[Found]) -> SandboxStatus | None:
        apps = [one for one in found if names.CONTAINER in one["Config"]["Labels"]]
        sandbox = next((one for one in found if one not in apps), None)
        status = inspection.sandbox_status(uid, sandbox, apps, given_at=_given_at(sandbox))
        if status is None:
            return None
        heard = {name: self._heard_out(uid, one) for name, one in status.containers.items()}
        return replace(status, containers=heard)

    def _heard_out(self, uid: Uid, status: ContainerStatus) -> ContainerStatus:
        """With the last words of what has ended."""
        last = self._heard_out(uid, status.last) if status.last else None
        said = self._files.message(uid, status.name, status.attempt) if status.state == "exited" else ""
        return replace(status, message=said, last=last)


def _life(found: Found) -> Life:
    labels, status = found["Config"]["Labels"], inspection.container_status(found)
    return Life(
        account=labels[names.ACCOUNT],
        namespace=labels[names.NAMESPACE],
        pod=labels[names.POD],
        uid=Uid(labels[names.POD_UID]),
        container=status.name,
        attempt=status.attempt,
        started=status.started_at,
        finished=status.finished_at,
        exit_code=status.exit_code,
        oom_killed=status.oom_killed,
    )


def _given_at(sandbox: Found | None) -> datetime | None:
    """When a warm sandbox went to its pod: that is when its host name was written."""
    if sandbox is None or not inspection.is_warm(sandbox):
        return None
    with suppress(OSError):
        return datetime.fromtimestamp(Path(sandbox["HostnamePath"]).stat().st_mtime, tz=UTC)
    return None
