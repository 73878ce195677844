"""SPDY/3.1's frames stand twice, because the add-on imports nothing of the service: what is mended in one is mended in
both."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def code(path: str) -> str:
    """Without the words at its head, which say whom it serves."""
    tree = ast.parse((ROOT / path).read_text())
    assert ast.get_docstring(tree)
    return ast.dump(ast.Module(tree.body[1:], []))


def test_the_add_ons_frames_are_the_services() -> None:
    assert code("burst/spdy.py") == code("workloads/kubeapi/streaming/spdy.py")
