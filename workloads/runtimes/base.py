"""The seam to whatever runs containers. One contract (tests/workloads/runtimes/test_contract.py), several runtimes.

A sandbox is what one pod runs in: its network namespace and its containers. All methods are synchronous and safe to run
again: what is already so is left so. Times are UTC, from the runtime's own clock (Docker's), never from ours.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from workloads.meta.keys import Uid
from workloads.runtimes.claims import Claims, ClaimSpec


class RuntimeFault(Exception):
    """The runtime said no; the text is its own words. Worth trying later."""


class RuntimeGone(RuntimeFault):
    """The runtime does not answer at all."""


class ImageFault(RuntimeFault):
    """The image cannot be had: `str(error)` is the registry's own words."""


class NoConnection(RuntimeFault):
    """Nobody answers at a pod's port; the text says what was tried, in Go's words."""


@dataclass(frozen=True)
class NetworkSpec:
    """One bridge network a namespace. `name` is unique on the host."""

    name: str
    cidr: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FileSpec:
    """One file that a volume shows. `path` is below the volume; nothing is logged or quoted of `data`."""

    path: str
    data: bytes = field(repr=False)
    mode: int = 0o644
    owner: int | None = None
    """The user it belongs to; None: root."""


@dataclass(frozen=True)
class VolumeSpec:
    """A folder that a pod's containers share: empty at first and theirs to write to (`files` None), or with exactly
    these files, which follow the specification while the pod runs."""

    name: str
    in_memory: bool = False
    size_bytes: int = 0
    """The limit of one in memory; 0: none of its own."""
    files: tuple[FileSpec, ...] | None = None
    group: int | None = None
    """The pod's fsGroup: owns what is in it."""
    claim: ClaimSpec | None = None
    """Whose data it shows, instead of a folder of the pod's own. It must be there."""
    may_lie_on_disk: bool = False
    """Where nothing can be kept in memory: what it shows lives for an hour."""
    group_once: bool = False
    """A claim whose root is the group's already is left as it is (`fsGroupChangePolicy: OnRootMismatch`)."""


@dataclass(frozen=True)
class MountSpec:
    """Where a container sees a volume, or the part of it at `sub_path`."""

    volume: str
    path: str
    sub_path: str = ""
    read_only: bool = False


@dataclass(frozen=True)
class SecuritySpec:
    """Who a container runs as, and what of the usual rights it has. No container may gain more than it starts with."""

    user: int | None = None
    """None: the image's."""
    group: int | None = None
    more_groups: tuple[int, ...] = ()
    read_only_root: bool = False
    dropped: tuple[str, ...] = ()
    """Capabilities, `ALL` among them; without `CAP_`."""
    added: tuple[str, ...] = ()


@dataclass(frozen=True)
class AliasSpec:
    """A line of /etc/hosts."""

    ip: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class DnsSpec:
    """Whom a pod asks for names: these servers `alone`, or after the installation's (`cluster`), or where that is "",
    after those of its network."""

    alone: bool = False
    cluster: str = ""
    domains: tuple[str, ...] = ()
    """Of the installation: they are looked in before those of the network."""
    nameservers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    """Names and values, "" for none."""


@dataclass(frozen=True)
class ContainerSpec:
    name: str
    image: str
    command: tuple[str, ...] | None
    """Kubernetes' `command`: replaces the image's entrypoint. None keeps it."""
    args: tuple[str, ...] | None
    """Kubernetes' `args`: replaces the image's cmd. None keeps it, unless `command` is given."""
    environment: Mapping[str, str]
    working_dir: str = ""
    cpu_millis: int = 0
    memory_bytes: int = 0
    pids_limit: int = 1024
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False
    mounts: tuple[MountSpec, ...] = ()
    security: SecuritySpec = SecuritySpec()
    message_path: str = ""
    """Where an attempt finds an empty file of its own, to leave its last words in; "" nowhere."""
    gpus: tuple[str, ...] = ()
    """The host's graphics cards that are the container's own, by number."""


