"""What the console's templates say in a word: states, money, ages, sizes, links into dialogs, live regions."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django import template
from django.template.base import FilterExpression, NodeList, Parser, Token
from django.template.context import Context
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html, json_script
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from billing.client import BillLine, Meter, Rate, plain
from console import amounts, browserwords, lowerwords, moments
from console.columns import LABELS, Table
from console.curves import Curve
from console.live.regions import Regions
from console.sections import EDITED
from console.spans import age as age_words
from console.spans import duration as duration_words
from console.spans import parse
from console.views.session import THEMES

register = template.Library()


@register.simple_tag(takes_context=True)
def theme(context: Context) -> str:
    """The visitor's choice, so that the first byte already has the right colours."""
    request = context.get("request")
    chosen = request.COOKIES.get("cci_theme", "system") if request is not None else "system"
    return chosen if chosen in THEMES else "system"


@register.simple_tag
def now_ms() -> int:
    """The server's clock, for the ticking in the browser."""
    return int(time.time() * 1000)


@register.simple_tag
def browser_words() -> SafeString:
    """What scripts say in the page's language (frontend/src/words.ts); nothing in English, which they speak."""
    catalogue = browserwords.catalogue(get_language() or "en")
    return json_script(catalogue, "words") if catalogue else mark_safe("")


@register.simple_tag
def readings(curve: Curve) -> str:
    """What stood at each step of a chart, for behaviours/curve.ts."""
    return json.dumps(curve.readings, ensure_ascii=False, separators=(",", ":"))


@register.simple_tag
def icon(name: str, css: str = "button__icon") -> SafeString:
    sheet = static("images/icons.svg")
    return format_html(
        '<svg class="{}" aria-hidden="true" width="16" height="16"><use href="{}#{}"></use></svg>', css, sheet, name
    )


@register.simple_tag
def in_dialog(url: str) -> SafeString:
    """Attributes of a link whose question opens in the page's dialog; without script it is a page."""
    return format_html(
        'href="{0}" hx-get="{0}" hx-target="#dialog" hx-select="#confirm" hx-swap="innerHTML" hx-push-url="false"', url
    )


@register.simple_tag(takes_context=True)
def may(context: Context, verb: str, kind: str, namespace: str = "", part: str = "") -> bool:
    """Whether the visitor would be allowed: `{% may "delete" "Pod" row.namespace as can_delete %}`. What would be
    refused is not offered."""
    visit = context.get("visit")
    return visit is not None and visit.client.refusal(verb, kind, namespace or None, part=part) is None


@register.simple_tag(takes_context=True)
def may_create(context: Context, kind: str) -> bool:
    """Whether the visitor may create one here, or where all namespaces are shown, in one of them."""
    visit = context["visit"]
    if visit.client.refusal("create", kind, visit.namespace or None) is None:
        return True
    spaces = [] if visit.namespace else [choice.name for choice in context["frame"].namespaces]
    return any(visit.client.refusal("create", kind, space) is None for space in spaces)


@register.simple_tag
def in_drawer(page: str, peek: str) -> SafeString:
    """Attributes of a link whose detail (`peek`) opens beside the list; without script it leads to the whole page."""
    into = 'hx-target="#drawer" hx-select="#peek" hx-swap="innerHTML" hx-push-url="false"'
    return format_html('href="{}" hx-get="{}" {}', page, peek, mark_safe(into))  # noqa: S308  ours


@register.simple_tag(takes_context=True)
def yaml_edit_url(context: Context, row: Any) -> str:
    """Of the page's object; "" for kinds that are not edited as YAML, what is leaving, and who may not."""
    obj = getattr(row, "obj", None) or {}
    kind, metadata = obj.get("kind", ""), obj.get("metadata") or {}
    namespace, name = metadata.get("namespace", ""), metadata.get("name", "")
    if kind not in EDITED or "deletionTimestamp" in metadata:
        return ""
    if not context["visit"].client.may("update", kind, namespace or None):
        return ""
    if namespace:
        return reverse("console:namespaced-edit", kwargs={"namespace": namespace, "kind": kind, "name": name})
    return reverse("console:edit", kwargs={"kind": kind, "name": name})


@register.filter
def money(value: Decimal, currency: str) -> str:
    return amounts.money(value, currency)


@register.filter
def fine(value: Decimal, currency: str) -> str:
    """Six places, for what lasts seconds."""
    return amounts.money(value, currency, 6)


@register.filter
def per_hour(rate: Rate) -> str:
    """`¥0.3204`; `¥0` for what costs nothing."""
    return amounts.money(rate.per_hour, rate.currency, 4 if rate.per_second else 0)


@register.filter
def per_second(rate: Rate) -> str:
    """All its digits, never rounded: `¥0.0000445`."""
    digits = max(0, -int(rate.per_second.normalize().as_tuple().exponent))
    return amounts.money(rate.per_second, rate.currency, digits)


@register.filter
def exact(value: Decimal) -> str:
    """All its digits and no trailing zeros."""
    return plain(value)


@register.filter
def hours_words(hours: Decimal) -> str:
    """To the second place: `1000`, `3.25`."""
    return plain(hours.quantize(Decimal("0.01")))


@register.filter
def line_rate(line: BillLine) -> str:
    """The price of a statement's line, as `per_second` says one."""
    return per_second(Rate(line.currency, line.rate))


