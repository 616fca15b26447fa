"""`mimo models`: what can be asked, and how to connect more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    import argparse

    from mimocode.main import Commands


@hookimpl
def register_cli(commands: Commands) -> None:
    """Add the command."""
    from .listing import run

    commands.add("models", "list the models that are ready to use", run, _arguments)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("provider", nargs="?", default="", help="only this provider")
    parser.add_argument("--all", action="store_true", help="also those that lack a key")
    parser.add_argument("--verbose", action="store_true", help="print what is known of each model as JSON")
    parser.add_argument(
        "--refresh",
        action="store_true",
        help="fetch the public list of models and ask the live endpoints what they offer",
    )