@dataclass(frozen=True)
class SandboxSpec:
    """Everything a runtime must know of a pod, computed from the pod by `translate` (pure)."""

    uid: Uid
    account: str
    namespace: str
    name: str
    network: NetworkSpec
    hostname: str
    """As the kernel tells it."""
    containers: tuple[ContainerSpec, ...]
    cpu_millis: int
    memory_bytes: int
    """The ceiling for the whole pod: the billed pod specification."""
    labels: Mapping[str, str] = field(default_factory=dict)
    volumes: tuple[VolumeSpec, ...] = ()
    names: tuple[str, ...] = ()
    """What /etc/hosts calls the pod's own address, the longest first."""
    aliases: tuple[AliasSpec, ...] = ()
    services: tuple[AliasSpec, ...] = ()
    """What is named in /etc/hosts, whatever DNS says."""
    dns: DnsSpec = DnsSpec()
    shared_processes: bool = False
    """Its containers see each other's processes."""


@dataclass(frozen=True)
class ContainerStatus:
    """One container, newest attempt. `restarts` counts attempts before this one."""

    name: str
    id: str
    image: str
    image_id: str
    state: Literal["created", "running", "exited"]
    attempt: int
    created_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    exit_code: int | None
    oom_killed: bool
    error: str = ""
    message: str = ""
    """Of one that has ended: what it left in its message file, the last `MESSAGE_BYTES` of it."""
    last: ContainerStatus | None = None
    """The attempt before, when it is still known."""


@dataclass(frozen=True)
class SandboxStatus:
    uid: Uid
    account: str
    namespace: str
    name: str
    ip: str
    created_at: datetime | None
    """When the sandbox was given to this pod."""
    running: bool
    """The sandbox (pause) itself runs."""
    containers: Mapping[str, ContainerStatus]
    finished_at: datetime | None = None


@dataclass(frozen=True)
class PullProgress:
    current_bytes: int
    total_bytes: int
    """0 while unknown."""


@dataclass(frozen=True)
class PullOutcome:
    image_id: str
    size_bytes: int
    started_at: datetime
    finished_at: datetime


@dataclass(frozen=True)
class LocalImage:
    """An image this host has, under one of its names."""

    name: str
    id: str
    size_bytes: int


@dataclass(frozen=True)
class StoredImage:
    """An image on this host's disk, whoever brought it."""

    id: str
    names: tuple[str, ...]
    """With their tags; none when the tag has gone to another image."""
    size_bytes: int
    in_registry: bool
    """A registry has it, or had it when it came: it was not made here."""
    in_use: bool
    """A container on this host was made from it, whoever's, running or not."""


@dataclass(frozen=True)
class FileSystem:
    """One that images or pods' volumes lie on."""

    path: str
    total_bytes: int
    free_bytes: int
    """For whoever is not root."""
    holds_images: bool

    @property
    def used_percent(self) -> int:
        """As the kubelet reckons: what is kept for root counts as used."""
        return 100 - self.free_bytes * 100 // self.total_bytes if self.total_bytes else 0


@dataclass(frozen=True)
class Capacity:
    """What the host has for pods, before what is taken."""

    cpu_millis: int
    memory_bytes: int


@dataclass(frozen=True)
class Machine:
    """What the host says of itself, for people: which system it is and what runs containers on it."""

    id: str
    architecture: str
    """Go's word for it: `amd64`, `arm64`."""
    kernel: str
    system: str
    runtime: str
    """`docker://20.10.24`."""


@dataclass(frozen=True)
class ContainerUsage:
    """What one running container uses. The CPU time counts up from its start: a rate is the difference of two."""

    uid: Uid
    container: str
    id: str
    """Of this attempt: the next one counts from nothing."""
    cpu_nanoseconds: int
    memory_bytes: int
    """The working set: all but the part of the page cache that could go at once."""
    at: datetime


@dataclass(frozen=True)
class PodTraffic:
    """What has gone through a running pod's network until `at`. Both count up; a new sandbox counts from nothing."""

    uid: Uid
    received_bytes: int
    sent_bytes: int
    at: datetime

    def rates_since(self, before: PodTraffic) -> tuple[float, float] | None:
        """Bytes a second, received and sent; None when the two cannot be compared."""
        seconds = (self.at - before.at).total_seconds()
        received, sent = self.received_bytes - before.received_bytes, self.sent_bytes - before.sent_bytes
        return (received / seconds, sent / seconds) if seconds > 0 and received >= 0 and sent >= 0 else None


