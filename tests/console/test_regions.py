"""What the socket sends: the least that makes the page true, every piece whole."""

from __future__ import annotations

from django.template import Context, Template

from console.live.regions import Regions

LIST = Template(
    "{% load console %}{% live 'rows' %}<tbody id='rows' data-live>{% for row in rows %}"
    "{% live row.id %}<tr id='{{ row.id }}' data-live>{{ row.text|safe }}</tr>{% endlive %}{% endfor %}"
    "</tbody>{% endlive %}"
)


def regions(**rows: str) -> Regions:
    found = Regions()
    LIST.render(Context({"rows": [{"id": name, "text": text} for name, text in rows.items()], "regions": found}))
    return found


def test_a_row_that_changed_goes_alone() -> None:
    assert regions(a="2", b="1").changed_since(regions(a="1", b="1")) == {"a": "<tr id='a' data-live>2</tr>"}


def test_of_a_row_with_as_many_cells_those_go_that_are_others_now() -> None:
    before = regions(a="<td>web</td> <td class='x'>Pulling</td> <td>1</td>")
    after = regions(a="<td>web</td> <td class='y'>Running</td> <td>1</td>")

    assert after.changed_since(before) == {"a": {"1": "<td class='y'>Running</td>"}}


def test_a_row_with_other_cells_goes_whole() -> None:
    before, after = regions(a="<td>web</td>"), regions(a="<td>web</td><td>1</td>")

    assert after.changed_since(before) == {"a": "<tr id='a' data-live><td>web</td><td>1</td></tr>"}


def test_when_a_row_comes_or_goes_the_whole_list_goes_and_its_rows_with_it() -> None:
    changed = regions(a="1", b="2", c="3").changed_since(regions(a="1", b="1"))

    assert list(changed) == ["rows"]
    assert "<tr id='b' data-live>2</tr><tr id='c' data-live>3</tr></tbody>" in changed["rows"]


def test_nothing_is_sent_when_nothing_changed() -> None:
    assert regions(a="1").changed_since(regions(a="1")) == {}


def test_a_page_that_shows_nothing_yet_gets_everything_once() -> None:
    assert list(regions(a="1", b="1").changed_since(Regions())) == ["rows"]


def test_without_a_socket_the_marks_are_not_in_the_text() -> None:
    text = LIST.render(Context({"rows": [{"id": "a", "text": "1"}]}))

    assert text == "<tbody id='rows' data-live><tr id='a' data-live>1</tr></tbody>"


def test_words_that_the_browser_keeps_true_are_no_change() -> None:
    age = "<time datetime='2026-08-20' data-controller=\"age\">{}</time>"

    assert regions(a=age.format("4 s")).changed_since(regions(a=age.format("3 s"))) == {}
    assert regions(a=age.format("4 s") + "x").changed_since(regions(a=age.format("3 s"))) != {}
