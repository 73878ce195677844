"""Who calls the API in these tests: a plain HTTP client, and the real kubectl."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson

ROOT = Path(__file__).resolve().parents[3]
TABLE = (
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
)
STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"

REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    406: "NotAcceptable",
    409: "Conflict",
    410: "Expired",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    501: "NotImplemented",
    503: "ServiceUnavailable",
    504: "Timeout",
}

JSON = dict[str, Any]


class Api(httpx.Client):
    """`get`, `post` ... as httpx has them; `read` and `make` for what must succeed."""

    def read(self, path: str, *, accept: str = "application/json", **query: str) -> JSON:
        answer = self.get(path, params=query, headers={"Accept": accept})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def make(self, path: str, manifest: JSON) -> JSON:
        answer = self.post(path, json=manifest)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def change(self, path: str, patch: Any, *, type: str = MERGE, **query: str) -> httpx.Response:
        return self.patch(path, content=orjson.dumps(patch), headers={"Content-Type": type}, params=query)

    @contextmanager
    def watch(self, path: str, *, accept: str = "application/json", **query: str) -> Iterator[Iterator[JSON]]:
        """The events, one by one as they come."""
        with self.stream("GET", path, params={"watch": "true", **query}, headers={"Accept": accept}) as answer:
            assert answer.status_code == 200, answer.read()
            yield (orjson.loads(line) for line in answer.iter_lines())


@dataclass(frozen=True)
class Kubectl:
    """Calls of one kubectl; `said` is what it printed, errors included."""

    binary: Path
    config: Path
    cache: Path

    def command(self, *words: str) -> list[str]:
        return [str(self.binary), "--kubeconfig", str(self.config), "--cache-dir", str(self.cache), *words]

    def run(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words), input=stdin, capture_output=True, text=True, timeout=60, check=False
        )

    def __call__(self, *words: str, stdin: str = "") -> str:
        """Standard output of what must succeed."""
        done = self.run(*words, stdin=stdin)
        assert done.returncode == 0, f"kubectl {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def fails(self, *words: str, stdin: str = "") -> str:
        """What it says when it must not succeed."""
        done = self.run(*words, stdin=stdin)
        assert done.returncode != 0, f"kubectl {' '.join(words)} succeeded: {done.stdout}"
        return done.stderr


def kubectl_binary(version: str) -> Path:
    """Where kubectl of that version lies. Missing is a failure, not a skip: these tests are a promise."""
    places = (
        ROOT / ".build" / "kubectl" / f"kubectl-{version}",
        Path(f"/usr/lib/google-cloud-sdk/bin/kubectl.{version}"),
    )
    for place in places:
        if place.exists():
            return place
    raise AssertionError(f"kubectl {version} is missing: `make test` fetches it (looked for {places[0]})")


def is_status(answer: httpx.Response, code: int) -> JSON:
    """Asserts that a failure is told as Kubernetes tells it; gives the Status."""
    body = answer.json()
    assert answer.status_code == code == body["code"], answer.text
    assert (body["kind"], body["apiVersion"], body["status"]) == ("Status", "v1", "Failure")
    assert body["reason"] == REASONS[code] or (code == 409 and body["reason"] == "AlreadyExists")
    assert len(body["message"]) > 10
    return dict(body)
