"""What --file sends along, and what it refuses."""

import base64
import os
from pathlib import Path

import pytest

from mimocode.errors import UsageError
from mimocode.hookspecs import hookimpl
from mimocode.messages import Media
from mimocode.ports import ModelInfo, Setting
from mimocode.testing import play
from mimocode_plugins.ui.attach import LIMIT, attach, unread


def test_text_folders_and_images(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/b.py").write_text("b")
    (tmp_path / "src/lib").mkdir()
    (tmp_path / "a.txt").write_text("text\n")
    (tmp_path / "shot.png").write_bytes(b"\x89PNG\0")
    text, media = attach(["a.txt", "src", "shot.png"], tmp_path)
    assert text == (
        f'<file path="{tmp_path}/a.txt">\ntext\n\n</file>\n\n'
        f'<directory path="{tmp_path}/src">\nb.py\nlib/\n</directory>'
    )
    assert media == (Media("image/png", base64.b64encode(b"\x89PNG\0").decode(), "shot.png"),)


def test_a_long_file_is_named_and_not_included(tmp_path: Path) -> None:
    (tmp_path / "long").write_text("x" * (LIMIT + 1))
    text, _ = attach(["long"], tmp_path)
    assert "too long to include" in text and len(text) < 500


def test_what_cannot_be_sent_is_refused(tmp_path: Path) -> None:
    (tmp_path / "program").write_bytes(b"\x7fELF\0\0")
    os.mkfifo(tmp_path / "fifo")
    for name, why in (("missing", "No such file"), ("program", "binary"), ("fifo", "neither a file nor")):
        with pytest.raises(UsageError, match=f"--file {name}: .*{why}"):
            attach([name], tmp_path)


@pytest.mark.parametrize(
    ("reads", "eyes", "mimes", "said"),
    [
        (
            (),
            "",
            ["image/png"],
            "script/lines is not known to read images: it may refuse this. Choose another model, or ",
        ),
        (("image",), "", ["image/png", "application/pdf"], "script/lines is not known to read PDF documents: "),
        ((), "other/model", ["image/png"], ""),
        (("image", "pdf"), "", ["image/png", "application/pdf"], ""),
        (None, "", ["image/png"], ""),
        ((), "", [], ""),
    ],
)
async def test_what_the_model_is_not_known_to_read_is_said(
    reads: tuple[str, ...] | None, eyes: str, mimes: list[str], said: str
) -> None:
    class Known:
        @hookimpl
        async def list_models(self) -> list[ModelInfo]:
            return [] if reads is None else [ModelInfo("script/lines", media=reads)]

        @hookimpl
        def register_settings(self) -> list[Setting]:
            return [Setting("vision_model", str, eyes, "Who describes pictures.")]

    async with play(plugins=[Known()]) as session:
        sentence = await unread([Media(mime, "") for mime in mimes], session)
    assert sentence.startswith(said) and bool(sentence) == bool(said)
