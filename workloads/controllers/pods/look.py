"""What one look at one pod knows and gathers. It lives as long as the look and remembers nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from typing import Any, Literal

from workloads.client import Client
from workloads.controllers import hands
from workloads.controllers.base import Result
from workloads.controllers.host import Host, host_ip
from workloads.controllers.pods import health, lastwords, order, status
from workloads.controllers.pods.health import Health
from workloads.controllers.pods.lifecycle import Lifecycle
from workloads.controllers.pods.order import Turn
from workloads.controllers.pods.status import Waiting
from workloads.meta.keys import Key, Uid
from workloads.runtimes.bags import Bags
from workloads.runtimes.base import ContainerStatus, LogStream, NetworkSpec, Runtime, SandboxStatus
from workloads.store import hosts, probes
from workloads.store.probes import Word

JSON = dict[str, Any]


@dataclass(frozen=True)
class _Told:
    reason: str
    message: str
    type: Literal["Normal", "Warning"]
    component: str


@dataclass
class Look:
    host: Host
    door: Client
    key: Key
    pod: JSON
    now: datetime
    lifecycle: Lifecycle
    observed: SandboxStatus | None = None
    network: NetworkSpec | None = None
    bags: Bags | None = None
    waiting: dict[str, Waiting] = field(default_factory=dict)
    wake: float | None = None
    told: list[_Told] = field(default_factory=list)
    overdue: bool = False
    """Its `activeDeadlineSeconds` have passed."""
    evicted: str = ""
    """Why it has to go."""

    @property
    def uid(self) -> Uid:
        return Uid(self.pod["metadata"]["uid"])

    @property
    def runtime(self) -> Runtime:
        return self.host.runtime()

    @property
    def ip(self) -> str:
        return self.observed.ip if self.observed else ""

    @property
    def containers(self) -> list[JSON]:
        """The main ones."""
        return list(self.pod["spec"]["containers"])

    @property
    def inits(self) -> list[JSON]:
        return list(self.pod["spec"].get("initContainers") or ())

    @property
    def every(self) -> list[JSON]:
        return [*self.inits, *self.containers]

    def before(self, container: str) -> JSON | None:
        """The container's entry in the pod's stored status."""
        stored = self.pod.get("status") or {}
        entries = (*(stored.get("initContainerStatuses") or ()), *(stored.get("containerStatuses") or ()))
        return next((entry for entry in entries if entry["name"] == container), None)

    def seen(self, container: str) -> ContainerStatus | None:
        return self.observed.containers.get(container) if self.observed else None

    def runs(self, container: str) -> bool:
        seen = self.seen(container)
        return seen is not None and seen.state == "running"

    def hooked(self, container: JSON) -> bool:
        """Whether its attempt needs no postStart, or has it behind itself."""
        seen = self.seen(container["name"])
        wants = bool((container.get("lifecycle") or {}).get("postStart"))
        return not wants or (
            seen is not None and self.lifecycle.hook(container["name"], attempt=seen.attempt) == "done"
        )

    def health(self, container: JSON) -> Health:
        seen = self.seen(container["name"])
        return health.judge(container, seen, self.words, hooked=self.hooked(container))

    @cached_property
    def words(self) -> list[Word]:
        """What the pod's probes say."""
        return probes.of(self.uid) if any(health.has_probes(container) for container in self.every) else []

    @cached_property
    def doors(self) -> dict[str, dict[str, Any]]:
        """Where its containers reach the Kubernetes API, and ask for names; or why they do not."""
        return hosts.several(hosts.API, hosts.DNS)

    @property
    def api(self) -> str:
        """ "" for nowhere."""
        return str(self.doors.get(hosts.API, {}).get("address", ""))

    @property
    def names(self) -> str:
        """ "" for nowhere."""
        return str(self.doors.get(hosts.DNS, {}).get("address", ""))

    def turn(self) -> Turn:
        named = {container["name"]: container for container in self.inits}
        return order.turn(
            self.pod["spec"],
            seen=self.seen,
            before=self.before,
            started=lambda name: self.health(named[name]).started,
            again=self.lifecycle.again(),
        )

    def was_not(self, container: str, reason: str) -> bool:
        """It did not wait for this reason yet: people have not been told."""
        waiting = ((self.before(container) or {}).get("state") or {}).get("waiting") or {}
        return bool(waiting.get("reason") != reason)

    def wait(self, container: str, reason: str, message: str = "") -> None:
        self.waiting[container] = Waiting(reason, message)

    def wake_at(self, moment: datetime) -> None:
        self.wake_in((moment - self.now).total_seconds())

    def wake_in(self, seconds: float) -> None:
        """The soonest wish counts."""
        self.wake = max(0.0, seconds if self.wake is None else min(self.wake, seconds))

    def tell(
        self,
        reason: str,
        message: str,
        *,
        type: Literal["Normal", "Warning"] = "Normal",
        component: str = "kubelet",
    ) -> None:
        """Gathered now, written after the status: people can wait, containers cannot."""
        self.told.append(_Told(reason, message, type, component))

    def save(self, *, final: bool = False) -> None:
        """Writes what is known into the pod's status. Raises Conflict and NotFound."""
        seen = status.Seen(
            observed=self.observed,
            waiting=self.waiting,
            now=self.now,
            host_ip=host_ip(),
            final=final,
            health={container["name"]: self.health(container) for container in self.every},
            unhooked=frozenset(container["name"] for container in self.every if not self.hooked(container)),
            turn=self.turn(),
            overdue=self.overdue,
            logged=self._logged(),
            evicted=self.evicted,
        )
        self.pod = hands.put_status(self.door, self.pod, status.placed(self.pod, seen, self.lifecycle))
        self.lifecycle = Lifecycle(self.pod["status"])

    def _logged(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for container in self.every:
            name = container["name"]
            found |= lastwords.of(container, self.seen(name), self.before(name), partial(self._end_of_log, name))
        return found

    def _end_of_log(self, container: str, attempt: int) -> LogStream:
        return self.runtime.logs(self.uid, container, tail=lastwords.LINES, attempt=attempt)

    def speak(self) -> None:
        for words in self.runtime.losses(self.uid):
            self.tell("LogNotKept", words, type="Warning")
        for one in self.told:
            hands.tell(
                self.door, self.pod, component=one.component, reason=one.reason, message=one.message, type=one.type
            )
        self.told.clear()

    def result(self) -> Result:
        return Result(self.wake)
