"""The page stays true by itself: what changes in the store arrives at the socket as the page's own markup."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.sessions.models import Session

from billing import client as billing
from console import sections
from console.live import consumers, pace
from iam.models import User
from tests.console import scenes
from tests.console.sockets import Socket, following
from workloads import watch

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
async def quiet_hub() -> AsyncIterator[None]:
    yield
    await watch.close()


@pytest.fixture
def web(shop: None) -> None:
    """The shop is there before the socket opens."""


@sync_to_async
def change(name: str, status: dict[str, Any]) -> None:
    pod = scenes.person().get("Pod", name, "shop")
    pod["status"] = {**pod["status"], **status}
    scenes.hand().update("Pod", name, pod, "shop", subresource="status")


async def test_a_socket_begins_with_everything(web: None) -> None:
    async with following("/namespaces/shop/pods/") as live:
        regions = (await live.message())["regions"]

    assert "web-0001-aaaaa" in regions["pods"]
    assert {"burn", "switch", "count-pods"} <= set(regions)


async def test_a_page_whose_address_is_quoted_is_followed(web: None) -> None:
    async with following("/policies/CCI%20FullAccess/") as live:
        message = await live.message()

    assert "gone" not in message and "comes-to" in message["regions"]


async def test_who_asks_whether_the_socket_lives_is_told_the_time(web: None) -> None:
    async with following("/namespaces/shop/pods/") as live:
        await live.message()
        await live.wire.send_input({"type": "websocket.receive", "text": "?"})
        assert set(await live.message()) == {"now"}


async def test_a_pod_that_changes_sends_its_row_alone(web: None) -> None:
    async with following("/namespaces/shop/pods/") as live:
        await live.message()
        await change("web-0001-bbbbb", scenes.pulling(77))
        regions = await live.regions_with("77%")

    rows = [name for name in regions if name.startswith("row-")]
    assert len(rows) == 1
    assert "pods" not in regions
    cells = regions[rows[0]]
    assert all(html.startswith("<td") and html.endswith("</td>") for html in cells.values())
    assert not any("web-0001-bbbbb</a>" in html for html in cells.values()), "its name is what it was"


@sync_to_async
def happened(message: str) -> None:
    event = {
        "metadata": {"name": f"lonely.{len(message)}"},
        "involvedObject": {"kind": "Pod", "name": "lonely", "namespace": "shop", "uid": "u"},
        "reason": "Restarting",
        "message": message,
        "type": "Warning",
        "lastTimestamp": scenes.ago(0),
    }
    scenes.hand().create("Event", event, "shop")


@sync_to_async
def forget(message: str) -> None:
    scenes.hand().delete("Event", f"lonely.{len(message)}", "shop")


async def test_events_come_to_the_first_page_and_go_with_those_who_are_gone(web: None) -> None:
    async with following("/") as live:
        await live.message()
        await happened("a first word")
        first = await live.regions_with("a first word")
        await happened("and a second word")
        both = await live.regions_with("and a second word")
        await forget("a first word")
        left = (await live.regions_without("a first word", "happened"))["happened"]

    assert set(first) == {"happened"}, "nothing else of the page was computed for it"
    assert "a first word" in both["happened"]
    assert both["happened"].index("and a second word") < both["happened"].index("a first word")
    assert "and a second word" in left


@sync_to_async
def credit(amount: int) -> None:
    doors = billing.balances
    doors.set_prepaid(doors.host(), "acme", True)
    doors.credit(doors.host(), "acme", Decimal(amount))


async def test_a_balance_is_told_as_it_is_while_its_page_stands_open(
    web: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "CORRECTION_SECONDS", 0.2)
    await credit(40)
    async with following("/balance/") as live:
        first = (await live.message())["regions"]
        await credit(2)
        then = await live.regions_with("¥42.00")

    assert "¥40.00" in first["side"]
    assert {"side", "credits"} <= set(then)


async def test_a_new_pod_brings_the_list_and_the_count(web: None) -> None:
    async with following("/namespaces/shop/pods/") as live:
        await live.message()
        await sync_to_async(scenes.pod)("newcomer", status=scenes.running())
        regions = await live.regions_with("newcomer")

    assert "newcomer" in regions["pods"]
    assert ">4<" in regions["count-pods"]


async def test_what_another_account_does_is_not_heard(web: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "SETTLING_SECONDS", 60)
    async with following("/pods/", account="other", name="charlie") as live:
        first = await live.message()
        await change("lonely", scenes.running())
        assert await live.is_silent(seconds=0.5)

    assert "lonely" not in str(first)


async def test_a_page_whose_object_is_deleted_says_so_and_ends(web: None) -> None:
    async with following("/namespaces/shop/pods/lonely/") as live:
        await live.message()
        await sync_to_async(scenes.gone)("lonely")
        async with asyncio.timeout(10):
            while "gone" not in (message := await live.message()):
                pass

    assert "deleted" in message["gone"]


async def test_a_form_follows_what_stands_around_it(web: None) -> None:
    async with following("/namespaces/shop/pods/lonely/delete/") as live:
        regions = (await live.message())["regions"]

    counts = {f"count-{section.name}" for group in sections.MAP for section in group.sections if section.kind}
    assert set(regions) == {"alarms", "bell", "burn", "switch", *counts}


@pytest.mark.parametrize(
    ("path", "code"), [("/nowhere/", consumers.NO_SUCH_PAGE), ("/sign-in/", consumers.NO_SUCH_PAGE), ("", 4404)]
)
async def test_only_pages_can_be_followed(db: None, path: str, code: int) -> None:
    async with following(path) as live:
        assert (await live.output())["code"] == code


async def test_nobody_hears_anything(web: None) -> None:
    live = Socket("/pods/")
    await live.open()

    assert (await live.output())["code"] == consumers.SIGNED_OUT


def lock(user: User) -> None:
    user.is_active = False
    user.save()


def change_password(user: User) -> None:
    user.set_password("another long one")
    user.save()


def sign_out(user: User) -> None:
    Session.objects.all().delete()


@pytest.mark.parametrize("end", [lock, change_password, sign_out])
async def test_who_may_not_go_on_hears_no_more(
    web: None, monkeypatch: pytest.MonkeyPatch, end: Callable[[User], None]
) -> None:
    monkeypatch.setattr(pace, "CORRECTION_SECONDS", 0.1)
    async with following("/namespaces/shop/pods/") as live:
        await live.message()
        await sync_to_async(lambda: end(User.objects.get(account__name="acme", name="alice")))()
        answer = await live.output()
        while answer["type"] == "websocket.send":
            answer = await live.output()
    assert (answer["type"], answer["code"]) == ("websocket.close", consumers.SIGNED_OUT)


async def test_a_foreign_origin_is_turned_away(db: None) -> None:
    assert not await Socket("/", origin="https://evil.example").open()


async def test_a_burst_folds_into_few_messages(web: None) -> None:
    async with following("/namespaces/shop/pods/") as live:
        await live.message()
        for percent in range(42, 62):
            await change("web-0001-bbbbb", scenes.pulling(percent))
        messages = 0
        async with asyncio.timeout(10):
            while "61%" not in str(await live.message()):
                messages += 1

    assert messages < 12
