"""The line to a Docker daemon: plain data in, plain data out. The only module that imports `docker`.

Whether the daemon does not answer (RuntimeGone) or says no (RuntimeFault, in its own words) is decided in `_heard`.
Every thread has its own connection; log and event streams have one each, because they are closed from other threads.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import requests
import urllib3
from docker import APIClient, auth, errors, utils
from docker.types import IPAMConfig, IPAMPool

from workloads.runtimes import hijacking, inspection
from workloads.runtimes.base import EXEC_OUTPUT_BYTES, ExecSpec, ImageFault, Ran, RuntimeFault, RuntimeGone

Found = Mapping[str, Any]
Item = TypeVar("Item", bound=bytes | Found)

CALL_SECONDS = 60
SILENT_REGISTRY_SECONDS = 120
CHUNK_BYTES = 64 * 1024

_DEFAULT_SOCKET = "unix:///var/run/docker.sock"
_FRAME_HEADER = 8


class Missing(RuntimeFault):
    """The daemon knows nothing of that name."""


class Conflict(RuntimeFault):
    """The name is taken, or the container is not in the state for it."""


class Overlap(RuntimeFault):
    """Part of the subnet is somebody's."""


class Daemon:
    """`base_url` None: what `DOCKER_HOST` says, else the default socket."""

    def __init__(self, base_url: str | None = None) -> None:
        self._base_url = base_url
        self._local = threading.local()

    @property
    def is_local(self) -> bool:
        """Reached by a socket of this host."""
        return str(self._api.base_url).startswith("http+docker")

    def info(self) -> Found:
        with _heard():
            return dict(self._api.info())

    def now(self) -> datetime:
        """A daemon on this host has this host's clock."""
        if self.is_local:
            return datetime.now(UTC)
        return inspection.moment(self.info()["SystemTime"]) or datetime.now(UTC)

    # Containers

    def containers(self, **filters: Any) -> list[Found]:
        """As `docker ps --all`."""
        with _heard():
            return list(self._api.containers(all=True, filters=filters))

    def inspect(self, name: str) -> Found:
        """Raises Missing."""
        with _heard():
            return dict(self._api.inspect_container(name))

    def found(self, name: str) -> Found | None:
        """As `inspect`; None for none of that name."""
        with suppress(Missing):
            return self.inspect(name)
        return None

    def written(self, id: str) -> int:
        """How many bytes a container's own layer holds; 0 for one that is gone."""
        with _heard():
            found = self._api.containers(all=True, size=True, filters={"id": id})
        return int(found[0].get("SizeRw") or 0) if found else 0

    def create(self, name: str, body: dict[str, Any]) -> str:
        """The new container's id. Raises Conflict when the name is taken, ImageFault when the image is not here."""
        with _heard():
            made = self._api.create_container_from_config(body, name)  # type: ignore[no-untyped-call]
        return str(made["Id"])

    def start(self, name: str) -> None:
        with _heard():
            self._api.start(name)

    def rename(self, name: str, new: str) -> None:
        """Raises Missing, Conflict."""
        with _heard():
            self._api.rename(name, new)

    def signal(self, name: str, signal: str) -> None:
        """One that has ended or gone meanwhile needs none."""
        with suppress(Missing, Conflict), _heard():
            self._api.kill(name, signal)

    def wait(self, name: str) -> None:
        """Until it does not run."""
        with suppress(Missing), _heard():
            self._api.wait(name, timeout=CALL_SECONDS)

    def stats(self, name: str) -> Found:
        """One reading, without the second that Docker would wait for another; {} when it is not there."""
        with suppress(Missing), _heard():
            return dict(self._api.stats(name, stream=False, one_shot=True))
        return {}

    def exec(self, name: str, command: Sequence[str]) -> Execution:
        """Makes ready to run a command in a container. Raises Missing, Conflict when it does not run."""
        api = self._connect()
        try:
            with _heard():
                return Execution(api, str(api.exec_create(name, list(command))["Id"]))
        except RuntimeFault:
            api.close()
            raise

    def create_exec(self, name: str, spec: ExecSpec, *, detach_keys: str) -> str:
        """The id of a command that is ready to run in a container. Raises Missing, Conflict when it does not run."""
        with _heard():
            made = self._api.exec_create(
                name,
                list(spec.command),
                stdin=spec.stdin,
                stdout=spec.stdout,
                stderr=spec.stderr,
                tty=spec.tty,
                detach_keys=detach_keys,
            )
        return str(made["Id"])

    def exec_facts(self, id: str) -> Found:
        """Raises Missing: also once the container has gone."""
        with _heard():
            return dict(self._api.exec_inspect(id))

    def resize_exec(self, id: str, *, columns: int, rows: int) -> None:
        """One that has ended or not begun has no terminal."""
        with suppress(Missing, Conflict, RuntimeFault), _heard():
            self._api.exec_resize(id, height=rows, width=columns)

    def resize(self, name: str, *, columns: int, rows: int) -> None:
        with suppress(Missing, Conflict, RuntimeFault), _heard():
            self._api.resize(name, height=rows, width=columns)

    def hijack(self, path: str, body: Mapping[str, Any] | None = None) -> socket.socket:
        """A connection that the daemon hands over after its answer: what follows is a process's stdin and output.
        Raises Missing, Conflict, RuntimeFault."""
        with _heard():
            try:
                return hijacking.hijacked(self._address, f"/v{self._api.api_version}{path}", body or {})
            except hijacking.Refused as refusal:
                fault: type[RuntimeFault] = {404: Missing, 409: Conflict}.get(refusal.status, RuntimeFault)
                raise fault(str(refusal)) from None

    @property
    def _address(self) -> str:
        settings = utils.kwargs_from_env() if self._base_url is None else {"base_url": self._base_url}
        return str(settings.get("base_url", _DEFAULT_SOCKET))

    def remove(self, name: str) -> None:
        """Running or not, with its anonymous volumes; one that is not there is removed already."""
        with suppress(Missing), _heard():
            self._api.remove_container(name, v=True, force=True)

    def events(self, **filters: Any) -> Stream[Found]:
        """From now on, also what happens before the first is asked for. It ends when the daemon does."""
        api, response = self._open("/events", {"filters": json.dumps(filters)})
        return Stream(api, response, (json.loads(line) for line in response.iter_lines() if line))

    def logs(self, name: str, *, options: Mapping[str, Any]) -> Stream[bytes]:
        """Raises Missing."""
        tty = self.inspect(name)["Config"]["Tty"]
        api, response = self._open(f"/containers/{name}/logs", {"stdout": 1, "stderr": 1, **options})
        pieces = response.iter_content(CHUNK_BYTES)
        return Stream(api, response, pieces if tty else demultiplexed(pieces))

    # Networks

    def networks(self) -> list[Found]:
        with _heard():
            return list(self._api.networks())

    def create_network(self, name: str, *, subnet: str, labels: Mapping[str, str]) -> None:
        """A bridge; the daemon keeps them apart. Raises Conflict when the name is taken, Overlap when the subnet is."""
        ipam = IPAMConfig(pool_configs=[IPAMPool(subnet=subnet)])
        with _heard():
            self._api.create_network(name, driver="bridge", check_duplicate=True, ipam=ipam, labels=dict(labels))

    def remove_network(self, name: str) -> None:
        with suppress(Missing), _heard():
            self._api.remove_network(name)

    # Images

    def image(self, name: str) -> Found | None:
        with suppress(ImageFault), _heard():
            return dict(self._api.inspect_image(name))  # type: ignore[no-untyped-call]
        return None

    def images(self) -> list[Found]:
        with _heard():
            return list(self._api.images())

    def remove_image(self, name: str) -> bool:
        """Whether it is gone. One that a container uses stays."""
        try:
            with _heard():
                self._api.remove_image(name)
        except ImageFault:
            return True
        except Conflict:
            return False
        return True

    def import_image(self, name: str, layer: bytes, *, changes: list[str]) -> None:
        repository, _, tag = name.rpartition(":")
        with _heard():
            self._api.import_image_from_data(layer, repository=repository, tag=tag, changes=changes)

    def pull(self, image: str, *, credentials: Mapping[str, str] | None) -> Iterator[Found]:
        """The daemon's messages, as they come. Raises ImageFault in the registry's words, or when the registry says
        nothing for so long that it is given up."""
        try:
            with _heard():
                for message in self._pull(image, credentials):
                    if "error" in message:
                        raise ImageFault(message.get("errorDetail", {}).get("message") or message["error"])
                    yield message
        except RuntimeGone as error:
            if isinstance(error.__cause__, requests.ConnectionError) and "Read timed out" in str(error):
                silence = f"the registry of {image} sent nothing for {SILENT_REGISTRY_SECONDS} seconds"
                raise ImageFault(silence) from error
            raise

    def _pull(self, image: str, credentials: Mapping[str, str] | None) -> Iterator[dict[str, Any]]:
        repository, tag = utils.parse_repository_tag(image)
        with self._api.post(
            _url(self._api, "/images/create"),
            params={"fromImage": repository, "tag": tag or "latest"},
            headers={"X-Registry-Auth": auth.encode_header(dict(credentials))} if credentials else {},
            stream=True,
            timeout=SILENT_REGISTRY_SECONDS,
        ) as response:
            if response.status_code >= 400:
                raise ImageFault(_message(response))
            for line in response.iter_lines():
                if line:
                    yield json.loads(line)

    def _open(self, path: str, query: Mapping[str, Any]) -> tuple[APIClient, requests.Response]:
        """A connection of its own, that may be silent for as long as it likes."""
        api = self._connect()
        with _heard():
            response = api.get(_url(api, path), params=query, stream=True, timeout=(CALL_SECONDS, None))
        if response.status_code < 400:
            return api, response
        with response, closing(api):
            fault = Missing if response.status_code == 404 else RuntimeFault
            raise fault(_message(response))

    @property
    def _api(self) -> APIClient:
        """This thread's connection."""
        known: _Connection | None = getattr(self._local, "connection", None)
        if known is None:
            known = self._local.connection = _Connection(self._connect())
        return known.api

    def _connect(self) -> APIClient:
        settings = utils.kwargs_from_env() if self._base_url is None else {"base_url": self._base_url}
        with _heard():
            _knock(settings.get("base_url", _DEFAULT_SOCKET))
            return APIClient(version="auto", timeout=CALL_SECONDS, **settings)