@register.filter
def size_words(size: Any) -> str:
    """`2 cores, 4 GiB`, with cards `8 cores, 32 GiB, 1 × nvidia.com/gpu-tesla-t4`."""
    cores, gib = Decimal(size.cpu_millis) / 1000, Decimal(size.memory_mib) / 1024
    words = {"cores": plain(cores), "gib": plain(gib), "cards": f"{size.gpu_count} × {size.gpu_model}"}
    number = 1 if cores == 1 else 2
    if size.gpu_count:
        text = ngettext("%(cores)s core, %(gib)s GiB, %(cards)s", "%(cores)s cores, %(gib)s GiB, %(cards)s", number)
        return text % words
    return ngettext("%(cores)s core, %(gib)s GiB", "%(cores)s cores, %(gib)s GiB", number) % words


@register.filter
def per_month(rate: Rate) -> str:
    return amounts.money(rate.per_month, rate.currency, 0)


@register.simple_tag
def ticking(meter: Meter, css: str = "money") -> SafeString:
    """A cost that runs by the second in the browser (behaviours/tick.ts) and is right without it, too."""
    currency = meter.rate.currency
    seconds = int((datetime.now(UTC) - meter.as_of).total_seconds()) if meter.running else 0
    cost = meter.accrued + meter.rate.per_second * max(0, seconds)
    return format_html(
        '<span class="{}" data-controller="tick" data-tick-symbol-value="{}" data-tick-accrued-value="{}" '
        'data-tick-rate-value="{}" data-tick-as-of-value="{}" data-tick-running-value="{}">{}</span>',
        css,
        amounts.money(Decimal(0), currency, 0).removesuffix("0"),
        f"{meter.accrued:f}",
        f"{meter.rate.per_second:f}",
        meter.as_of.isoformat(),
        "true" if meter.running else "false",
        amounts.money(cost, currency),
    )


@register.simple_tag
def age(moment: str | datetime | None, *, ago: bool = False) -> SafeString:
    """`<time>4 min</time>`, or `4 min ago`, kept true by the browser."""
    if not moment:
        return mark_safe('<span class="faint">--</span>')
    at = parse(moment) if isinstance(moment, str) else moment
    pattern, words = "%(age)s", age_words((datetime.now(UTC) - at).total_seconds())
    if ago:
        pattern = _("%(age)s ago")
    return format_html(
        '<time datetime="{}" title="{}" data-controller="age" data-age-pattern-value="{}">{}</time>',
        at.isoformat(),
        at.strftime("%Y-%m-%d %H:%M:%S UTC"),
        pattern,
        pattern % {"age": words},
    )


@register.simple_tag
def until(moment: datetime) -> SafeString:
    """`<time>in 38 s</time>`, counting down in the browser; `now` when it has come."""
    left = (moment - datetime.now(UTC)).total_seconds()
    coming, over = _("in %(time)s"), _("now")
    return format_html(
        '<time datetime="{}" data-controller="age" data-age-coming-value="{}" data-age-over-value="{}">{}</time>',
        moment.isoformat(),
        coming,
        over,
        coming % {"time": age_words(left)} if left >= 1 else over,
    )


@register.simple_tag
def clock(moment: datetime) -> str:
    """A moment in its own zone, as a calendar says it: `Fri 27 Nov 2026, 03:00`."""
    return moments.clock(moment)


@register.simple_tag
def stop() -> str:
    """The full stop of the page's language, where a sentence ends with a value or an element."""
    return pgettext("the end of a sentence", ".")


@register.filter
def said(text: Any) -> str:
    """A sentence of the rooms below, in the page's language where it is a known one."""
    return lowerwords.said(str(text))


@register.filter
def duration(seconds: float | None) -> str:
    return "--" if seconds is None else duration_words(seconds)


@register.filter
def get(mapping: Any, key: str) -> Any:
    """A value under a key that a template's dot cannot spell (annotations)."""
    return (mapping or {}).get(key, "")


@register.tag
def live(parser: Parser, token: Token) -> LiveNode:
    """{% live row.id %}<tr id="{{ row.id }}" data-live>…</tr>{% endlive %}: one element the socket may send alone."""
    try:
        _name, identifier = token.split_contents()
    except ValueError:
        raise template.TemplateSyntaxError("{% live id %} takes the id of the element inside") from None
    nodes = parser.parse(("endlive",))
    parser.delete_first_token()
    return LiveNode(parser.compile_filter(identifier), nodes)


class LiveNode(template.Node):
    def __init__(self, identifier: FilterExpression, nodelist: NodeList) -> None:
        self.identifier = identifier
        self.nodelist = nodelist

    def render(self, context: Context) -> SafeString:
        html = self.nodelist.render(context)
        regions = context.get("regions")
        if isinstance(regions, Regions):
            return regions.keep(str(self.identifier.resolve(context)), html)
        return html


@register.tag
def column(parser: Parser, token: Token) -> ColumnNode:
    """{% column "image" %}<td>…</td>{% endcolumn %}: a cell of a list, there while its column is shown. Where
    no `table` says which are, all the usual ones are."""
    try:
        _name, quoted = token.split_contents()
    except ValueError:
        raise template.TemplateSyntaxError("{% column %} takes a column's name") from None
    nodes = parser.parse(("endcolumn",))
    parser.delete_first_token()
    return ColumnNode(quoted.strip("\"'"), nodes)


class ColumnNode(template.Node):
    def __init__(self, name: str, nodelist: NodeList) -> None:
        self.name = name
        self.nodelist = nodelist

    def render(self, context: Context) -> SafeString:
        table = context.get("table")
        shown = table.shows(self.name) if isinstance(table, Table) else self.name != LABELS.name
        return self.nodelist.render(context) if shown else SafeString("")