@dataclass(frozen=True)
class DiskUsage:
    """What a pod keeps on the host's disk, in bytes."""

    containers: Mapping[str, int]
    """The writable layer and the logs of each container's newest attempt."""
    before: int = 0
    """Those of the attempts before that are still there, and the single files that are mounted into containers."""
    volumes: Mapping[str, int] = field(default_factory=dict)
    """Not those in memory."""

    @property
    def total(self) -> int:
        return sum(self.containers.values()) + self.before + sum(self.volumes.values())


@dataclass(frozen=True)
class Ran:
    """What came of a command inside a container. `exit_code` None: its time was over, and it was killed."""

    exit_code: int | None
    output: bytes
    """stdout and stderr in order, the first `EXEC_OUTPUT_BYTES` of it."""


EXEC_OUTPUT_BYTES = 10 * 1024
MESSAGE_BYTES = 4096


@dataclass(frozen=True)
class ExecSpec:
    """A command to run in a container, and which of its streams the caller wants."""

    command: tuple[str, ...]
    stdin: bool = False
    stdout: bool = True
    stderr: bool = True
    tty: bool = False


@dataclass(frozen=True)
class RuntimeEvent:
    """Something happened to this pod's containers: look. Carries no state."""

    uid: Uid
    account: str
    namespace: str
    name: str


class LogStream(Protocol):
    """Blocks on `next`; `close` may be called from another thread and ends a reader that waits."""

    def __iter__(self) -> Iterator[bytes]: ...

    def __next__(self) -> bytes: ...

    def close(self) -> None: ...


class Session(Protocol):
    """The standard streams of a process, for one caller. No method but `hang_up` and `kill` takes long, yet all may ask
    the runtime something: none belongs into an event loop."""

    socket: socket.socket
    """What is written to it is stdin, and shutting down its writing half closes that; what comes is the output, to its
    end. Its owner is whoever asked for the session."""
    framed: bool
    """The output comes in frames (`outputframes`), which tell stdout from stderr; else it is bytes as they are."""
    refusal: bytes
    """Output that begins so is the runtime's own words on why a command did not start, and none of stdout's."""

    def resize(self, *, columns: int, rows: int) -> None:
        """The caller's terminal has this size now. A process that has ended needs none."""

    def exit_code(self) -> int:
        """Of a command, when its output has ended; of what was attached to, 0."""

    def hang_up(self) -> None:
        """The caller has gone, and a command may still run: it is told so as by a terminal that is closed (SIGHUP),
        with all that it started. What was attached to goes on."""

    def kill(self) -> None:
        """For a command that a hang-up did not end. What asked to outlive one (`nohup`) stays, unless the command
        itself has to be killed."""

    def close(self) -> None:
        """The socket too."""


