"""Logs of several containers become one, in time order; whoever comes later is read from its first line on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

import pytest

from console import merging
from console.merging import Ask, Found, Merge, Source, Words
from workloads.meta.errors import NotFound

WORDS = Words(came="+%(name)s", left="-%(name)s", more="%(name)s more", nothing="nothing yet")


def stamped(second: int, text: str) -> bytes:
    return f"2026-11-27T10:00:{second:02}.000000000Z {text}\n".encode()


class Host:
    """Containers and what they have written; `live` gets what they write while somebody follows."""

    def __init__(self, **written: bytes) -> None:
        self.written = written
        self.live: dict[str, asyncio.Queue[bytes | None]] = {}
        self.ended: set[str] = set()
        self.gone = False
        self.looks = 0
        self.act: Callable[[], object] = lambda: None
        """Done at the third look, when everybody who was there is followed."""

    async def find(self) -> Found:
        self.looks += 1
        if self.looks == 3:
            self.act()
        if self.gone:
            raise NotFound("web is gone")
        return Found([Source(f"{name}/app", f"{name}/app 1", running=name not in self.ended) for name in self.written])

    @asynccontextmanager
    async def opened(self, source: Source, ask: Ask) -> AsyncIterator[AsyncIterator[bytes]]:
        yield self._chunks(source.label.partition("/")[0], ask)

    async def _chunks(self, name: str, ask: Ask) -> AsyncIterator[bytes]:
        yield self.written[name]
        while ask.follow and (chunk := await self.live.setdefault(name, asyncio.Queue()).get()) is not None:
            yield chunk


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "LOOK_AGAIN_SECONDS", 0.02)
    monkeypatch.setattr(merging, "HOLD_SECONDS", 0.002)


async def followed(host: Host, until: Callable[[str], bool]) -> str:
    """What a follower has seen when `until` says it is enough."""
    text = ""
    merge = Merge(host.find, host.opened, WORDS, times_shown=False)
    async with asyncio.timeout(5), aclosing(merge.follow(tail=None, since=None)) as coming:
        async for chunk in coming:
            text += chunk.decode()
            if until(text):
                break
    return text
    return text


async def test_what_was_written_is_merged_by_time() -> None:
    host = Host(a=stamped(1, "one") + stamped(4, "four"), b=stamped(2, "two") + stamped(3, "three")[:-1])
    text = b"".join([piece async for piece in Merge(host.find, host.opened, WORDS).read(tail=None, since=None)])
    assert [line.split(b" ", 1)[1] for line in text.splitlines()] == [
        b"a/app one",
        b"b/app two",
        b"b/app three",
        b"a/app four",
    ]
    assert text.startswith(b"2026-11-27T10:00:01.000000000Z a/app one\n")


async def test_a_follower_gets_each_line_once_although_it_is_read_twice() -> None:
    host = Host(a=stamped(1, "one"), b=stamped(2, "two"))

    def speak() -> None:
        host.live["b"].put_nowait(stamped(4, "four"))
        host.live["a"].put_nowait(stamped(3, "three"))

    host.act = speak
    text = await followed(host, lambda text: "three" in text and "four" in text)
    assert text == "a/app one\nb/app two\na/app three\nb/app four\n"


async def test_who_comes_and_who_leaves_is_said_and_read_from_the_first_line_on() -> None:
    host = Host(a=stamped(1, "one"))

    def replace() -> None:
        host.live["a"].put_nowait(None)
        host.written = {"c": stamped(5, "hello")}

    host.act = replace
    text = await followed(host, lambda text: "hello" in text)
    assert text == "a/app one\n-a/app\n+c/app\nc/app hello\n"


async def test_a_workload_without_output_says_so_and_one_that_is_deleted_ends_it() -> None:
    host = Host()
    text = await followed(host, lambda text: setattr(host, "gone", True) is not None)
    assert text == "nothing yet\nweb is gone\n"


async def test_too_many_are_counted() -> None:
    async def find() -> Found:
        return Found([], more=7)

    assert [piece async for piece in Merge(find, Host().opened, WORDS).read(tail=10, since=None)] == [b"7 more\n"]
