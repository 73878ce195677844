"""What cci-iam-authenticator adds to a kubectl that finds its token in the cache, against `python -c pass`.

`python -m benchmarks.authenticator_start [rounds]`

Each kubectl starts it once. Python's own start is the least that any such command in Python takes.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.figures import report, take_turns
from iam import bundle
from iam.authenticator import cache

PYTHON = "python -c pass"
CACHED = "a token from the cache"
ENDPOINT, AK = "https://127.0.0.1:1", "CCIBENCHMARK"


def main(rounds: int = 30) -> None:
    with tempfile.TemporaryDirectory() as place:
        command = Path(place) / bundle.NAME
        bundle.write(command)
        os.environ["CCI_CACHE_DIR"] = place
        asked = json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "spec": {}})

        def plugin() -> float:
            entry = cache.Entry("cci-token", time.time() + 3600, checked=time.time())
            cache.write(cache.path_of(ENDPOINT, f"ak\0{AK}\0"), entry)
            words = ["token", f"--iam-endpoint={ENDPOINT}", f"--ak={AK}"]
            return _took([sys.executable, str(command), *words], said="cci-token", KUBERNETES_EXEC_INFO=asked)

        processor: dict[str, list[float]] = {}
        bare = [sys.executable, "-c", "pass"]
        contenders = {PYTHON: lambda: _took(bare, said=""), CACHED: plugin}
        for name, once in contenders.items():
            processor[name] = [_processor_time(once) for _ in range(rounds)]
        took = take_turns(contenders, rounds=rounds, between=lambda: None)
    report(took, peers=(PYTHON,))
    print("Of the processor alone, whoever else is busy:")
    report(processor, peers=(PYTHON,))


def _processor_time(once: Callable[[], float]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    once()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _took(command: list[str], *, said: str, **environment: str) -> float:
    before = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **environment})
    took = time.perf_counter() - before
    assert said in done.stdout, done.stdout
    return took


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
