"""view_image, through a real MCP client."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import pytest

from mimocode_plugins.tools.place import Place
from mimocode_plugins.tools.view.server import build
from support.calling import connected
from support.catalogues import catalogue

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+M8AAAMBAQDJ/pLvAAAAAElFTkSuQmCC")


async def test_an_image_is_attached(tmp_path: Path) -> None:
    (tmp_path / "p.png").write_bytes(PNG)
    (tmp_path / "a.gif").write_bytes(b"GIF89a\x02\x00\x03\x00;")
    (tmp_path / "j.txt").write_bytes(b"\xff\xd8\xff\xe0")
    async with connected(build(Place(tmp_path, tmp_path)), tmp_path) as tools:
        text, image = (await tools.raw("view_image", path="p.png", detail="low")).content
        assert text.text == "p.png: 69 bytes of image/png, 1 x 1 pixels, attached."
        assert (image.mime_type, base64.b64decode(image.data)) == ("image/png", PNG)
        assert "2 x 3 pixels" in await tools("view_image", path="a.gif")
        assert await tools("view_image", path="j.txt") == "j.txt: 4 bytes of image/jpeg, attached."


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"text", "is no PNG, JPEG, GIF or WebP image."),
        (b"", "is no PNG"),
        (PNG + b"x" * 5_000_000, "larger than 5 MB"),
    ],
)
async def test_what_is_no_image(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "f").write_bytes(data)
    async with connected(build(Place(tmp_path, tmp_path)), tmp_path) as tools:
        assert message in await tools.fails("view_image", path="f")
        assert "There is no file" in await tools.fails("view_image", path="missing")


@pytest.mark.parametrize(("reads", "sees"), [(("image",), True), ((), False), (None, True)])
async def test_a_model_that_does_not_see_is_told(tmp_path: Path, reads: tuple[str, ...] | None, sees: bool) -> None:
    (tmp_path / "p.png").write_bytes(PNG)

    async def media() -> tuple[str, ...] | None:
        return reads

    async with connected(build(Place(tmp_path, tmp_path), media), tmp_path) as tools:
        result = await tools.raw("view_image", path="p.png")
        assert result.is_error is not sees


async def test_the_catalogue_is_what_the_server_lists() -> None:
    committed = Path(str(sys.modules["mimocode_plugins.tools.view"].__file__)).with_name("catalogue.json")
    assert committed.read_text() == await catalogue(build(Place(Path("/"), Path("/"))))
