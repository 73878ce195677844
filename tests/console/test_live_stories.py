"""After any story of changes a page that was followed says what a page says that is loaded now."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Literal

import pytest
from asgiref.sync import sync_to_async

from console.live import pace
from tests.console import scenes
from tests.console.conftest import signed_in
from tests.console.screens import Screen
from tests.console.sockets import Socket, following
from workloads import watch
from workloads.meta.errors import StatusError

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = (
    "/pods/",
    "/pods/?state=look",
    "/pods/?source=none&q=l",
    "/namespaces/shop/pods/?columns=state,labels",
    "/deployments/",
    "/deployments/?state=look",
    "/jobs/",
    "/",
)
MERGE: Literal["application/merge-patch+json"] = "application/merge-patch+json"
STATES: tuple[Callable[[], dict[str, object]], ...] = (
    scenes.running,
    scenes.pulling,
    scenes.crashing,
    scenes.image_problem,
    scenes.no_room,
)


@pytest.fixture(autouse=True)
async def quiet_hub() -> AsyncIterator[None]:
    yield
    await watch.close()


@sync_to_async
def loaded(path: str) -> str:
    return str(signed_in("acme", "alice").get(path).content.decode())


@sync_to_async
def step(chance: random.Random, number: int) -> None:
    """One thing that happens to the shop."""
    client, hand = scenes.person(), scenes.hand()
    names = [one["metadata"]["name"] for one in client.list("Pod", "shop").items]
    with suppress(StatusError):
        match chance.randrange(8):
            case 0:
                scenes.pod(f"lately-{number}", status=chance.choice(STATES)())
            case 1 if names:
                scenes.gone(chance.choice(names))
            case 2:
                web = client.get("Deployment", "web", "shop")
                counts = {"replicas": 2, "updatedReplicas": 2, "readyReplicas": chance.randrange(3)}
                web["status"] = {**(web.get("status") or {}), **counts, "observedGeneration": 1}
                hand.update("Deployment", "web", web, "shop", subresource="status")
            case 3:
                client.patch("Deployment", "web", {"metadata": {"labels": {"step": str(number)}}}, MERGE, "shop")
            case _other if names:
                pod = client.get("Pod", chance.choice(names), "shop")
                pod["status"] = chance.choice(STATES)()
                hand.update("Pod", pod["metadata"]["name"], pod, "shop", subresource="status")


async def take(live: Socket, screen: Screen, *, until_quiet: float) -> None:
    while not await live.is_silent(seconds=until_quiet):
        screen.take((await live.message()).get("regions", {}))


@pytest.mark.parametrize("path", PAGES)
async def test_after_any_story_it_says_what_a_fresh_page_says(
    shop: None, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(pace, "SETTLING_SECONDS", 0.3)
    chance, screen = random.Random(path), Screen(await loaded(path))
    async with following(path) as live:
        screen.take((await live.message())["regions"])
        for number in range(25):
            await step(chance, number)
            if chance.random() < 0.3:
                await asyncio.sleep(0.05)
        await take(live, screen, until_quiet=1.5)

    assert screen.text == Screen(await loaded(path)).text


async def test_a_row_is_right_before_the_whole_page_was_looked_at_again(
    shop: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "SETTLING_SECONDS", 60)
    monkeypatch.setattr(pace, "REST_SECONDS", 60)
    path = "/namespaces/shop/pods/"
    screen = Screen(await loaded(path))
    async with following(path) as live:
        await live.message()
        for number in range(4):
            await change_all(STATES[number])
        await take(live, screen, until_quiet=1.0)

    assert screen.text == Screen(await loaded(path)).text


@sync_to_async
def change_all(state: Callable[[], dict[str, object]]) -> None:
    client = scenes.person()
    for pod in client.list("Pod", "shop").items:
        pod["status"] = state()
        scenes.hand().update("Pod", pod["metadata"]["name"], pod, "shop", subresource="status")


async def test_what_is_written_elsewhere_sends_no_list_again(shop: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.lists.PAGE", 2)
    async with following("/namespaces/shop/pods/") as live:
        assert 'id="pager"' in (await live.message())["regions"]["pods"]
        await sync_to_async(scenes.configmap)("news", {"a": "b"})
        regions = await live.regions_with(">2<")

    assert "count-configmaps" in regions and "pods" not in regions
