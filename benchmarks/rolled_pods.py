"""Requests that are lost while pods are rolled, through an Ingress: none is the promise.

`python -m benchmarks.rolled_pods [pods] [requests a second] [replicas] [file] [phase ...]`

Half of the requests come over connections that stay open, half over new ones, a tenth of all over TLS; every pod ends
the moment it is told to. After the rollouts pods are deleted, the workload is scaled, certificates are exchanged,
listeners come and go, and the processes of the service are killed, all under the same load. Starts a product of its
own. The peer is the same load while nothing is done. Last, `kill -9` of Envoy, which loses requests: how long until it
serves again. Needs nginx (`apt-get install nginx-light`), which is what the pods run.

A thousand pods take a small machine long. With a file, each run adds its figures to it, also one that is told to stop
(`timeout 570 ...`), and the sum of all runs is told. `roll` alone goes on until then.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import ssl
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from benchmarks import webimage
from tests import manifests
from tests.load import Load, Tally, load
from tests.stack import Stack, running_stack

HOST, SECURE, NAMESPACE = "web.example", "secure.example", "bench"
CERTIFICATE = "web-tls"
QUIET_SECONDS = 15
CERTIFICATES, LISTENERS, RESTARTS = 20, 20, ("manager", "worker", "traffic", "agent", "web")
ENVOY = "kill -9 of envoy"
PHASES = ("quiet", "roll", "kill_pods", "scale", "exchange_certificates", "listeners", "restart", "kill_envoy")
"""Methods of `Bench`."""


def main(pods: int = 1000, rate: int = 500, replicas: int = 16, kept: Path | None = None, *phases: str) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to stop"))  # what was started is taken away, as ever
    _hurry()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with running_stack() as stack:
        address = expose(stack, replicas=replicas)
        bench = Bench(stack, address, replicas)
        print(_HEAD)
        try:
            with ExitStack() as under:
                bench.loads += [
                    under.enter_context(load(address, host=HOST, rate=rate - rate // 10)),
                    under.enter_context(load(address, 443, host=SECURE, rate=rate // 10, secure=_anybody())),
                ]
                bench.run(pods, phases)
        finally:
            bench.report()
            if kept is not None:
                with kept.open("ab") as file:
                    file.write(orjson.dumps(bench.figures(rate)) + b"\n")
                _sum(kept)


def _sum(kept: Path) -> None:
    """Of all runs in the file."""
    runs = [orjson.loads(line) for line in kept.read_text().splitlines()]
    good, bad, seconds = Counter[str](), Counter[str](), Counter[str]()
    for run in runs:
        for phase, told in run["phases"].items():
            good[phase] += told["good"]
            bad[phase] += sum(told["bad"].values())
            seconds[phase] += round(told["seconds"])
    print(f"\n{len(runs)} runs, together\n{'':50} seconds  requests  lost")
    for phase in good:
        print(f"{phase:50} {seconds[phase]:7} {good[phase] + bad[phase]:9} {bad[phase]:5}")
    pods, all_but = sum(run["replaced"] for run in runs), good.keys() - {ENVOY}
    asked, lost = sum(good[one] + bad[one] for one in all_but), sum(bad[one] for one in all_but)
    print(f"{pods} pods replaced; {lost} of {asked} requests lost in all but {ENVOY}")
    if any(run["away"] for run in runs):
        print(f"away after {ENVOY}: " + ", ".join(f"{run['away']:.2f} s" for run in runs if run["away"]))


def _hurry() -> None:
    """Who asks goes before all others on the processors, as if it asked from another machine: an answer that it does
    not get to read is not lost. The product runs in sessions of its own."""
    with suppress(OSError):
        os.setsid()
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text("-15")


_HEAD = f"{'':50} seconds  requests  lost  p50 ms  p99 ms  load"


def _of(loads: list[Load], phase: str) -> Tally:
    tallies = [one.phases.get(phase, Tally()) for one in loads]
    whole = Tally(seconds=[took for one in tallies for took in list(one.seconds)])
    for one in tallies:
        whole.good += one.good
        whole.bad += one.bad
    return whole


class Bench:
    """What is done under load, each in a phase of its own."""

    def __init__(self, stack: Stack, address: str, replicas: int) -> None:
        self.stack = stack
        self.address = address
        self.loads: list[Load] = []
        self.replicas = replicas
        self.replaced = 0
        self.away = 0.0
        """Seconds until Envoy answered again."""
        self._began = time.monotonic()
        self._took: dict[str, tuple[float, float]] = {}
        """How long each phase took, and the machine's load at its end."""

    def run(self, pods: int, phases: Sequence[str] = ()) -> None:
        for phase in phases or PHASES:
            getattr(self, phase)(*([pods] if phase == "roll" else ()))

    def report(self) -> None:
        """Once all answers are there."""
        print(f"\n{_HEAD}")
        for phase in self._took:
            self._line(phase)
        lost = sum(_of(self.loads, phase).bad.total() for phase in self._took if phase != ENVOY)
        print(f"{self.replaced} pods replaced; {lost} requests lost in all but {ENVOY}")
        if self.away:
            print(f"after {ENVOY} it answered again in {self.away:.2f} s")
        print(f"who asked took {time.process_time() / (time.monotonic() - self._began):.2f} of a processor")

    def figures(self, rate: int) -> dict[str, Any]:
        """As they are kept."""
        phases = {}
        for phase, (seconds, busy) in self._took.items():
            whole = _of(self.loads, phase)
            phases[phase] = {"seconds": seconds, "load": busy, "good": whole.good, "bad": dict(whole.bad)}
            phases[phase] |= {"p50": whole.percentile(0.5), "p99": whole.percentile(0.99)}
        return {"rate": rate, "replaced": self.replaced, "away": self.away, "phases": phases}

    def _line(self, phase: str) -> None:
        (seconds, busy), whole = self._took[phase], _of(self.loads, phase)
        half, most = whole.percentile(0.5) * 1000, whole.percentile(0.99) * 1000
        figures = f"{seconds:7.0f} {whole.total:9} {whole.bad.total():5} {half:7.1f} {most:7.0f}  {busy:.1f}"
        print(f"{phase:50} {figures}", flush=True)
        for why, count in whole.bad.most_common(8):
            print(f"    {count} x {why}")

    def quiet(self) -> None:
        with self._phase("nothing is done"):
            time.sleep(QUIET_SECONDS)

    def roll(self, pods: int) -> None:
        with self._phase(f"rollouts of {self.replicas} pods"):
            while self.replaced < pods:
                self._kubectl("rollout", "restart", "deploy/web")
                _rolled(self.stack)
                self.replaced += self.replicas

    def kill_pods(self) -> None:
        """A quarter of them at a time."""
        with self._phase("kubectl delete pod, a quarter at a time"):
            for _ in range(4):
                pods = [one["metadata"] for one in self.stack.get("pods", "-n", NAMESPACE)["items"]]
                names = [one["name"] for one in pods if "deletionTimestamp" not in one][: self.replicas // 4]
                self._kubectl("delete", "pod", *names)
                _rolled(self.stack)
                self.replaced += len(names)

    def scale(self) -> None:
        more = self.replicas + self.replicas // 4
        with self._phase(f"scaled to {more}, to {self.replicas // 2}, back"):
            for replicas in (more, self.replicas // 2, self.replicas):
                self._kubectl("scale", "deploy/web", f"--replicas={replicas}")
                _rolled(self.stack)

    def exchange_certificates(self) -> None:
        with self._phase(f"{CERTIFICATES} new certificates"):
            for number in range(CERTIFICATES):
                self.stack.apply(_certificate())
                self.stack.wait(lambda: self._shown() == _last_made[0], what=f"certificate {number} to be shown")

    def listeners(self) -> None:
        with self._phase(f"{LISTENERS} listeners come and go"):
            for port in range(9000, 9000 + LISTENERS):
                self.stack.apply(_balanced(port))
                self.stack.wait(lambda port=port: _is_open(self.address, port), what=f"port {port}")  # type: ignore[misc]
            self._kubectl("delete", "service", "-l", "more=yes")
            self.stack.wait(lambda: not _is_open(self.address, 9000 + LISTENERS - 1), what="the ports to be closed")

    def restart(self) -> None:
        with self._phase(f"kill -9 of {', '.join(RESTARTS)}"):
            for program in RESTARTS:
                self._kubectl("rollout", "restart", "deploy/web")
                time.sleep(1)
                before = self.stack.pid(program)
                self.stack.kill(program)
                self.stack.wait(lambda before=before, program=program: self.stack.pid(program) != before)  # type: ignore[misc]
                self.stack.wait(self._serves_api, seconds=120, what="the API to serve")
                _rolled(self.stack)
                self.replaced += self.replicas

    def kill_envoy(self) -> None:
        with self._phase(ENVOY):
            time.sleep(1)  # what was asked in the phase before has its answer
            began = time.monotonic()
            self.stack.kill("envoy")
            while not _answers(self.address):
                time.sleep(0.002)
            self.away = time.monotonic() - began
            time.sleep(5)

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        for one in self.loads:
            one.phase = name
        try:
            yield
        finally:
            self._took[name] = time.monotonic() - began, os.getloadavg()[0]
            self._line(name)

    def _kubectl(self, *words: str) -> str:
        return self.stack.kubectl("-n", NAMESPACE, *words)

    def _serves_api(self) -> bool:
        return "ok" in self.stack.kubectl("get", "--raw", "/readyz", check=False)

    def _shown(self) -> int:
        """The serial number of the certificate that a new connection is shown."""
        shown = ssl.get_server_certificate((self.address, 443), timeout=10)
        return x509.load_pem_x509_certificate(shown.encode()).serial_number


def expose(stack: Stack, *, replicas: int) -> str:
    """The ELB's address, when it serves."""
    webimage.build()
    ready = {"httpGet": {"path": "/", "port": webimage.PORT}, "periodSeconds": 2}
    container = manifests.container(image=webimage.IMAGE) | {"readinessProbe": ready}
    del container["command"]
    container["ports"] = [{"name": "http", "containerPort": webimage.PORT}]
    web = manifests.deployment(replicas=replicas, containers=[container])
    web["spec"]["progressDeadlineSeconds"] = 3600
    web["spec"]["strategy"] = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "50%", "maxUnavailable": "25%"}}
    secure = manifests.ingress(host=SECURE, tls=[{"hosts": [SECURE], "secretName": CERTIFICATE}])
    stack.kubectl("create", "namespace", NAMESPACE)
    stack.apply(
        web | {"metadata": {"name": "web", "namespace": NAMESPACE}},
        manifests.service(ports=[{"port": 80, "targetPort": "http"}])
        | {"metadata": {"name": "web", "namespace": NAMESPACE}},
        _certificate(),
        manifests.ingress(host=HOST) | {"metadata": {"name": "web", "namespace": NAMESPACE}},
        secure | {"metadata": {"name": "secure", "namespace": NAMESPACE}},
    )
    _rolled(stack)
    told = ("-n", NAMESPACE, "get", "ingress", "web", "-o", "jsonpath={.status.loadBalancer.ingress[0].ip}")
    stack.wait(lambda: stack.kubectl(*told), what="the ELB's address")
    address = stack.kubectl(*told)
    stack.wait(lambda: _serves(address), what="the first answer")
    return address