class Stream(Generic[Item]):
    """What the daemon tells bit by bit. `close` may come from another thread and ends a reader that waits; see
    `base.LogStream`."""

    def __init__(self, api: APIClient, response: requests.Response, items: Iterator[Item]) -> None:
        self._api = api
        self._response = response
        self._items = items

    def __iter__(self) -> Stream[Item]:
        return self

    def __next__(self) -> Item:
        try:
            return next(self._items)
        except (OSError, ValueError, AttributeError, requests.RequestException, urllib3.exceptions.HTTPError):
            # what a read may raise when its connection is closed under it, by us or by a daemon that stops
            raise StopIteration from None

    def close(self) -> None:
        with suppress(OSError, ValueError, RuntimeError):
            self._response.raw.shutdown()
        self._response.close()
        self._api.close()

    def __del__(self) -> None:
        self.close()


class Execution:
    """One command in a container, on a connection of its own."""

    def __init__(self, api: APIClient, id: str) -> None:
        self._api = api
        self._id = id

    def __enter__(self) -> Execution:
        return self

    def __exit__(self, *_: object) -> None:
        self._api.close()

    def result(self, *, seconds: float) -> Ran:
        """Runs it."""
        end = time.monotonic() + seconds
        with _heard():
            response = self._api.post(
                _url(self._api, f"/exec/{self._id}/start"),
                json={"Detach": False, "Tty": False},
                stream=True,
                timeout=(CALL_SECONDS, seconds),
            )
        with response:
            if response.status_code >= 400:
                raise RuntimeFault(_message(response))
            gathered = bytearray()
            ended = self._gather(response, gathered, end)
        return Ran(exit_code=self._exit_code() if ended else None, output=bytes(gathered[:EXEC_OUTPUT_BYTES]))

    def process(self) -> int:
        """Its number on the daemon's host; 0 when it has none."""
        with _heard():
            return int(self._api.exec_inspect(self._id)["Pid"] or 0)

    def _gather(self, response: requests.Response, gathered: bytearray, end: float) -> bool:
        """Whether it ended in time. A watchdog hangs up then: a command that keeps talking is not silent, and a read
        that waits knows no end of its own."""
        late = threading.Event()

        def hang_up() -> None:
            late.set()
            with suppress(OSError, ValueError, RuntimeError, AttributeError):
                response.raw.shutdown()

        watchdog = threading.Timer(max(0.0, end - time.monotonic()), hang_up)
        watchdog.start()
        try:
            for piece in demultiplexed(response.iter_content(None)):
                gathered += piece[: max(0, EXEC_OUTPUT_BYTES - len(gathered))]
        except (OSError, ValueError, requests.RequestException, urllib3.exceptions.HTTPError):
            if not late.is_set() and time.monotonic() < end:
                raise RuntimeGone("the Docker daemon hung up on a command") from None
            return False
        finally:
            watchdog.cancel()
            watchdog.join()
        return not late.is_set()

    def _exit_code(self) -> int:
        with _heard():
            found = self._api.exec_inspect(self._id)
        return int(found["ExitCode"] if found["ExitCode"] is not None else 0)


