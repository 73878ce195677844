"""What every list of objects has: filters in the address, chosen columns, own views, and its file."""

from __future__ import annotations

import asyncio
import csv
from typing import Any

import pytest
from django.test import Client as Browser

from console import columns
from console.models import SavedView
from tests.console import scenes

SECTIONS = {
    "Deployment": "deployments",
    "Job": "jobs",
    "CronJob": "cronjobs",
    "Pod": "pods",
    "Service": "services",
    "Ingress": "ingresses",
    "Network": "networks",
    "ServiceAccount": "serviceaccounts",
    "ConfigMap": "configmaps",
    "Secret": "secrets",
    "PersistentVolumeClaim": "claims",
}


def page_of(browser: Browser, address: str) -> str:
    return browser.get(address).content.decode()


def file_of(browser: Browser, kind: str, query: str = "") -> list[list[str]]:
    answer: Any = browser.get(f"/lists/{kind}/csv/?{query}")

    async def read() -> str:
        return "".join([piece.decode() async for piece in answer])

    return list(csv.reader(asyncio.run(read()).splitlines()))


@pytest.mark.parametrize("kind", columns.OF)
def test_each_column_of_each_list_can_be_chosen(shop: None, browser: Browser, kind: str) -> None:
    address = f"/namespaces/shop/{SECTIONS[kind]}/"
    for column in columns.OF[kind]:
        head = page_of(browser, f"{address}?columns={column.name}").partition("<thead>")[2].partition("</thead>")[0]

        assert head.count("<th ") == 3, f"{kind} {column.name}"  # the ticks, the name, and this one
        assert f">{column.title}</th>" in head


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", columns.OF)
def test_each_list_has_a_file_of_all_its_columns(shop: None, browser: Browser, kind: str) -> None:
    names = [column.name for column in columns.OF[kind]]

    head, *rows = file_of(browser, kind, f"columns={','.join(names)}")

    assert head == ["namespace", "name", *names]
    assert rows
    assert all(len(row) == len(head) and row[0] == "shop" for row in rows)


@pytest.mark.django_db(transaction=True)
def test_the_file_has_what_the_filters_leave(shop: None, browser: Browser) -> None:
    head, *rows = file_of(browser, "Pod", "q=lone&columns=state")

    assert [row[1] for row in rows] == ["lonely"]
    assert head == ["namespace", "name", "state"]


def test_no_spreadsheet_computes_what_a_person_wrote() -> None:
    assert columns.csv_line(["=1+1", "@x", "-5", "plain", 5, None]) == "'=1+1,'@x,'-5,plain,5,\r\n"


def test_lists_are_filtered_by_label_and_namespace(shop: None, browser: Browser) -> None:
    scenes.person().patch(
        "Pod", "lonely", {"metadata": {"labels": {"tier": "x"}}}, "application/merge-patch+json", "shop"
    )

    chosen = page_of(browser, "/pods/?label=tier%3Dx&namespace=shop").partition('id="pods"')[2]

    assert "lonely" in chosen
    assert "web-0001-aaaaa" not in chosen
    assert "Nothing matches" in page_of(browser, "/pods/?namespace=elsewhere")


def test_a_filter_that_is_on_is_a_chip_that_takes_it_off(shop: None, browser: Browser) -> None:
    page = page_of(browser, "/pods/?label=app%3Dweb&q=web")

    assert "label: app=web" in page
    assert 'href="/pods/?q=web"' in page


def test_views_are_kept_for_their_owner_alone(shop: None, browser: Browser, strangers_browser: Browser) -> None:
    query = "state=look&columns=state%2Cage"
    browser.post("/lists/Pod/views/", {"name": "  Sick  pods ", "query": f"{query}&continue=abc", "back": "/pods/"})

    assert f'href="/pods/?{query.replace("&", "&amp;")}"' in page_of(browser, "/pods/")
    assert "Sick pods" in page_of(browser, "/namespaces/shop/pods/")
    assert "Sick pods" not in page_of(strangers_browser, "/pods/")


def test_views_can_be_deleted_and_are_few(shop: None, browser: Browser) -> None:
    for number in range(21):
        browser.post("/lists/Pod/views/", {"name": f"v{number}", "query": "", "back": "/pods/"})
    browser.post("/lists/Pod/views/delete/", {"name": "v3"})

    assert SavedView.objects.count() == 19


def test_lists_of_other_things_have_no_file(browser: Browser, db: None) -> None:
    assert browser.get("/lists/ELB/csv/").status_code == 404