def _rolled(stack: Stack) -> None:
    """Until the rollout is through: kubectl gives up after a minute here."""
    asked = ("-n", NAMESPACE, "rollout", "status", "deploy/web", "--timeout=55s")
    stack.wait(lambda: "successfully" in stack.kubectl(*asked, check=False), seconds=300, what="the rollout")


def _serves(address: str) -> bool:
    with load(address, host=HOST, rate=20) as plain, load(address, 443, host=SECURE, rate=20, secure=_anybody()) as tls:
        time.sleep(0.3)
    return min(plain.good, tls.good) > 0 and not plain.bad and not tls.bad


def _is_open(address: str, port: int) -> bool:
    with load(address, port, host=HOST, rate=200) as asked:
        time.sleep(0.01)
    return asked.good > 0


def _answers(address: str) -> bool:
    """Asked by hand: a thread and a loop for each question would take longer than what is measured."""
    try:
        with socket.create_connection((address, 80), timeout=5) as line:
            line.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
            return line.recv(12) == b"HTTP/1.1 200"
    except OSError:
        return False


def _balanced(port: int) -> dict[str, object]:
    """One more listener of the same ELB."""
    service = manifests.service(ports=[{"port": port, "targetPort": "http"}], type="LoadBalancer")
    return service | {"metadata": {"name": f"more-{port}", "namespace": NAMESPACE, "labels": {"more": "yes"}}}


_last_made = [0]


def _certificate() -> dict[str, object]:
    """A Secret with a new certificate of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, SECURE)]), datetime.now(UTC)
    _last_made[0] = x509.random_serial_number()
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), _last_made[0])
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(SECURE)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": CERTIFICATE, "namespace": NAMESPACE},
        "type": "kubernetes.io/tls",
        "stringData": {"tls.crt": made.public_bytes(pem).decode(), "tls.key": secret.decode()},
    }


def _anybody() -> ssl.SSLContext:
    """Whose certificate it is, is not asked here."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


if __name__ == "__main__":
    words = dict(enumerate(sys.argv))
    kept = Path(sys.argv[4]) if len(sys.argv) > 4 else None
    main(int(words.get(1, 1000)), int(words.get(2, 500)), int(words.get(3, 16)), kept, *sys.argv[5:])
