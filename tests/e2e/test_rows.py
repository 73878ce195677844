"""A row of a live list is written into its cells: what a person holds stays, what the server says comes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.chromium import chromium

FRONTEND = Path(__file__).parents[2] / "frontend"
ROW = """<tr id="row-1" data-live><td><input type="checkbox" form="picks"></td><td><a href="/a">web</a></td>
<td><span class="state state--{tone}">{word}</span>{more}</td></tr>"""


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    """A table of one row, and `morph.ts` as `window.morph`."""
    command = [
        "node_modules/.bin/esbuild",
        "src/morph.ts",
        "--bundle",
        "--format=iife",
        "--global-name=morph",
        "--log-level=error",
    ]
    script = subprocess.run(command, cwd=FRONTEND, check=True, capture_output=True, text=True).stdout
    with chromium() as browser:
        shown = browser.new_page()
        shown.set_content(f"<table><tbody>{row()}</tbody></table>")
        shown.add_script_tag(content=script.replace("var morph", "window.morph", 1))
        yield shown


def row(word: str = "Running", tone: str = "ok", more: str = "") -> str:
    return ROW.format(word=word, tone=tone, more=more)


def put(page: Any, html: str) -> str:
    page.evaluate("html => window.morph.morphById('row-1', html)", html)
    return str(page.inner_html("#row-1"))


def test_what_the_server_says_is_there(page: Any) -> None:
    assert "Pulling" in put(page, row("Pulling", "busy"))
    assert page.get_attribute("#row-1 span", "class") == "state state--busy"


def test_what_comes_and_goes_in_a_cell_does(page: Any) -> None:
    assert "progress" in put(page, row(more="<progress max=100 value=4></progress>"))
    assert "progress" not in put(page, row())


def test_what_is_ticked_focused_and_kept_by_others_stays(page: Any) -> None:
    page.check("#row-1 input")
    page.focus("#row-1 a")
    page.evaluate("window.link = document.querySelector('#row-1 a')")

    put(page, row("Restarting", "bad", "<span>exit 1</span>"))

    assert page.is_checked("#row-1 input")
    assert page.evaluate("document.activeElement === window.link && window.link.isConnected")


def test_a_row_with_other_columns_takes_its_place_whole(page: Any) -> None:
    assert "more" in put(page, row().replace("</tr>", "<td>more</td></tr>"))
    assert "more" not in put(page, row())


def test_cells_are_written_where_they_stand_and_the_others_are_left_alone(page: Any) -> None:
    put(page, row())
    page.evaluate("window.name_cell = document.querySelector('#row-1 td:nth-child(2)')")

    page.evaluate("cells => window.morph.morphCells('row-1', cells)", {"2": "<td><b>Pulling</b> 41%</td>"})
    page.evaluate("cells => window.morph.morphCells('row-9', cells)", {"2": "<td>nobody</td>"})

    assert page.inner_text("#row-1 td:nth-child(3)") == "Pulling 41%"
    assert page.evaluate("window.name_cell.isConnected && window.name_cell.innerText === 'web'")
    assert "nobody" not in page.inner_text("table")
