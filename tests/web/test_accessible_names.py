"""Whatever can be pressed has a name for those who do not see the page, also where a narrow screen hides its label."""

from html.parser import HTMLParser
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "signaling" / "web"
NAMED_LATER = {"button round menu", "button more"}  # by `tile.js`, after a user; by `admin-board.js`, with a number


class Buttons(HTMLParser):
    """The buttons of a page: their class, what they are called, and the text that always shows."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str]] = []
        self._attributes: dict[str, str] | None = None
        self._text = ""
        self._is_label = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "button":
            self._attributes, self._text = attributes, ""
        elif tag == "span":
            self._is_label = attributes.get("class") == "label"  # style.css hides these on narrow screens

    def handle_endtag(self, tag: str) -> None:
        if tag == "span":
            self._is_label = False
        elif tag == "button" and self._attributes is not None:
            name = self._attributes.get("aria-label", "")
            self.found.append((self._attributes.get("class", ""), name, self._text.strip()))

    def handle_data(self, data: str) -> None:
        if not self._is_label:
            self._text += data


@pytest.mark.parametrize("page", ["index.html", "admin.html", "docs.html"])
def test_every_button_has_a_name_that_holds_what_it_shows(page: str) -> None:
    buttons = Buttons()
    buttons.feed((WEB / page).read_text())
    for kind, name, text in buttons.found:
        assert name or text or kind in NAMED_LATER, f"{page}: a button {kind!r} without a name"
        assert not name or text in name, f"{page}: {name!r} does not hold {text!r}"
    assert buttons.found or page == "docs.html"
