"""Make of a fetched page what a model can read."""

from __future__ import annotations

import re
import warnings

from bs4 import BeautifulSoup, UnicodeDammit, XMLParsedAsHTMLWarning
from markdownify import MarkdownConverter

from .fetching import Format, Page

_NOISE = ["script", "style", "noscript", "template", "svg", "canvas", "iframe", "object", "form", "button", "input"]
_FRAME = ["nav", "footer", "aside"]
_LARGEST = 2_000_000
"""Bytes of HTML that are taken apart; the parser needs seconds for more."""
_TEXTUAL = re.compile(
    r"text/.*|application/(json|xml|javascript|x-\w*(sh|yaml|toml|javascript)|yaml|toml|sql|.*\+(json|xml))"
)


def is_html(page: Page) -> bool:
    """Whether a page is HTML, by its type or by how it begins."""
    return page.kind in ("text/html", "application/xhtml+xml") or (
        not page.kind and re.match(rb"\s*(<!doctype html|<html)", page.data[:200], re.IGNORECASE) is not None
    )


def is_text(page: Page) -> bool:
    """Whether it can be shown as it is."""
    return _TEXTUAL.fullmatch(page.kind) is not None or (not page.kind and b"\0" not in page.data[:4096])


def decoded(page: Page) -> str:
    """The text of a page in the encoding that it, its beginning or its bytes say."""
    known = [page.encoding] if page.encoding else []
    found = UnicodeDammit(page.data, known_definite_encodings=known, is_html=is_html(page)).unicode_markup
    return found if found is not None else page.data.decode("utf-8", "replace")


def readable(page: Page, form: Format) -> str:
    """The page as Markdown, text or HTML."""
    text = decoded(page)
    if form == "html" or not is_html(page):
        return text
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)
        soup = BeautifulSoup(text[:_LARGEST], "html.parser")
    for tag in soup(_NOISE):
        tag.decompose()
    body = soup.body or soup
    main = body.find(["main", "article"])
    if main is not None and len(main.get_text(strip=True)) > 200:
        body = main
    else:
        for tag in body(_FRAME):
            tag.decompose()
    title = soup.title.get_text(strip=True) if soup.title else ""
    try:
        made = MarkdownConverter(heading_style="ATX", bullets="-").convert_soup(body) if form == "markdown" else ""
    except RecursionError:
        made = ""
    made = re.sub(r"\n{3,}", "\n\n", made or body.get_text("\n", strip=True)).strip()
    return f"# {title}\n\n{made}" if title and title not in made[:500] else made
