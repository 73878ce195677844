"""A runtime in memory, for tests and for scale: same contract as Docker's (tests/workloads/runtimes/test_contract.py).

It lives in one process and dies with it; two processes do not see the same pods. Nothing takes time in it unless the
clock is moved: a container runs until `exit` is called, a pull is over at once. What the outside world would do is done
by calling the controls: `add_image`, `fail_pull`, `on_exec`, `on_session`, `on_connect`, `exit`, `print`, `load`,
`lose_sandbox`, `stop_daemon`.
"""

from __future__ import annotations

import itertools
import queue
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from pathlib import Path

import orjson

from workloads.meta.keys import Uid
from workloads.runtimes.archive import Archive, Life, attempt_of
from workloads.runtimes.base import (
    MESSAGE_BYTES,
    Capacity,
    ContainerSpec,
    ContainerStatus,
    ContainerUsage,
    DiskUsage,
    ExecSpec,
    FileSystem,
    ImageFault,
    LocalImage,
    LogStream,
    Machine,
    NetworkSpec,
    NoConnection,
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
from workloads.runtimes.claims import ClaimSpec
from workloads.runtimes.simulatedclaims import SimulatedClaims
from workloads.runtimes.simulatedsessions import KILLED, Inside, Script, SimulatedAttachment, SimulatedCommand
from workloads.runtimes.subnets import NoRoom, free_subnet

KEPT_ATTEMPTS = 2


@dataclass
class _Container:
    status: ContainerStatus
    spec: ContainerSpec
    message: str = ""
    lines: list[tuple[datetime, bytes]] = field(default_factory=list)
    cpu_nanoseconds: int = 0
    """Used until `load_since`; from then on it uses `cpu_millis`."""
    load_since: datetime | None = None
    cpu_millis: int = 0
    memory_bytes: int = 0
    sessions: list[SimulatedCommand] = field(default_factory=list)
    attached: list[SimulatedAttachment] = field(default_factory=list)

    def cpu_used(self, now: datetime) -> int:
        seconds = (now - self.load_since).total_seconds() if self.load_since else 0.0
        return self.cpu_nanoseconds + round(seconds * self.cpu_millis * 1_000_000)


@dataclass
class _Sandbox:
    status: SandboxStatus
    network: str
    attempts: dict[str, list[_Container]] = field(default_factory=dict)


class Simulated:
    """`every_image`: any image name can be pulled; else only what `add_image` made known. `archive` gets the logs of
    removed containers; without one they are lost."""

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        capacity: Capacity = Capacity(cpu_millis=8000, memory_bytes=32 * 1024**3),  # noqa: B008
        every_image: bool = False,
        archive: Archive | None = None,
    ) -> None:
        self._clock = clock
        self._capacity = capacity
        self._every_image = every_image
        self._archive = archive
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._gone = False
        self._ids = itertools.count(1)
        self._local: dict[str, str] = {}
        self._registry: dict[str, int] = {}
        self._failures: dict[str, str] = {}
        self._users: dict[str, str] = {}
        self._protected: dict[str, dict[str, str]] = {}
        self._broken_starts: dict[str, str] = {}
        self._networks: dict[str, NetworkSpec] = {}
        self._warm: dict[str, int] = {}
        self._sandboxes: dict[Uid, _Sandbox] = {}
        self._volumes: dict[Uid, dict[str, dict[str, bytes]]] = {}
        self._asked: dict[Uid, SandboxSpec] = {}
        self.claims = SimulatedClaims(clock)
        self._listeners: list[queue.SimpleQueue[RuntimeEvent | None]] = []
        self._answers: dict[str, Callable[[tuple[str, ...]], Ran]] = {}
        self._scripts: dict[str, Script] = {}
        self._ports: dict[int, Callable[[socket.socket], None]] = {}
        self._written: dict[tuple[Uid, str], int] = {}
        self._filled: dict[tuple[Uid, str], int] = {}
        self._passed: dict[Uid, tuple[int, int]] = {}
        self._made_here: set[str] = set()
        self._disk = FileSystem("/", total_bytes=1000 * 1024**3, free_bytes=900 * 1024**3, holds_images=True)
        self.pulls: list[str] = []
        """Every image pulled, in order."""
        self.commands: list[tuple[str, ...]] = []
        """Every command run in a container, its name first, in order."""

    # What tests and the outside world do

    def add_image(self, image: str, *, local: bool = True, size_bytes: int = 4_000_000, user: str = "") -> None:
        """The registry has it; with `local`, this host has it too. It runs as `user`."""
        with self._lock:
            if user:
                self._users[image] = user
            self._failures.pop(image, None)
            self._registry[image] = size_bytes
            if local:
                self._local[image] = f"sha256:{abs(hash(image)):064x}"[:71]

    def lose_image(self, image: str) -> None:
        """Somebody takes it from this host."""
        with self._lock:
            self._local.pop(image, None)

    def make_image(self, image: str) -> None:
        """Somebody makes it on this host; no registry has it."""
        with self._lock:
            self.add_image(image)
            self._made_here.add(image)

    def set_disk(self, *, total_bytes: int, free_bytes: int) -> None:
        """How full the host's disk is from now on."""
        with self._lock:
            self._disk = replace(self._disk, total_bytes=total_bytes, free_bytes=free_bytes)

    def fail_pull(self, image: str, words: str) -> None:
        """From now on a pull of `image` fails with the registry's `words`."""
        with self._lock:
            self._failures[image] = words

    def protect(self, image: str, *, username: str, password: str) -> None:
        """From now on a pull of `image` asks who wants it."""
        with self._lock:
            self._protected[image] = {"username": username, "password": password}

    def fail_start(self, image: str, words: str) -> None:
        """Containers of `image` cannot be started, as when their command does not exist."""
        with self._lock:
            self._broken_starts[image] = words

    def on_exec(self, container: str, answer: Callable[[tuple[str, ...]], Ran]) -> None:
        """What commands in containers of that name come to; without it every command succeeds in silence."""
        with self._lock:
            self._answers[container] = answer

    def on_session(self, container: str, script: Script) -> None:
        """What commands do that somebody opened with streams; without it they do what `on_exec` says, and say it."""
        with self._lock:
            self._scripts[container] = script

    def on_connect(self, port: int, serve: Callable[[socket.socket], None]) -> None:
        """Somebody listens at that port of every pod: each connection is served in a thread, and closed then."""
        with self._lock:
            self._ports[port] = serve

    def sessions(self, uid: Uid, container: str) -> list[SimulatedCommand]:
        """The commands that somebody opened and that still run."""
        with self._lock:
            return [one for one in self._sandboxes[uid].attempts[container][-1].sessions if one.runs]

    def heard(self, uid: Uid, container: str) -> bytes:
        """What was typed to the container's own process since this was asked last."""
        with self._lock:
            return b"".join(one.heard() for one in self._sandboxes[uid].attempts[container][-1].attached)

    def exit(self, uid: Uid, container: str, code: int = 0, *, oom_killed: bool = False) -> None:
        """The container's process ends by itself."""
        with self._lock:
            self._end(self._sandboxes[uid], container, code=code, oom_killed=oom_killed)

    def print(self, uid: Uid, container: str, line: bytes) -> None:
        """The container writes `line` and a line feed."""
        with self._changed:
            newest = self._sandboxes[uid].attempts[container][-1]
            newest.lines.append((self._clock(), line + b"\n"))
            for one in newest.attached:
                one.say(line + b"\n")
            self._changed.notify_all()

    def load(self, uid: Uid, container: str, *, cpu_millis: int, memory_bytes: int = 0) -> None:
        """From now on the container uses so much. One that nobody loads uses nothing."""
        with self._lock:
            newest, now = self._sandboxes[uid].attempts[container][-1], self._clock()
            newest.cpu_nanoseconds, newest.load_since = newest.cpu_used(now), now
            newest.cpu_millis, newest.memory_bytes = cpu_millis, memory_bytes

    def carry(self, uid: Uid, *, received: int, sent: int) -> None:
        """So many bytes more have gone through the pod's network."""
        with self._lock:
            before = self._passed.get(uid, (0, 0))
            self._passed[uid] = before[0] + received, before[1] + sent

    def file(self, uid: Uid, volume: str, path: str) -> bytes | None:
        """What a container finds at `path` of a volume; None when there is none."""
        with self._lock:
            return self._volumes.get(uid, {}).get(volume, {}).get(path)

    def files(self, uid: Uid, volume: str) -> dict[str, bytes]:
        """All that a volume shows."""
        with self._lock:
            return dict(self._volumes.get(uid, {}).get(volume, {}))

    def asked(self, uid: Uid) -> SandboxSpec:
        """What the pod's newest container was started from."""
        with self._lock:
            return self._asked[uid]

    def write(self, uid: Uid, volume: str, path: str, data: bytes) -> None:
        """A container writes into a volume."""
        with self._lock:
            self._volumes[uid][volume][path] = data

    def resize(self, capacity: Capacity) -> None:
        """The host is another size from now on."""
        with self._lock:
            self._capacity = capacity

    def leave_message(self, uid: Uid, container: str, text: str) -> None:
        """The container writes `text` into its message file."""
        with self._lock:
            self._sandboxes[uid].attempts[container][-1].message = text

    def write_layer(self, uid: Uid, container: str, size_bytes: int) -> None:
        """The container's own layer holds so much from now on."""
        with self._lock:
            self._written[uid, container] = size_bytes

    def fill(self, uid: Uid, volume: str, size_bytes: int) -> None:
        """A volume on disk holds so much from now on."""
        with self._lock:
            self._filled[uid, volume] = size_bytes

    def lose_sandbox(self, uid: Uid) -> None:
        """The sandbox stops and everything in it dies, as after a restart of the daemon."""
        with self._lock:
            self._lose(self._sandboxes[uid])

    def stop_daemon(self) -> None:
        """Nothing answers any more; everything that ran has died."""
        with self._changed:
            for sandbox in self._sandboxes.values():
                self._lose(sandbox)
            self._gone = True
            for listener in self._listeners:
                listener.put(None)
            self._listeners.clear()
            self._changed.notify_all()

    def start_daemon(self) -> None:
        with self._lock:
            self._gone = False

    # The contract

    def now(self) -> datetime:
        self._answer()
        return self._clock()

    def capacity(self) -> Capacity:
        self._answer()
        return self._capacity

    def machine(self) -> Machine:
        self._answer()
        return Machine("simulated", "amd64", "6.1.0", "Simulated Linux", "simulated://1")

    def image_id(self, image: str) -> str | None:
        self._answer()
        return self._local.get(image)

    def has_image(self, image: str) -> bool:
        return self.image_id(image) is not None

    def image_user(self, image: str) -> str:
        self._answer()
        return self._users.get(image, "") if image in self._local else ""

    def images(self) -> list[LocalImage]:
        with self._lock:
            self._answer()
            return [LocalImage(name, id, self._registry[name]) for name, id in sorted(self._local.items())]

    def stored_images(self) -> list[StoredImage]:
        with self._lock:
            self._answer()
            boxes = self._sandboxes.values()
            used = {one.status.image_id for box in boxes for known in box.attempts.values() for one in known}
            return [
                StoredImage(id, (name,), self._registry[name], name not in self._made_here, in_use=id in used)
                for name, id in sorted(self._local.items())
            ]

    def remove_image(self, image: StoredImage) -> bool:
        with self._lock:
            self._answer()
            if any(one.id == image.id and one.in_use for one in self.stored_images()):
                return False
            for name in image.names:
                self._local.pop(name, None)
            self._disk = replace(self._disk, free_bytes=self._disk.free_bytes + image.size_bytes)
            return True

    def file_systems(self) -> list[FileSystem]:
        self._answer()
        return [self._disk]

    def pull(
        self, image: str, *, auth: Mapping[str, str] | None = None, progress: Callable[[PullProgress], None]
    ) -> PullOutcome:
        self._answer()
        started = self._clock()
        self.pulls.append(image)
        if image in self._protected and self._protected[image] != auth:
            raise ImageFault(f"pull access denied for {image}: no basic auth credentials")
        if image in self._failures:
            raise ImageFault(self._failures[image])
        if image not in self._registry and not self._every_image:
            raise ImageFault(f"manifest for {image} not found: manifest unknown: manifest unknown")
        size = self._registry.get(image, 4_000_000)
        progress(PullProgress(current_bytes=0, total_bytes=size))
        progress(PullProgress(current_bytes=size, total_bytes=size))
        self.add_image(image, size_bytes=size)
        return PullOutcome(image_id=self._local[image], size_bytes=size, started_at=started, finished_at=self._clock())

    def ensure_network(self, network: NetworkSpec) -> NetworkSpec:
        with self._lock:
            self._answer()
            if network.name not in self._networks:
                try:
                    cidr = free_subnet(network.cidr, [other.cidr for other in self._networks.values()])
                except NoRoom as error:
                    raise RuntimeFault(str(error)) from error
                self._networks[network.name] = replace(network, cidr=cidr)
            return replace(network, cidr=self._networks[network.name].cidr)

    def remove_network(self, name: str) -> None:
        with self._lock:
            self._answer()
            if any(sandbox.network == name for sandbox in self._sandboxes.values()):
                raise RuntimeFault(f"error while removing network: network {name} has active endpoints")
            self._warm.pop(name, None)
            self._networks.pop(name, None)

    def warm(self, network: NetworkSpec, *, size: int, max_age: timedelta | None = None) -> int:
        with self._lock:
            self._network(network.name)
            ready = self._warm.get(network.name, 0)
            ready += (ready < size) - (ready > size)
            self._warm[network.name] = ready
            return ready

    def pools(self) -> dict[str, int]:
        with self._lock:
            self._answer()
            return {name: ready for name, ready in self._warm.items() if ready}

    def ensure_volumes(self, spec: SandboxSpec) -> None:
        with self._lock:
            self._answer()
            kept = self._volumes.setdefault(spec.uid, {}) if spec.volumes else {}
            for volume in spec.volumes:
                files = {file.path: file.data for file in volume.files or ()}
                kept[volume.name] = kept.get(volume.name, {}) if volume.files is None else files
                if volume.claim is not None:
                    kept[volume.name] = self._data(volume.name, volume.claim)

    def _data(self, volume: str, claim: ClaimSpec) -> dict[str, bytes]:
        files = self.claims.files(claim)
        if files is None:
            raise RuntimeFault(f'MountVolume.SetUp failed for volume "{volume}" : {claim.uid} has no data here')
        return files

    def volume_owners(self) -> list[Uid]:
        with self._lock:
            self._answer()
            return list(self._volumes)

    def disk_usage(self) -> Iterator[tuple[Uid, DiskUsage]]:
        with self._lock:
            self._answer()
            uids = list({*self._sandboxes, *self._volumes})
            used = [(uid, DiskUsage(_of(self._written, uid), volumes=_of(self._filled, uid))) for uid in uids]
        yield from used

    def ensure_sandbox(self, spec: SandboxSpec, *, first: tuple[str, int] | None = None) -> SandboxStatus:
        with self._lock:
            self._answer()
            if spec.uid not in self._sandboxes:
                self._make_sandbox(spec)
            sandbox = self._sandboxes[spec.uid]
            if not sandbox.status.running:
                sandbox.status = replace(
                    sandbox.status, running=True, finished_at=None, ip=self._address(sandbox.network)
                )
            return self._observed(sandbox)

    def start_container(self, spec: SandboxSpec, container: str, *, attempt: int) -> ContainerStatus:
        with self._lock:
            self._answer()
            sandbox = self._sandboxes.get(spec.uid)
            if sandbox is None or not sandbox.status.running:
                raise RuntimeFault(f"the sandbox of pod {spec.namespace}/{spec.name} does not run")
            known = sandbox.attempts.setdefault(container, [])
            for one in known:
                if one.status.attempt == attempt:
                    return one.status
            known.append(self._start(spec, container, attempt=attempt))
            self._asked[spec.uid] = spec
            for one in known[:-KEPT_ATTEMPTS]:
                self._keep_log(sandbox, one)
            del known[:-KEPT_ATTEMPTS]
            return _newest(known)

    def observe(self, uid: Uid) -> SandboxStatus | None:
        with self._lock:
            self._answer()
            sandbox = self._sandboxes.get(uid)
            return self._observed(sandbox) if sandbox else None

    def usage(self) -> list[ContainerUsage]:
        with self._lock:
            self._answer()
            now = self._clock()
            newest = [
                (uid, name, known[-1])
                for uid, sandbox in self._sandboxes.items()
                for name, known in sandbox.attempts.items()
                if known
            ]
            return [
                ContainerUsage(uid, name, one.status.id, one.cpu_used(now), one.memory_bytes, now)
                for uid, name, one in newest
                if one.status.state == "running"
            ]

    def traffic(self) -> list[PodTraffic]:
        with self._lock:
            self._answer()
            running = [uid for uid, sandbox in self._sandboxes.items() if sandbox.status.running]
            return [PodTraffic(uid, *self._passed.get(uid, (0, 0)), self._clock()) for uid in running]

    def exec(self, uid: Uid, container: str, command: Sequence[str], *, seconds: float) -> Ran:
        """The answer takes no time and is asked for outside of the lock: it may use the other controls."""
        with self._lock:
            self._answer()
            sandbox = self._sandboxes.get(uid)
            known = sandbox.attempts.get(container) if sandbox else None
            if not known or known[-1].status.state != "running":
                raise RuntimeFault(f"container {container} of pod {uid} does not run")
            self.commands.append((container, *command))
            answer = self._answers.get(container, _succeed)
        return answer(tuple(command))

    def open_exec(self, uid: Uid, container: str, spec: ExecSpec, *, account: str | None = None) -> Session:
        with self._lock:
            running = self._running(uid, container, account)
            self.commands.append((container, *spec.command))
            opened = SimulatedCommand(spec, self._scripts.get(container) or self._answering(container))
            running.sessions.append(opened)
            return opened

    def attach(self, uid: Uid, container: str, *, stdin: bool, account: str | None = None) -> Session:
        with self._lock:
            running = self._running(uid, container, account)
            attached = SimulatedAttachment(tty=running.spec.tty, stdin=stdin and running.spec.stdin)
            running.attached.append(attached)
            return attached

    def connect(self, uid: Uid, port: int, *, account: str | None = None) -> socket.socket:
        with self._lock:
            self._answer()
            sandbox, serve = self._sandboxes.get(uid), self._ports.get(port)
            if sandbox is None or not sandbox.status.running or account not in (None, sandbox.status.account):
                raise KeyError(uid)
        if serve is None:
            refused = f"IPv4: dial tcp4 127.0.0.1:{port}: connect: connection refused"
            raise NoConnection(f"failed to connect to localhost:{port} inside the pod's network, {refused}")
        ours, theirs = socket.socketpair()
        threading.Thread(target=_serve, args=(serve, theirs), name="listener", daemon=True).start()
        ours.setblocking(False)
        return ours

    def terminate(self, uid: Uid, *, container: str | None = None) -> None:
        """Here every process heeds SIGTERM at once."""
        self._stop(uid, container, code=143)

    def kill(self, uid: Uid, *, container: str | None = None) -> None:
        self._stop(uid, container, code=137)

    def stop_sandbox(self, uid: Uid) -> None:
        with self._changed:
            self._answer()
            sandbox = self._sandboxes.get(uid)
            if sandbox and sandbox.status.running:
                self._lose(sandbox)

    def remove_sandbox(self, uid: Uid) -> None:
        with self._changed:
            self._answer()
            sandbox = self._sandboxes.get(uid)
            self._volumes.pop(uid, None)
            self._asked.pop(uid, None)
            if sandbox:
                self._lose(sandbox)
                for one in (one for attempts in sandbox.attempts.values() for one in attempts):
                    self._keep_log(sandbox, one)
                del self._sandboxes[uid]

    def losses(self, uid: Uid) -> list[str]:
        return self._archive.losses(uid) if self._archive else []

    def sandboxes(self) -> list[SandboxStatus]:
        with self._lock:
            self._answer()
            return [self._observed(sandbox) for sandbox in self._sandboxes.values()]

    def events(self) -> Iterator[RuntimeEvent]:
        self._answer()
        listener: queue.SimpleQueue[RuntimeEvent | None] = queue.SimpleQueue()
        with self._lock:
            self._listeners.append(listener)
        return self._listen(listener)

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
        with self._lock:
            self._answer()
            sandbox = self._sandboxes.get(uid)
            its = sandbox is not None and account in (None, sandbox.status.account)
            live = {one.status.attempt: one for one in sandbox.attempts.get(container, [])} if sandbox and its else {}
            number = attempt_of(live, lambda: self._archived(uid, container), previous=previous, attempt=attempt)
            if number not in live:
                if self._archive is None:
                    raise KeyError(container)
                return self._archive.read(
                    uid, container, number, account=account, tail=tail, since=since, timestamps=timestamps
                )
            source = live[number]
            lines = [line for line in source.lines if since is None or line[0] >= since]
            skip = len(source.lines) - (len(lines) if tail is None else min(tail, len(lines)))
        return _Lines(source, self._changed, at=skip, follow=follow, timestamps=timestamps)

    # Behind the contract

    def _running(self, uid: Uid, container: str, account: str | None) -> _Container:
        self._answer()
        sandbox = self._sandboxes.get(uid)
        its = sandbox is not None and account in (None, sandbox.status.account)
        known = sandbox.attempts.get(container) if sandbox and its else None
        if not known:
            raise KeyError(container)
        if known[-1].status.state != "running":
            raise RuntimeFault(f'container "{container}" is not running')
        return known[-1]

    def _answering(self, container: str) -> Script:
        answer = self._answers.get(container, _succeed)

        def script(inside: Inside) -> int:
            ran = answer(inside.spec.command)
            inside.write(ran.output)
            return ran.exit_code or 0

        return script

    def _answer(self) -> None:
        if self._gone:
            raise RuntimeGone("the simulated daemon does not answer")

    def _network(self, name: str) -> NetworkSpec:
        self._answer()
        if name not in self._networks:
            raise RuntimeFault(f"network {name} not found")
        return self._networks[name]

    def _address(self, network: str) -> str:
        subnet = IPv4Network(self._network(network).cidr)
        taken = {s.status.ip for s in self._sandboxes.values() if s.network == network and s.status.running}
        free = (str(host) for host in itertools.islice(subnet.hosts(), 1, None) if str(host) not in taken)
        address = next(free, None)
        if address is None:
            raise RuntimeFault(f"no available IPv4 addresses on this network's address pools: {network}")
        return address

    def _make_sandbox(self, spec: SandboxSpec) -> None:
        network = spec.network.name
        ip = self._address(network)
        if self._warm.get(network):
            self._warm[network] -= 1
        status = SandboxStatus(
            uid=spec.uid,
            account=spec.account,
            namespace=spec.namespace,
            name=spec.name,
            ip=ip,
            created_at=self._clock(),
            running=True,
            containers={},
        )
        self._sandboxes[spec.uid] = _Sandbox(status=status, network=network)

    def _start(self, spec: SandboxSpec, container: str, *, attempt: int) -> _Container:
        wanted = next(one for one in spec.containers if one.name == container)
        image = self._local.get(wanted.image)
        if image is None:
            raise ImageFault(f"No such image: {wanted.image}")
        now = self._clock()
        status = ContainerStatus(
            name=container,
            id=f"{next(self._ids):064x}",
            image=wanted.image,
            image_id=image,
            state="running",
            attempt=attempt,
            created_at=now,
            started_at=now,
            finished_at=None,
            exit_code=None,
            oom_killed=False,
        )
        words = self._broken_starts.get(wanted.image)
        if words:
            status = replace(status, state="exited", started_at=None, finished_at=now, exit_code=127, error=words)
        return _Container(status, wanted)

    def _stop(self, uid: Uid, container: str | None, *, code: int) -> None:
        with self._lock:
            self._answer()
            sandbox = self._sandboxes.get(uid)
            if sandbox is None:
                return
            for name in [container] if container else list(sandbox.attempts):
                if name in sandbox.attempts:
                    self._end(sandbox, name, code=code)

    def _end(self, sandbox: _Sandbox, container: str, *, code: int, oom_killed: bool = False) -> None:
        newest = sandbox.attempts[container][-1]
        if newest.status.state != "running":
            return
        newest.status = replace(
            newest.status,
            state="exited",
            finished_at=self._clock(),
            exit_code=code,
            oom_killed=oom_killed,
            message=newest.message[-MESSAGE_BYTES:],
        )
        for session in newest.sessions:
            session.end(KILLED)
        for attached in newest.attached:
            attached.line.close()
        self._tell(sandbox)
        with self._changed:
            self._changed.notify_all()

    def _archived(self, uid: Uid, container: str) -> set[int]:
        return self._archive.attempts(uid, container) if self._archive else set()

    def _keep_log(self, sandbox: _Sandbox, one: _Container) -> None:
        """As Docker writes it. What never ran said nothing."""
        if self._archive is None or one.status.started_at is None:
            return
        life = Life(
            account=sandbox.status.account,
            namespace=sandbox.status.namespace,
            pod=sandbox.status.name,
            uid=sandbox.status.uid,
            container=one.status.name,
            attempt=one.status.attempt,
            started=one.status.started_at,
            finished=one.status.finished_at,
            exit_code=one.status.exit_code,
            oom_killed=one.status.oom_killed,
        )
        self._archive.keep(life, lambda folder: _write_log(folder, one))

    def _lose(self, sandbox: _Sandbox) -> None:
        for container in sandbox.attempts:
            self._end(sandbox, container, code=137)
        sandbox.status = replace(sandbox.status, running=False, finished_at=self._clock(), ip="")
        self._tell(sandbox)

    def _observed(self, sandbox: _Sandbox) -> SandboxStatus:
        containers = {name: _newest(known) for name, known in sandbox.attempts.items() if known}
        return replace(sandbox.status, containers=containers)

    def _tell(self, sandbox: _Sandbox) -> None:
        status = sandbox.status
        event = RuntimeEvent(uid=status.uid, account=status.account, namespace=status.namespace, name=status.name)
        for listener in self._listeners:
            listener.put(event)

    def _listen(self, listener: queue.SimpleQueue[RuntimeEvent | None]) -> Iterator[RuntimeEvent]:
        try:
            while (event := listener.get()) is not None:
                yield event
            raise RuntimeGone("the simulated daemon does not answer")
        finally:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)


