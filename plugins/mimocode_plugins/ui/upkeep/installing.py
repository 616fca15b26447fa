"""How this program came here, and the command that brings another version or takes it away.

uv and pipx keep tools in environments of their own, which their path tells; anything else is pip's. An editable
installation is somebody's working copy and is left alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
from collections.abc import Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode import __version__
from mimocode.errors import UsageError

if TYPE_CHECKING:
    from mimocode.host import Host

NAME = "mimocode"
SECRET = frozenset({"MIMOCODE_AUTH_CONTENT", "MIMOCODE_CONFIG_CONTENT"})
"""Variables that are nobody else's business."""


def method(prefix: Path, environ: Mapping[str, str]) -> str:
    """Who installed the environment at a prefix: "uv", "pipx" or "pip"."""
    parts = prefix.parts
    tools = Path(environ["UV_TOOL_DIR"]) if environ.get("UV_TOOL_DIR") else None
    if (tools and prefix.is_relative_to(tools)) or ("uv" in parts and "tools" in parts):
        return "uv"
    homes = Path(environ["PIPX_HOME"]) if environ.get("PIPX_HOME") else None
    if (homes and prefix.is_relative_to(homes)) or ("pipx" in parts and "venvs" in parts):
        return "pipx"
    return "pip"


def working_copy() -> str:
    """Where the code lies when it is not a copy; "" when it is installed."""
    try:
        found: Distribution | None = distribution(NAME)
    except PackageNotFoundError:
        found = None
    if found is None:
        return str(Path(__file__).parents[4])
    try:
        origin = json.loads(found.read_text("direct_url.json") or "{}")
    except ValueError:
        origin = {}
    return str(origin.get("url", "")).removeprefix("file://") if origin.get("dir_info", {}).get("editable") else ""


def upgrade_command(how: str, target: str) -> list[str]:
    """What brings the newest version, or this one."""
    wanted = f"{NAME}=={target}" if target else NAME
    match how:
        case "uv":
            return ["uv", "tool", "install", "--force", wanted] if target else ["uv", "tool", "upgrade", NAME]
        case "pipx":
            return ["pipx", "install", "--force", wanted] if target else ["pipx", "upgrade", NAME]
    return [sys.executable, "-m", "pip", "install", "--upgrade", wanted]


def removal_command(how: str) -> list[str]:
    """What takes the program away."""
    match how:
        case "uv":
            return ["uv", "tool", "uninstall", NAME]
        case "pipx":
            return ["pipx", "uninstall", NAME]
    return [sys.executable, "-m", "pip", "uninstall", "--yes", NAME]


async def upgrade(args: argparse.Namespace, host: Host) -> int:
    """Run what brings another version.

    Raises:
        UsageError: this is a working copy, or the program that installed it is gone.
    """
    target = args.target.removeprefix("v")
    if target == __version__ and not args.force:
        print(f"{__version__} is installed already", file=sys.stderr)
        return 0
    if (copy := working_copy()) and not (args.dry_run and args.method):
        raise UsageError(f"this is a working copy in {copy}: bring it up to date with git")
    how = args.method or method(Path(sys.prefix), host.environ)
    return await run(upgrade_command(how, target), host, dry=args.dry_run)


async def run(words: list[str], host: Host, *, dry: bool) -> int:
    """Run a command of an installer, and show what it says.

    Raises:
        UsageError: the installer is not there.
    """
    print(" ".join(words), file=sys.stderr if not dry else sys.stdout)
    if dry:
        return 0
    if shutil.which(words[0], path=host.environ.get("PATH")) is None:
        raise UsageError(f"{words[0]} is not there; name another way with --method")
    quiet = {name: value for name, value in host.environ.items() if name not in SECRET}
    process = await asyncio.create_subprocess_exec(*words, env=quiet, stdin=asyncio.subprocess.DEVNULL)
    return await process.wait()