class Runtime(Protocol):
    @property
    def claims(self) -> Claims:
        """Where the data of claims lies."""

    def now(self) -> datetime:
        """The runtime's clock, for marks that have no container event (pull started)."""

    def capacity(self) -> Capacity: ...

    def machine(self) -> Machine: ...

    def image_id(self, image: str) -> str | None:
        """The id of a local image, or None. Never pulls."""

    def has_image(self, image: str) -> bool:
        """Whether it is here, as far as is known: one that went behind our back is missed when a container of it is
        started (ImageFault), and not said to be here after that."""

    def image_user(self, image: str) -> str:
        """Whom a local image runs as: a number or a name, with or without `:group`; "" is root, or no such image."""

    def images(self) -> list[LocalImage]:
        """What needs no pull, by name."""

    def stored_images(self) -> list[StoredImage]:
        """All of them, but for what the runtime itself cannot do without."""

    def remove_image(self, image: StoredImage) -> bool:
        """Whether it has gone: one that somebody has begun to use stays."""

    def file_systems(self) -> list[FileSystem]:
        """Those that can be seen from here, each once."""

    def pull(
        self, image: str, *, auth: Mapping[str, str] | None = None, progress: Callable[[PullProgress], None]
    ) -> PullOutcome:
        """Blocks until the image is local. Raises ImageFault with the registry's words."""

    def ensure_network(self, network: NetworkSpec) -> NetworkSpec:
        """Makes the network, or finds it. When the CIDR is taken on this host, takes the next free one of the size
        and says so in the answer's `cidr`."""

    def remove_network(self, name: str) -> None: ...

    def warm(self, network: NetworkSpec, *, size: int, max_age: timedelta | None = None) -> int:
        """Brings the network's pool of ready sandboxes towards `size` by at most one; returns how many stand ready.
        A dead one, or one older than `max_age`, goes first."""

    def pools(self) -> Mapping[str, int]:
        """How many sandboxes stand ready, by the name of their network; 0 where only dead ones are left."""

    def ensure_volumes(self, spec: SandboxSpec) -> None:
        """Makes the pod's volumes, or brings the files they show up to date: all at once for whoever reads them. What
        containers wrote into their own stays. A `sub_path` shows what was there when its container started."""

    def volume_owners(self) -> list[Uid]:
        """Every pod that has volumes on this host, or a slice of systemd's."""

    def disk_usage(self) -> Iterator[tuple[Uid, DiskUsage]]:
        """Of every pod on this host, one after the other. It walks over all their files: not for whoever is in a
        hurry."""

    def ensure_sandbox(self, spec: SandboxSpec, *, first: tuple[str, int] | None = None) -> SandboxStatus:
        """Takes a warm sandbox or makes one. Found by pod uid the second time. `first` is the container, and its
        attempt, that will be started next: a runtime may make it ready meanwhile."""

    def start_container(self, spec: SandboxSpec, container: str, *, attempt: int) -> ContainerStatus:
        """Creates and starts attempt N of a container; if that attempt exists it is started or found. Older ones than
        the one before it are removed, and their logs kept."""

    def observe(self, uid: Uid) -> SandboxStatus | None:
        """What is there now, or None when nothing is left of the pod."""

    def usage(self) -> list[ContainerUsage]:
        """Of every running container of every pod on this host, in one sweep. Cheap: it may be asked every few
        seconds. A container whose figures cannot be had is left out."""

    def traffic(self) -> list[PodTraffic]:
        """Of every running pod on this host whose network can be seen from here. As cheap as `usage`."""

    def exec(self, uid: Uid, container: str, command: Sequence[str], *, seconds: float) -> Ran:
        """Runs a command in a running container, for at most so long. Raises RuntimeFault when the container does not
        run; a command that does not exist ends with code 126 or 127 and the runtime's words."""

    def open_exec(self, uid: Uid, container: str, spec: ExecSpec, *, account: str | None = None) -> Session:
        """Starts a command in a running container, its streams the caller's. Raises KeyError when there is no such
        container or it is not `account`'s, if that is said, RuntimeFault when it does not run; a command that does not
        exist ends with code 126 or 127 and the runtime's words."""

    def attach(self, uid: Uid, container: str, *, stdin: bool, account: str | None = None) -> Session:
        """The streams of a running container's own process, from now on. Raises as `open_exec`."""

    def connect(self, uid: Uid, port: int, *, account: str | None = None) -> socket.socket:
        """A connection to whoever listens at that port in the pod, also on its loopback alone; not blocking any more.
        Raises KeyError, also when the pod does not run, and NoConnection."""

    def terminate(self, uid: Uid, *, container: str | None = None) -> None:
        """SIGTERM to one container, or to all that run; returns at once. The caller looks again when the runtime's
        event or the grace period says so: nobody holds a worker while a pod drains."""

    def kill(self, uid: Uid, *, container: str | None = None) -> None:
        """SIGKILL; returns when stopped. The containers stay, to be observed."""

    def stop_sandbox(self, uid: Uid) -> None:
        """For a pod that has ended: its address is free again, its containers stay to be observed and read."""

    def remove_sandbox(self, uid: Uid) -> None:
        """Nothing is left of the pod afterwards, its volumes included, but for what its containers wrote (`logs`)."""

    def losses(self, uid: Uid) -> list[str]:
        """What this process could not keep of the logs of the pod's removed containers, and why, since this was asked
        last. People are told; nothing waits for it."""

    def sandboxes(self) -> list[SandboxStatus]:
        """Every pod's sandbox on this host (not the warm ones)."""

    def events(self) -> Iterator[RuntimeEvent]:
        """Blocks; yields as containers end and go, from the call on. Raises RuntimeGone when the runtime goes away."""

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
        """The container's output, stdout and stderr in order, as it was written: of the newest attempt, the one before
        it, or the one named. Of a container that was removed it is what was kept, and nothing follows. Raises KeyError
        when there is none, or when it is not the log of `account`, if that is said."""
