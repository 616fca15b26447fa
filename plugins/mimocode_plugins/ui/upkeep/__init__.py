"""The program itself: `mimo upgrade`, `mimo uninstall`, `mimo completion`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    import argparse

    from mimocode.host import Host
    from mimocode.main import Commands


@hookimpl
def register_cli(commands: Commands) -> None:
    """Add the three commands."""
    commands.add("upgrade", "install the newest version, the way this one was installed", _upgrade, _target)
    commands.add("uninstall", "remove the program, and what it keeps if you want that", _uninstall, _keeping)
    commands.add("completion", "print a script that completes commands in your shell", _completion, _shell)


def _target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", nargs="?", default="", metavar="VERSION", help="this version, not the newest")
    parser.add_argument("-m", "--method", choices=["pip", "pipx", "uv"], help="how it was installed, if not found out")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    parser.add_argument("--force", action="store_true", help="also when this version is installed already")


def _keeping(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-c", "--keep-config", action="store_true", help="leave your settings")
    parser.add_argument("-d", "--keep-data", action="store_true", help="leave sessions, memory and credentials")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    parser.add_argument("-f", "--force", action="store_true", help="do not ask")
    parser.add_argument("-m", "--method", choices=["pip", "pipx", "uv"], help="how it was installed, if not found out")


def _shell(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", nargs="?", choices=["bash", "zsh", "fish"], help="default: the one in $SHELL")


async def _upgrade(args: argparse.Namespace, host: Host) -> int:
    from .installing import upgrade

    return await upgrade(args, host)


async def _uninstall(args: argparse.Namespace, host: Host) -> int:
    from .removing import uninstall

    return await uninstall(args, host)


async def _completion(args: argparse.Namespace, host: Host) -> int:
    from .completing import completion

    return await completion(args, host)