@dataclass
class _Lines:
    """Reads a container's lines from `at` on; the follower waits until the container has ended."""

    container: _Container
    changed: threading.Condition
    at: int
    follow: bool
    timestamps: bool
    closed: bool = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> bytes:
        with self.changed:
            while not self.closed and self.at == len(self.container.lines) and self._may_grow():
                self.changed.wait()
            if self.closed or self.at == len(self.container.lines):
                raise StopIteration
            when, line = self.container.lines[self.at]
            self.at += 1
        return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ ").encode() + line if self.timestamps else line

    def close(self) -> None:
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    def _may_grow(self) -> bool:
        return self.follow and self.container.status.state == "running"


def _write_log(folder: Path, one: _Container) -> None:
    entries = [{"log": line.decode(), "time": when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")} for when, line in one.lines]
    (folder / "0.json").write_bytes(b"".join(orjson.dumps(entry) + b"\n" for entry in entries))


def _of(sizes: Mapping[tuple[Uid, str], int], uid: Uid) -> dict[str, int]:
    return {name: size for (owner, name), size in sizes.items() if owner == uid}


def _succeed(command: tuple[str, ...]) -> Ran:
    return Ran(exit_code=0, output=b"")


def _serve(serve: Callable[[socket.socket], None], line: socket.socket) -> None:
    with line, suppress(OSError):
        serve(line)


def _newest(known: list[_Container]) -> ContainerStatus:
    last = known[-2].status if len(known) > 1 else None
    return replace(known[-1].status, last=last)
