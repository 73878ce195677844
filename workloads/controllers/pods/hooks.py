"""Lifecycle hooks run in the background of the worker process: no worker is held while a container prepares or drains.

Memory only. A worker that dies loses the hook that ran, not the wish for it: it is run again, and Kubernetes promises
no more ("at least once"). A `sleep` needs no thread: the look that asked comes back when it is over.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import httpx

from workloads.controllers.pods.pulls import in_thread
from workloads.kinds import handlers
from workloads.meta.keys import Key, Uid
from workloads.runtimes.base import Runtime, RuntimeFault

logger = logging.getLogger(__name__)
JSON = dict[str, Any]

KEPT_FOR = timedelta(minutes=10)
_AGENT = "kube-lifecycle/1.33"


class Name(NamedTuple):
    """One hook of one attempt of a container. `which` is postStart or preStop."""

    uid: Uid
    container: str
    attempt: int
    which: str


class Call(NamedTuple):
    """What is to be done: the hook as the container has it."""

    hook: JSON
    container: JSON
    ip: str
    seconds: float
    """No longer than this."""


class _Run:
    def __init__(self) -> None:
        self.error: str | None = None
        """"" when it went well; None while it runs."""
        self.ended_at: datetime | None = None


class Hooks:
    """`ring(keys)` is called when a hook has ended. `start` runs the work."""

    def __init__(
        self,
        runtime: Callable[[], Runtime],
        *,
        ring: Callable[[Iterable[Key]], None],
        start: Callable[[Callable[[], None]], None] = in_thread,
    ) -> None:
        self._runtime = runtime
        self._ring = ring
        self._start = start
        self._lock = threading.Lock()
        self._runs: dict[Name, _Run] = {}

    def ask(self, name: Name, call: Call, *, key: Key, now: datetime) -> str | None:
        """None while it runs (it is begun when it is new); then "" or what went wrong."""
        with self._lock:
            self._forget_old(now)
            run = self._runs.get(name)
            fresh = run is None
            if run is None:
                run = self._runs[name] = _Run()
        if fresh:
            self._start(lambda: self._work(name, call, run, key))
        return run.error

    def _work(self, name: Name, call: Call, run: _Run, key: Key) -> None:
        try:
            error = self._act(name, call)
        except Exception as problem:
            logger.exception("hook %s of %s failed", name.which, key)
            error = f"{type(problem).__name__}: {problem}"
        with self._lock:
            run.error = error
        self._ring([key])

    def _act(self, name: Name, call: Call) -> str:
        if call.hook.get("exec"):
            return self._command(name, call)
        return _request(call)

    def _command(self, name: Name, call: Call) -> str:
        try:
            ran = self._runtime().exec(name.uid, name.container, call.hook["exec"]["command"], seconds=call.seconds)
        except RuntimeFault as fault:
            return str(fault)
        if ran.exit_code is None:
            return f"the command did not end within {call.seconds:g} seconds"
        return "" if ran.exit_code == 0 else f"the command ended with code {ran.exit_code}"

    def _forget_old(self, now: datetime) -> None:
        for name, run in list(self._runs.items()):
            if run.error is None:
                continue
            run.ended_at = run.ended_at or now
            if run.ended_at < now - KEPT_FOR:
                del self._runs[name]


def _request(call: Call) -> str:
    """As the kubelet: any answer is a good one."""
    request = call.hook["httpGet"]
    port = handlers.port(request, call.container)
    if port is None:
        return f"couldn't find port: {request['port']}"
    url = handlers.address(request, ip=call.ip, port=port)
    headers = handlers.headers(request, agent=_AGENT)
    try:
        # whose certificate the pod shows is not asked
        with httpx.Client(verify=False, trust_env=False, timeout=call.seconds) as client:  # noqa: S501
            client.get(url, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return f'Get "{url}": {error or type(error).__name__}'
    return ""
