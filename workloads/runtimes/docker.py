"""Pods on Docker: what the daemon is asked, in which order, and what is left when it stops half way.

A sandbox is a pause container that owns the network namespace; the pod's containers join it. Starting the container
that owns a network namespace is by far the dearest step, so sandboxes are kept warm and given away by renaming
(`names`). What is sent is plain data from `payloads`; what comes back is read by `inspection`; `daemon` holds the line.
"""

from __future__ import annotations

import logging
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from workloads.meta.keys import Uid
from workloads.runtimes import archive as archives
from workloads.runtimes import (
    dockersessions,
    etcfiles,
    hangups,
    hostnames,
    inspection,
    logtext,
    names,
    pause,
    payloads,
    podports,
)
from workloads.runtimes.ahead import Ahead, Made, Making, joins
from workloads.runtimes.archive import Archive, Life
from workloads.runtimes.base import (
    Capacity,
    ContainerSpec,
    ContainerStatus,
    ContainerUsage,
    DiskUsage,
    DnsSpec,
    ExecSpec,
    FileSystem,
    ImageFault,
    LocalImage,
    LogStream,
    Machine,
    NetworkSpec,
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
from workloads.runtimes.cgroups import Cgroups
from workloads.runtimes.daemon import Conflict, Daemon, Found, Missing, Overlap
from workloads.runtimes.diskusage import Written
from workloads.runtimes.groupusage import GroupUsage, from_stats
from workloads.runtimes.headstarts import Headstarts
from workloads.runtimes.hostclaims import HostClaims
from workloads.runtimes.hostvolumes import HostVolumes
from workloads.runtimes.podfiles import PodFiles
from workloads.runtimes.pulls import Layers
from workloads.runtimes.slices import Slices
from workloads.runtimes.subnets import NoRoom, free_subnet, routed

logger = logging.getLogger(__name__)

KEPT_ATTEMPTS = 2
"""The newest attempt of a container and the one before; of older ones only the logs are kept."""

SUBNETS_TRIED = 20
_LOOKS, _LOOK_AGAIN_SECONDS = 40, 0.05
_EVENTS = ["die", "destroy"]
"""Not "start": who starts a container knows, and would be woken by its own doing."""
_ROUTES = Path("/proc/net/route")
_VOLUMES = Path("/run/cci/pods")
_LOGS = Path("/run/cci/logs")
"""Of what runs without an installation."""


_CONTAINERD_STORE = ["driver-type", "io.containerd.snapshotter.v1"]


@dataclass(frozen=True)
class _Host:
    """What does not change while this process lives."""

    architecture: str
    capacity: Capacity
    machine: Machine
    cgroups: Cgroups
    images: Path
    """Where the daemon keeps them, on its host."""
    digests_mean_pulled: bool
    """Whether an image with a digest was pulled. Docker's containerd store gives one to what is built, too."""


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
        self._headstarts = Headstarts(volumes.with_name(f"{volumes.name}-headstarts"))
        self._headstarts.put_back()
        self._daemon = Daemon(base_url)
        self._ahead = Ahead(self._daemon)
        self._written = Written(self._daemon)
        self._here: set[str] = set()
        self._entrances: dict[tuple[Uid, str | None], _Entrance] = {}
        self._giving = threading.Lock()
        self._dresses: bool | None = None

    # The host

    def now(self) -> datetime:
        """A daemon on this host has this host's clock."""
        if self._daemon.is_local:
            return datetime.now(UTC)
        return inspection.moment(self._daemon.info()["SystemTime"]) or datetime.now(UTC)

    def capacity(self) -> Capacity:
        return self._host.capacity

    def machine(self) -> Machine:
        return self._host.machine

    # Images

    def image_id(self, image: str) -> str | None:
        found = self._daemon.image(image)
        return found["Id"] if found else None

    def has_image(self, image: str) -> bool:
        if image not in self._here and self._daemon.image(image) is not None:
            self._here.add(image)
        return image in self._here

    def image_user(self, image: str) -> str:
        found = self._daemon.image(image)
        return str((found["Config"] or {}).get("User") or "") if found else ""

    def images(self) -> list[LocalImage]:
        named = [
            LocalImage(name=tag, id=image["Id"], size_bytes=image["Size"])
            for image in self._daemon.images()
            for tag in image["RepoTags"] or ()
            if tag != "<none>:<none>" and not tag.startswith(pause.REPOSITORY)
        ]
        return sorted(named, key=lambda image: image.name)

    def stored_images(self) -> list[StoredImage]:
        used = {one["ImageID"] for one in self._daemon.containers()}
        named = ((image, _tags(image)) for image in self._daemon.images())
        return [
            StoredImage(
                id=image["Id"],
                names=tags,
                size_bytes=image["Size"],
                in_registry=self._host.digests_mean_pulled and bool(image.get("RepoDigests")),
                in_use=image["Id"] in used,
            )
            for image, tags in named
            if not any(tag.startswith(pause.REPOSITORY) for tag in tags)
        ]

    def remove_image(self, image: StoredImage) -> bool:
        self._here.difference_update(image.names)
        return all(self._daemon.remove_image(name) for name in image.names or (image.id,))

    def file_systems(self) -> list[FileSystem]:
        """The daemon's own is seen where it is on this host and not hidden (as it is in a container)."""
        images = self._host.images if self._daemon.is_local else None
        found: dict[int, FileSystem] = {}
        for place, holds_images in ((images, True), (self._volumes.root, False)):
            if place is None or not place.exists():
                continue
            facts = os.statvfs(place)
            found.setdefault(
                place.stat().st_dev,
                FileSystem(
                    path=str(place),
                    total_bytes=facts.f_blocks * facts.f_frsize,
                    free_bytes=facts.f_bavail * facts.f_frsize,
                    holds_images=holds_images,
                ),
            )
        return list(found.values())

    def pull(
        self, image: str, *, auth: Mapping[str, str] | None = None, progress: Callable[[PullProgress], None]
    ) -> PullOutcome:
        started = self.now()
        layers = Layers()
        for message in self._daemon.pull(image, credentials=auth):
            if layers.take(message):
                progress(layers.progress)
        found = self._daemon.image(image)
        if found is None:
            raise ImageFault(f"{image} was pulled and went away at once")
        return PullOutcome(image_id=found["Id"], size_bytes=found["Size"], started_at=started, finished_at=self.now())

    # Networks

    def ensure_network(self, network: NetworkSpec) -> NetworkSpec:
        existing = self._daemon.networks()
        for found in existing:
            if found["Name"] == network.name:
                return replace(network, cidr=inspection.subnets(found)[0])
        taken = [cidr for found in existing for cidr in inspection.subnets(found)]
        return replace(network, cidr=self._make_network(network, taken))

    def remove_network(self, name: str) -> None:
        for warm in self._pool(name):
            self._daemon.remove(_name(warm))
        self._daemon.remove_network(name)

    # The pool

    def pools(self) -> dict[str, int]:
        label = [f"{names.INSTANCE}={self.instance}", names.WARM]
        found = self._daemon.containers(label=label, name=f"^/{names.WARM_PREFIX}")
        sizes = dict.fromkeys((one["Labels"][names.WARM] for one in found), 0)
        for one in found:
            sizes[one["Labels"][names.WARM]] += _is_up(one)
        return sizes

    def warm(self, network: NetworkSpec, *, size: int, max_age: timedelta | None = None) -> int:
        pool = self._pool(network.name)
        size = 0 if self._dresses is False else size
        ready = [one for one in pool if _is_up(one)]
        stale = [one for one in pool if not _is_up(one) or self._is_older(one, max_age)]
        unwanted = stale or ready[size:]
        if unwanted:
            # by the warm name: the moment a pod takes it, there is nothing of that name to remove
            self._daemon.remove(_name(unwanted[0]))
            return len(ready) - (unwanted[0] in ready)
        if len(ready) == size:
            return size
        body = payloads.warm_sandbox(network, image=self._pause_image(), instance=self.instance)
        name = names.warm_name()
        self._run(name, body)
        if not self._can_dress(name):
            self._daemon.remove(name)
            return 0
        return len(ready) + 1

    # Pods

    def ensure_volumes(self, spec: SandboxSpec) -> None:
        self._volumes.ensure(spec)

    def volume_owners(self) -> list[Uid]:
        return list({*self._volumes.owners(), *self._host.cgroups.owners()})

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
        found = self._inspect(name)
        if found is None:
            return self._take_warm(spec, name, first) or self._make(spec, name, first)
        if not _runs(found):
            # what still runs in it sits in a network that is gone
            self.kill(spec.uid)
            self._daemon.start(name)
            if inspection.is_warm(found):
                self._dressed(self._daemon.inspect(name), spec)  # the daemon wrote its first name back
        return self.observe(spec.uid) or self._make(spec, name, first)

    def start_container(self, spec: SandboxSpec, container: str, *, attempt: int) -> ContainerStatus:
        name = names.container_name(spec.uid, container, attempt)
        made = self._ahead.take(name)
        sandbox = made.sandbox if made else self._running_sandbox(spec)
        body = self._body(spec, container, attempt, sandbox=sandbox["Id"])
        try:
            id = self._created(name, body, made)
        except Conflict:
            found = self._found_when_made(name)
            status = inspection.container_status(found)
            if status.state != "created":
                return status
            id = status.id if joins(found, sandbox["Id"]) else self._created_anew(name, body)
        self._write_etc(spec, sandbox)
        with self._named(spec, sandbox, id, body), self._headstart(spec, container, id, body):
            status = self._start(id)
        if attempt >= KEPT_ATTEMPTS:
            self._remove_read(names.container_name(spec.uid, container, attempt - KEPT_ATTEMPTS))
            self._files.forget_message(spec.uid, container, attempt - KEPT_ATTEMPTS)
        return status

    def _found_when_made(self, name: str) -> Found:
        """A name is taken before its container can be seen: somebody's create is still under way."""
        for _ in range(_LOOKS):
            if found := self._inspect(name):
                return found
            time.sleep(_LOOK_AGAIN_SECONDS)
        raise RuntimeFault(f"the name {name} is taken, and no container has it yet")

    def observe(self, uid: Uid) -> SandboxStatus | None:
        found = (self._inspect(one["Id"]) for one in self._list(uid))
        return self._read(uid, [one for one in found if one])

    def usage(self) -> list[ContainerUsage]:
        """From the host's control groups; where this process does not see them, Docker is asked container by container,
        which takes some milliseconds for each."""
        if self._group_usage.sees_groups():
            return self._group_usage.read()
        running = [one for one in self._list() if _is_up(one) and names.CONTAINER in one["Labels"]]
        read = (from_stats(*_whose(one), self._daemon.stats(one["Id"])) for one in running)
        return [one for one in read if one]

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
            found = self._inspect(id)
            if found:
                self._daemon.signal(id, found["Config"].get("StopSignal") or "SIGTERM")

    def kill(self, uid: Uid, *, container: str | None = None) -> None:
        for id in self._running(uid, container):
            self._daemon.signal(id, "SIGKILL")
            self._daemon.wait(id)

    def stop_sandbox(self, uid: Uid) -> None:
        for one in self._list(uid):
            if _is_up(one) and names.CONTAINER not in one["Labels"]:
                self._daemon.signal(one["Id"], "SIGKILL")
                self._daemon.wait(one["Id"])

    def remove_sandbox(self, uid: Uid) -> None:
        """The containers before the sandbox they sit in, so that a crash in between leaves something to find."""
        for one in sorted(self._list(uid), key=lambda one: names.CONTAINER not in one["Labels"]):
            if names.CONTAINER in one["Labels"]:
                self._remove_read(one["Id"])
            else:
                self._daemon.remove(one["Id"])
        self._host.cgroups.remove(uid)
        self._volumes.remove(uid)

    def losses(self, uid: Uid) -> list[str]:
        return self._archive.losses(uid)

    def sandboxes(self) -> list[SandboxStatus]:
        of_pod: dict[Uid, list[Found]] = {}
        for one in self._list():
            uid = _owner(_name(one), one["Labels"])
            found = self._inspect(one["Id"]) if uid else None
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
            uid = _owner(attributes["name"], attributes)
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
    def _host(self) -> _Host:
        info = self._daemon.info()
        driver = info.get("CgroupDriver", "") if self._daemon.is_local else ""
        cgroups = Cgroups(driver=driver, version=info.get("CgroupVersion", "1"), slices=Slices(self.instance))
        capacity = Capacity(cpu_millis=info["NCPU"] * 1000, memory_bytes=info["MemTotal"])
        images = Path(info.get("DockerRootDir") or "/var/lib/docker")
        return _Host(
            architecture=info["Architecture"],
            capacity=capacity,
            machine=_machine(info),
            cgroups=cgroups,
            images=images,
            digests_mean_pulled=_CONTAINERD_STORE not in (info.get("DriverStatus") or ()),
        )

    @cached_property
    def _group_usage(self) -> GroupUsage:
        return GroupUsage(self._host.cgroups, whose=self._containers_by_id)

    def _containers_by_id(self) -> dict[str, tuple[Uid, str]]:
        return {id: (uid, name) for uid, name, id in map(_whose, self._list()) if name}

    def _kill_process(self, pid: int, *, container: str) -> None:
        """The daemon stops no command; whoever sees the container's processes can. That it is one of them is made sure
        of: seen from elsewhere, the number is somebody else's."""
        if not pid or not self._daemon.is_local:
            return
        with suppress(OSError):
            if container in Path(f"/proc/{pid}/cgroup").read_text():
                os.kill(pid, signal.SIGKILL)

    def _pause_image(self) -> str:
        """Its name; the image is made when it is not there."""
        architecture = self._host.architecture
        name = pause.image_name(architecture)
        if self._daemon.image(name) is None:
            changes = [f'ENTRYPOINT ["{pause.ENTRYPOINT}"]']
            self._daemon.import_image(name, pause.image_tar(architecture), changes=changes)
        return name

    def _make_network(self, network: NetworkSpec, taken: list[str]) -> str:
        """Returns its subnet. Who took one since we looked may not be in the list yet: then the next one is tried."""
        labels = {**network.labels, names.INSTANCE: self.instance}
        for _ in range(SUBNETS_TRIED):
            cidr = self._free_subnet(network.cidr, taken)
            try:
                self._daemon.create_network(network.name, subnet=cidr, labels=labels)
            except Overlap:
                taken = [*taken, cidr]
            else:
                return cidr
        raise RuntimeFault(f"{SUBNETS_TRIED} subnets that seemed free are taken, the last was {cidr}")

    def _free_subnet(self, wanted: str, taken: list[str]) -> str:
        """Away from what the host routes elsewhere, if there is room away from it."""
        elsewhere = routed(_ROUTES.read_text()) if self._daemon.is_local and _ROUTES.exists() else []
        with suppress(NoRoom):
            return free_subnet(wanted, taken + elsewhere)
        try:
            return free_subnet(wanted, taken)
        except NoRoom as error:
            raise RuntimeFault(str(error)) from error

    def _pool(self, network: str) -> list[Found]:
        """The network's sandboxes that are nobody's yet, newest first."""
        labels = [f"{names.INSTANCE}={self.instance}", f"{names.WARM}={network}"]
        found = self._daemon.containers(label=labels, name=f"^/{names.WARM_PREFIX}")
        return sorted(found, key=lambda one: one["Created"], reverse=True)

    def _is_older(self, one: Found, max_age: timedelta | None) -> bool:
        return max_age is not None and self.now().timestamp() - one["Created"] > max_age.total_seconds()

    def _take_warm(self, spec: SandboxSpec, name: str, first: tuple[str, int] | None) -> SandboxStatus | None:
        """Takes a warm sandbox by renaming it; None when there is none to take.

        Two who want the same one: the rename goes by the *warm* name, so the slower finds nothing of that name. What
        remains is a rename that was let in before the faster one had finished: then the faster finds nothing under its
        pod's name, and takes the next. Within a process the lock keeps them apart."""
        with self._giving:
            for warm in self._to_give(spec):
                with self._making(spec, first, sandbox=warm["Id"]) as making:
                    with suppress(Missing, Conflict):
                        self._daemon.rename(_name(warm), name)
                    taken = self._inspect(name)
                    if taken is None:
                        continue
                    status = self._dressed(taken, spec)
                    if making and status and taken["Id"] == warm["Id"]:
                        making.keep(taken)
                    return status
        return None

    def _to_give(self, spec: SandboxSpec) -> list[Found]:
        """Ready sandboxes on the pod's network, if their host names can be changed from here."""
        if self._dresses is False:
            return []
        ready = [one for one in self._pool(spec.network.name) if _is_up(one)]
        random.shuffle(ready)
        return ready if ready and self._can_dress(_name(ready[0])) else []

    def _can_dress(self, name: str) -> bool:
        """Whether this process reaches the host's containers, so that a warm sandbox can get its pod's host name.
        Looked at once: a process does not move."""
        if self._dresses is None:
            found = self._inspect(name)
            if found is None:
                return False
            problem = self._why_out_of_reach(found)
            if problem:
                logger.warning("warm sandboxes are not used, because this process cannot name them: %s", problem)
            self._dresses = not problem
        return self._dresses

    def _why_out_of_reach(self, sandbox: Found) -> str:
        if not self._daemon.is_local:
            return "the daemon is on another host"
        try:
            hostnames.require(
                sandbox["State"]["Pid"],
                processes=self._host.cgroups.processes(sandbox["Id"], parent=""),
                files=(sandbox["HostnamePath"], sandbox["HostsPath"]),
            )
        except OSError as error:
            return str(error)
        return ""

    def _dressed(self, taken: Found, spec: SandboxSpec) -> SandboxStatus | None:
        """Gives the sandbox the pod's host name. Where that cannot be, the sandbox goes: better slow than misnamed."""
        try:
            hostnames.write_files(
                hostname_file=taken["HostnamePath"],
                hosts_file=taken["HostsPath"],
                old=taken["Config"]["Hostname"],
                new=spec.hostname,
            )
        except OSError as error:
            logger.warning("sandbox %s cannot be named and goes: %s", taken["Name"], error)
            self._daemon.remove(taken["Id"])
            return None
        return self._read(spec.uid, [taken])

    def _make(self, spec: SandboxSpec, name: str, first: tuple[str, int] | None) -> SandboxStatus:
        body = payloads.sandbox(spec, image=self._pause_image(), instance=self.instance)
        with suppress(Conflict):
            id = self._daemon.create(name, body)
            with self._making(spec, first, sandbox=id) as making:
                self._start_or_remove(id)
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
        if first is None or any(mount.sub_path for mount in _container(spec, container).mounts):
            yield None
            return
        name = names.container_name(spec.uid, container, attempt)
        with self._ahead.making(name, lambda: self._body(spec, container, attempt, sandbox=sandbox)) as making:
            yield making

    def _run(self, name: str, body: payloads.Body) -> None:
        """All or nothing."""
        self._start_or_remove(self._daemon.create(name, body))

    def _start_or_remove(self, id: str) -> None:
        try:
            self._daemon.start(id)
        except RuntimeFault:
            with suppress(RuntimeFault):
                self._daemon.remove(id)
            raise

    def _start(self, id: str) -> ContainerStatus:
        """A command that is missing or may not be run is the container's end, and Docker notes it on the container.
        Any other refusal is the host's: the container goes, and the same attempt may be made again."""
        try:
            self._daemon.start(id)
        except RuntimeGone:
            raise
        except RuntimeFault:
            status = inspection.container_status(self._daemon.inspect(id))
            if status.state == "created":
                self._daemon.remove(id)
                raise
            return status
        return inspection.container_status(self._daemon.inspect(id))

    def _remove_read(self, name: str) -> None:
        """Removes a container when it has stopped and its log is in the archive, if it ever ran."""
        found = self._inspect(name)
        if found is None:
            return
        if _runs(found):
            self._daemon.signal(found["Id"], "SIGKILL")
            self._daemon.wait(found["Id"])
            found = self._inspect(found["Id"]) or found
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

    def _running_sandbox(self, spec: SandboxSpec) -> Found:
        sandbox = self._inspect(names.sandbox_name(spec.uid, spec.name))
        if sandbox is None or not _runs(sandbox):
            raise RuntimeFault(f"the sandbox of pod {spec.namespace}/{spec.name} does not run")
        return sandbox

    def _body(self, spec: SandboxSpec, container: str, attempt: int, *, sandbox: str) -> payloads.Body:
        wanted = _container(spec, container)
        return payloads.container(
            spec,
            wanted,
            attempt=attempt,
            sandbox=sandbox,
            cgroup=self._pod_group(spec),
            instance=self.instance,
            image_user=self.image_user(wanted.image) if wanted.security.group is not None else "",
            sources=[self._volumes.source(spec, wanted, number) for number in range(len(wanted.mounts))],
            files=self._own_files(spec, wanted, attempt),
        )

    def _own_files(self, spec: SandboxSpec, wanted: ContainerSpec, attempt: int) -> dict[str, str]:
        """The host's paths of single files by their places in the container. What is in them is `_write_etc`'s."""
        files = {"/etc/hosts": self._files.etc_file(spec.uid, "hosts")}
        if spec.dns != DnsSpec():
            files["/etc/resolv.conf"] = self._files.etc_file(spec.uid, "resolv.conf")
        if wanted.message_path:
            files[wanted.message_path] = self._files.message_file(spec.uid, wanted.name, attempt)
        return files

    def _write_etc(self, spec: SandboxSpec, sandbox: Found) -> None:
        """Before each start: the pod's address is another one in another sandbox."""
        hosts = etcfiles.hosts(inspection.address(sandbox), spec.names, spec.aliases, spec.services)
        self._files.write_etc(spec.uid, "hosts", hosts)
        if spec.dns != DnsSpec():
            self._files.write_etc(spec.uid, "resolv.conf", etcfiles.resolv(spec.dns, _networks_resolver(sandbox)))

    def _created(self, name: str, body: payloads.Body, made: Made | None) -> str:
        """The id of the container; one that was made ahead is that container if it would be made the same now."""
        if made and made.body == body:
            return made.id
        if made:
            self._daemon.remove(made.id)
        try:
            return self._daemon.create(name, body)
        except ImageFault:
            self._here.discard(body["Image"])
            raise

    def _created_anew(self, name: str, body: payloads.Body) -> str:
        """It was made for a sandbox that the pod did not get."""
        self._daemon.remove(name)
        return self._daemon.create(name, body)

    def _pod_group(self, spec: SandboxSpec) -> str:
        """No lower than its largest container: the kernel refuses a child above its parent."""
        memory = [one.memory_bytes for one in spec.containers]
        return self._host.cgroups.pod_group(
            spec.uid,
            cpu_millis=_pod_cpu(spec),
            memory_bytes=max(spec.memory_bytes, *memory) if spec.memory_bytes else 0,
        )

    @contextmanager
    def _named(self, spec: SandboxSpec, sandbox: Found, id: str, body: payloads.Body) -> Iterator[None]:
        """Around the start of a container whose sandbox was made under another name than its pod's."""
        old = sandbox["Config"]["Hostname"]
        if old == spec.hostname:
            yield
            return
        processes = self._host.cgroups.processes(id, parent=body["HostConfig"].get("CgroupParent", ""))
        with hostnames.named_while_starting(processes, old=old, new=spec.hostname):
            yield

    def _headstart(
        self, spec: SandboxSpec, container: str, id: str, body: payloads.Body
    ) -> AbstractContextManager[None]:
        """Around the start of a container whose own limit would hold it up."""
        limits = self._host.cgroups.cpu_limits(
            id,
            parent=body["HostConfig"].get("CgroupParent", ""),
            cpu_millis=_container(spec, container).cpu_millis or spec.cpu_millis,
            pod_millis=_pod_cpu(spec),
        )
        return self._headstarts.given(id, limits) if limits else nullcontext()

    def _list(self, uid: Uid | None = None) -> list[Found]:
        """This install's containers, or those of one pod."""
        label = [f"{names.INSTANCE}={self.instance}"]
        if uid is None:
            return self._daemon.containers(label=label)
        found = self._daemon.containers(label=label, name=f"^/cci-{uid}[_-]")
        return [one for one in found if _owner(_name(one), one["Labels"]) == uid]

    def _one_running(self, uid: Uid, container: str, account: str | None) -> str:
        """The id of the attempt that runs. Raises KeyError when there never was one, RuntimeFault when none runs."""
        known = [one for one in self._list(uid) if one["Labels"].get(names.CONTAINER) == container]
        if not known or account not in (None, known[0]["Labels"].get(names.ACCOUNT)):
            raise KeyError(container)
        for one in known:
            if _is_up(one):
                return str(one["Id"])
        raise RuntimeFault(f'container "{container}" is not running')

    def _entrance(self, uid: Uid, account: str | None) -> _Entrance:
        """Raises KeyError."""
        listed = self._list(uid)
        if account is not None and not any(one["Labels"].get(names.ACCOUNT) == account for one in listed):
            raise KeyError(uid)
        found = [self._inspect(one["Id"]) for one in listed if names.CONTAINER not in one["Labels"]]
        sandbox = next((one for one in found if one and _runs(one)), None)
        if sandbox is None:
            raise KeyError(uid)
        if len(self._entrances) >= _MOST_ENTRANCES:
            self._entrances.clear()
        return _Entrance(str(sandbox["Id"]), int(sandbox["State"]["Pid"]), inspection.address(sandbox))

    def _running(self, uid: Uid, container: str | None) -> list[str]:
        """The ids of the pod's running containers, or of one of them; never the sandbox itself."""
        up = [one for one in self._list(uid) if _is_up(one) and names.CONTAINER in one["Labels"]]
        return [one["Id"] for one in up if container is None or one["Labels"][names.CONTAINER] == container]

    def _inspect(self, name: str) -> Found | None:
        with suppress(Missing):
            return self._daemon.inspect(name)
        return None

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


def _pod_cpu(spec: SandboxSpec) -> int:
    """What the pod's group may have, in thousandths of a core; 0: as much as there is."""
    return max(spec.cpu_millis, *(one.cpu_millis for one in spec.containers)) if spec.cpu_millis else 0


def _container(spec: SandboxSpec, name: str) -> ContainerSpec:
    return next(one for one in spec.containers if one.name == name)


def _tags(listed: Found) -> tuple[str, ...]:
    return tuple(tag for tag in listed["RepoTags"] or () if tag != "<none>:<none>")


def _name(listed: Found) -> str:
    return str(listed["Names"][0]).lstrip("/")


def _owner(name: str, labels: Mapping[str, str]) -> Uid | None:
    """The pod whose container it is; None for a warm sandbox."""
    if names.CONTAINER in labels:
        return Uid(labels[names.POD_UID])
    owner = names.pod_of(name)
    return owner[0] if owner else None


def _whose(listed: Found) -> tuple[Uid, str, str]:
    """Pod, container and id; "" for the container where it is a sandbox."""
    labels = listed["Labels"]
    return Uid(labels.get(names.POD_UID, "")), labels.get(names.CONTAINER, ""), str(listed["Id"])


def _is_up(listed: Found) -> bool:
    return bool(listed["State"] == "running")


def _runs(inspected: Found) -> bool:
    return bool(inspected["State"]["Running"])


def _networks_resolver(sandbox: Found) -> str:
    """The daemon's resolv.conf of the sandbox; where it cannot be read from here, what every one says at least."""
    with suppress(OSError):
        return Path(sandbox["ResolvConfPath"]).read_text()
    return etcfiles.NETWORKS


def _given_at(sandbox: Found | None) -> datetime | None:
    """When a warm sandbox went to its pod: that is when its host name was written."""
    if sandbox is None or not inspection.is_warm(sandbox):
        return None
    with suppress(OSError):
        return datetime.fromtimestamp(Path(sandbox["HostnamePath"]).stat().st_mtime, tz=UTC)
    return None


_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def _machine(info: Found) -> Machine:
    said = str(info["Architecture"])
    return Machine(
        id=str(info.get("ID", "")),
        architecture=_ARCHITECTURES.get(said, said),
        kernel=str(info.get("KernelVersion", "")),
        system=str(info.get("OperatingSystem", "")),
        runtime=f"docker://{info.get('ServerVersion', '')}",
    )
