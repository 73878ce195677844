"""What is destroyed is asked for by name: the word is typed, so that no key pressed by mistake takes anything.

The question stands in `_partials/typed.html`; without script the button is there at once, and the word is missed here.
"""

from __future__ import annotations

from console.access import Visit

WORD = "DELETE"
"""Where the name is a made-up one, or there are several."""


def is_sure(visit: Visit, word: str) -> bool:
    """Whether the question was answered with its word."""
    return visit.request.method == "POST" and visit.request.POST.get("word", "").strip() == word


def status(visit: Visit) -> int:
    """Of the page with the question: 422 says that nothing was done."""
    return 422 if visit.request.method == "POST" else 200
