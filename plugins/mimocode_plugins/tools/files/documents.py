"""The text in files that are not text: PDF documents, page by page, and Jupyter notebooks, cell by cell."""

from __future__ import annotations

import io
import json
import logging
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mimocode.errors import ToolFailed

from ..place import show

_SECONDS = 5.0
"""How long one call may take pages apart."""
_OUTPUT = 4_000
"""Characters of a cell's output that are shown."""
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def pdf_lines(file: Path, data: bytes) -> Iterator[str]:
    """The text of a PDF (ISO 32000), with a line before each page.

    Raises:
        ToolFailed: it needs a password.
        TimeoutError: after so many lines there was no time left.
        ValueError: there is no text in it, or none that can be read.
    """
    import pypdf  # 0.1 s, and few sessions need it
    from pypdf.errors import DependencyError, FileNotDecryptedError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it complains about every second document
    until, found = time.monotonic() + _SECONDS, False
    try:
        document = pypdf.PdfReader(io.BytesIO(data))
        if document.is_encrypted and not document.decrypt(""):
            raise ToolFailed(f"{show(file)} is protected by a password.")
        pages: list[str] = []
        for number, page in enumerate(document.pages, 1):
            text = page.extract_text().strip()
            found = found or bool(text)
            pages.append(f"--- page {number} of {len(document.pages)} ---\n{text}\n")
            if found:
                yield from "\n".join(pages).split("\n")
                pages = []
            if time.monotonic() > until:
                raise TimeoutError
    except (ToolFailed, TimeoutError, GeneratorExit):
        raise
    except (DependencyError, FileNotDecryptedError):
        raise ToolFailed(f"{show(file)} is encrypted in a way that cannot be read here.") from None
    except Exception as error:  # whatever a document that somebody else made does to the library
        raise ValueError(f"{type(error).__name__}: {error}") from error
    if not found:
        raise ValueError("no text")


def notebook_lines(text: str) -> list[str] | None:
    """The cells of a notebook (nbformat 4) with their ids and the text of their outputs; None if it is none."""
    try:
        cells = json.loads(text)["cells"]
        return [line for number, cell in enumerate(cells) for line in _cell(number, cell)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _cell(number: int, cell: dict[str, Any]) -> Iterable[str]:
    named = f" id={cell['id']}" if cell.get("id") else ""
    yield f"--- #{number} {cell['cell_type']}{named} ---"
    yield from _joined(cell.get("source", "")).split("\n")
    for output in cell.get("outputs", ()):
        said = _COLOUR.sub("", _output(output)).rstrip()
        more = "\n... (cut)" if len(said) > _OUTPUT else ""
        yield f"--- output of #{number} ---"
        yield from (said[:_OUTPUT] + more).split("\n")


def _output(output: dict[str, Any]) -> str:
    if "traceback" in output:
        return "\n".join(output["traceback"])
    if "text" in output:
        return _joined(output["text"])
    data = output.get("data", {})
    shown = [_joined(data["text/plain"])] if "text/plain" in data else []
    return "\n".join([*shown, *(f"({kind})" for kind in data if kind.startswith("image/"))])


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)