def demultiplexed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The payloads of Docker's frames (one byte stream number, three of nothing, four of length), whole ones only,
    however the bytes were cut on their way."""
    buffer = bytearray()
    for piece in pieces:
        buffer += piece
        while len(buffer) >= _FRAME_HEADER:
            end = _FRAME_HEADER + int.from_bytes(buffer[4:_FRAME_HEADER], "big")
            if len(buffer) < end:
                break
            yield bytes(buffer[_FRAME_HEADER:end])
            del buffer[:end]


class _Connection:
    """A thread's own, closed when the thread has ended."""

    def __init__(self, api: APIClient) -> None:
        self.api = api

    def __del__(self) -> None:
        self.api.close()


@contextmanager
def _heard() -> Iterator[None]:
    """Turns what the SDK raises into the contract's faults, with the daemon's own words."""
    try:
        yield
    except errors.ImageNotFound as error:
        raise ImageFault(_words(error)) from error
    except errors.NotFound as error:
        raise Missing(_words(error)) from error
    except errors.APIError as error:
        raise _fault(error)(_words(error)) from error
    except (errors.DockerException, requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise RuntimeGone(f"the Docker daemon does not answer: {error}") from error


def _fault(error: errors.APIError) -> type[RuntimeFault]:
    """The daemon has no code of its own for a subnet that is taken, nor for a name that somebody else gave a moment
    before us: only words."""
    words = _words(error)
    if error.status_code == 409 or "same name as its current name" in words:
        return Conflict
    return Overlap if "overlaps" in words else RuntimeFault


def _knock(address: str) -> None:
    """Raises OSError when nobody listens at a Unix socket: the SDK would leave its own half open socket behind."""
    if address.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(address.removeprefix("unix://"))


def _url(api: APIClient, path: str) -> str:
    return f"{api.base_url}/v{api.api_version}{path}"


def _words(error: errors.APIError) -> str:
    return str(error.explanation or error)


def _message(response: requests.Response) -> str:
    try:
        return str(response.json()["message"])
    except (ValueError, KeyError):
        return response.text or f"HTTP {response.status_code}"
