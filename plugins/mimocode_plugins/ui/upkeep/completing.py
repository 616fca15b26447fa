"""Completion scripts for shells, made from the commands that there are, plugins' included."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode import hookspecs as on
from mimocode.errors import UsageError
from mimocode.main import Commands

if TYPE_CHECKING:
    from mimocode.host import Host

Tree = dict[str, tuple[list[str], list[str]]]
"""Words before ("" or "session"), to words that may follow and options."""
_SAFE = re.compile(r"[A-Za-z0-9_@.-]+")


async def completion(args: argparse.Namespace, host: Host) -> int:
    """Print the script.

    Raises:
        UsageError: no shell is named and $SHELL is none of those that are known.
    """
    shell = args.shell or Path(host.environ.get("SHELL", "")).name
    if shell not in SCRIPTS:
        raise UsageError(f"name a shell: {', '.join(SCRIPTS)}")
    commands = Commands()
    host.hooks.collect_now(on.register_cli, commands=commands)
    sys.stdout.write(SCRIPTS[shell](tree(commands.parser)))
    return 0


def tree(parser: argparse.ArgumentParser, before: str = "") -> Tree:
    """What may follow which words."""
    if declare := vars(parser).pop("declare", None):  # an alias is the same parser again
        declare(parser)
    words: list[str] = []
    made: Tree = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                if _SAFE.fullmatch(name):
                    words.append(name)
                    made |= tree(below, f"{before} {name}".strip())
        elif not action.option_strings:
            words += [str(choice) for choice in action.choices or () if _SAFE.fullmatch(str(choice))]
    options = sorted({flag for flag in parser._option_string_actions if flag.startswith("--")})
    return {before: (words, options), **made}


def bash(made: Tree) -> str:
    """For `source <(mimo completion bash)`."""
    cases = "\n".join(f'    "{key}") words="{" ".join([*words, *flags])}" ;;' for key, (words, flags) in made.items())
    return f"""\
# completion of mimo for bash:  source <(mimo completion bash)
_mimo() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" key="" word words=""
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    [[ "$word" == -* ]] || key="${{key:+$key }}$word"
  done
  case "$key" in
{cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [[ ${{#COMPREPLY[@]}} -gt 0 ]] || COMPREPLY=($(compgen -f -- "$current"))
}}
complete -F _mimo mimo mimocode
"""


def zsh(made: Tree) -> str:
    """For `source <(mimo completion zsh)`."""
    cases = "\n".join(f'    "{key}") words_=({" ".join([*words, *flags])}) ;;' for key, (words, flags) in made.items())
    return f"""\
#compdef mimo mimocode
# completion of mimo for zsh:  source <(mimo completion zsh)
_mimo() {{
  local key="" word
  local -a words_
  for word in "${{words[@]:1:$((CURRENT - 2))}}"; do
    [[ "$word" == -* ]] || key="${{key:+$key }}$word"
  done
  case "$key" in
{cases}
  esac
  compadd -a words_ || _files
}}
(( $+functions[compdef] )) || {{ autoload -Uz compinit && compinit }}
compdef _mimo mimo mimocode
"""


def fish(made: Tree) -> str:
    """For `mimo completion fish | source`."""
    lines = ["# completion of mimo for fish:  mimo completion fish | source"]
    lines += ["function __mimo_at", "  set -l words (commandline -opc)[2..-1]"]
    lines += ["  set -l said (string match -v -- '-*' $words)", '  test "$said" = "$argv"', "end"]
    for program in ("mimo", "mimocode"):
        for key, (words, flags) in made.items():
            if words:
                lines.append(f"complete -c {program} -n '__mimo_at {key}' -f -a '{' '.join(words)}'")
            lines += [f"complete -c {program} -n '__mimo_at {key}' -l {flag[2:]}" for flag in flags]
    return "\n".join(lines) + "\n"


SCRIPTS = {"bash": bash, "zsh": zsh, "fish": fish}
