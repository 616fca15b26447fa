"""The language servers we know, and which of them this user has (surface.md 11.1)."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

JS = (".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts")


@dataclass(frozen=True)
class Known:
    """A language server. Of those of one `group` only the first that is there is used."""

    id: str
    command: tuple[str, ...]
    extensions: tuple[str, ...]
    markers: tuple[str, ...] = ()
    """Files that mark the folder it works in; the nearest one at or above the file counts."""
    group: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    initialization: Mapping[str, Any] = field(default_factory=dict)


_SECRET = re.compile(r"(KEY|TOKENS?|SECRETS?|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|AUTH_CONTENT)(_|$)")
_PY = ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "Pipfile", "pyrightconfig.json")
_NODE = ("package-lock.json", "bun.lockb", "bun.lock", "pnpm-lock.yaml", "yarn.lock", "package.json", "tsconfig.json")
_C = ("compile_commands.json", "compile_flags.txt", ".clangd", "CMakeLists.txt", "Makefile")

KNOWN = (
    Known("basedpyright", ("basedpyright-langserver", "--stdio"), (".py", ".pyi"), _PY, "python types"),
    Known("pyright", ("pyright-langserver", "--stdio"), (".py", ".pyi"), _PY, "python types"),
    Known("pylsp", ("pylsp",), (".py", ".pyi"), _PY, "python types"),
    Known("ty", ("ty", "server"), (".py", ".pyi"), _PY, "python types"),
    Known("ruff", ("ruff", "server"), (".py", ".pyi"), (*_PY, "ruff.toml", ".ruff.toml")),
    Known("deno", ("deno", "lsp"), JS, ("deno.json", "deno.jsonc"), "needs marker"),
    Known("typescript", ("typescript-language-server", "--stdio"), JS, _NODE),
    Known("eslint", ("vscode-eslint-language-server", "--stdio"), (*JS, ".vue"), ("eslint.config.js",), "needs marker"),
    Known("biome", ("biome", "lsp-proxy"), (*JS, ".json", ".css"), ("biome.json", "biome.jsonc"), "needs marker"),
    Known("oxlint", ("oxc_language_server",), JS, (".oxlintrc.json",), "needs marker"),
    Known("vue", ("vue-language-server", "--stdio"), (".vue",), _NODE),
    Known("svelte", ("svelteserver", "--stdio"), (".svelte",), _NODE),
    Known("astro", ("astro-ls", "--stdio"), (".astro",), _NODE),
    Known("gopls", ("gopls",), (".go",), ("go.work", "go.mod")),
    Known("rust", ("rust-analyzer",), (".rs",), ("Cargo.toml",)),
    Known("clangd", ("clangd",), (".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".hh", ".hxx", ".m", ".mm"), _C),
    Known("zls", ("zls",), (".zig", ".zon"), ("build.zig",)),
    Known("jdtls", ("jdtls",), (".java",), ("pom.xml", "build.gradle", "build.gradle.kts", "settings.gradle")),
    Known("kotlin-ls", ("kotlin-lsp", "--stdio"), (".kt", ".kts"), ("build.gradle.kts", "build.gradle", "pom.xml")),
    Known("csharp", ("csharp-ls",), (".cs",), ("global.json",)),
    Known("fsharp", ("fsautocomplete",), (".fs", ".fsi", ".fsx"), ("global.json",)),
    Known("sourcekit-lsp", ("sourcekit-lsp",), (".swift",), ("Package.swift",)),
    Known("ruby-lsp", ("ruby-lsp",), (".rb", ".rake", ".gemspec", ".ru"), ("Gemfile",)),
    Known("elixir-ls", ("elixir-ls",), (".ex", ".exs"), ("mix.exs",)),
    Known("php", ("intelephense", "--stdio"), (".php",), ("composer.json",)),
    Known("lua-ls", ("lua-language-server",), (".lua",), (".luarc.json", ".luarc.jsonc", "stylua.toml")),
    Known("yaml-ls", ("yaml-language-server", "--stdio"), (".yaml", ".yml")),
    Known("bash", ("bash-language-server", "start"), (".sh", ".bash", ".zsh", ".ksh")),
    Known("dockerfile", ("docker-langserver", "--stdio"), (".dockerfile", "Dockerfile")),
    Known("terraform", ("terraform-ls", "serve"), (".tf", ".tfvars"), (".terraform.lock.hcl",)),
    Known("prisma", ("prisma-language-server", "--stdio"), (".prisma",), ("package.json",)),
    Known("dart", ("dart", "language-server"), (".dart",), ("pubspec.yaml",)),
    Known("ocaml-lsp", ("ocamllsp",), (".ml", ".mli"), ("dune-project", "dune-workspace")),
    Known("texlab", ("texlab",), (".tex", ".bib"), (".latexmkrc", "texlabroot")),
    Known("tinymist", ("tinymist",), (".typ", ".typc"), ("typst.toml",)),
    Known("gleam", ("gleam", "lsp"), (".gleam",), ("gleam.toml",)),
    Known("clojure-lsp", ("clojure-lsp", "listen"), (".clj", ".cljs", ".cljc", ".edn"), ("deps.edn", "project.clj")),
    Known("nixd", ("nixd",), (".nix",), ("flake.nix",)),
    Known("haskell", ("haskell-language-server-wrapper", "--lsp"), (".hs", ".lhs"), ("stack.yaml", "cabal.project")),
    Known(
        "julials",
        ("julia", "--startup-file=no", "--history-file=no", "-e", "using LanguageServer; runserver()"),
        (".jl",),
        ("Project.toml",),
        "needs marker",
    ),
)
LANGUAGES = {
    ".py": "python", ".pyi": "python", ".ts": "typescript", ".mts": "typescript", ".cts": "typescript",
    ".tsx": "typescriptreact", ".js": "javascript", ".mjs": "javascript", ".cjs": "javascript",
    ".jsx": "javascriptreact", ".rs": "rust", ".c": "c", ".h": "c", ".cc": "cpp", ".cpp": "cpp", ".cxx": "cpp",
    ".hpp": "cpp", ".hh": "cpp", ".hxx": "cpp", ".m": "objective-c", ".mm": "objective-cpp", ".kt": "kotlin",
    ".kts": "kotlin", ".cs": "csharp", ".fs": "fsharp", ".fsi": "fsharp", ".fsx": "fsharp", ".rb": "ruby",
    ".ex": "elixir", ".exs": "elixir", ".yml": "yaml", ".sh": "shellscript", ".bash": "shellscript",
    ".zsh": "shellscript", ".tf": "terraform", ".ml": "ocaml", ".mli": "ocaml", ".tex": "latex", ".bib": "bibtex",
    ".typ": "typst", ".clj": "clojure", ".hs": "haskell", ".jl": "julia", "Dockerfile": "dockerfile",
}  # fmt: skip
"""Names of languages where they are not the extension without its dot."""


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The user's environment without credentials: what runs in a project needs none of ours."""
    return {name: value for name, value in environ.items() if not _SECRET.search(name.upper())}


def ending(path: Path) -> str:
    """What decides which server a file belongs to: its extension, else its name."""
    return path.suffix.lower() or path.name


def language(path: Path) -> str:
    """The name of a file's language in the protocol."""
    return LANGUAGES.get(ending(path), ending(path).removeprefix("."))


def configured(setting: Any) -> list[Known]:
    """The servers that the settings allow, the user's own and changed ones first."""
    if setting is False:
        return []
    said = setting if isinstance(setting, dict) else {}
    mine = {known.id: known for known in KNOWN}
    wanted = []
    for name, own in said.items():
        base = mine.pop(name, Known(name, (), ()))
        if own.disabled:
            continue
        base = replace(base, group="", env=own.env, initialization=own.initialization)
        base = replace(base, command=tuple(own.command)) if own.command else base
        wanted.append(replace(base, extensions=tuple(own.extensions)) if own.extensions else base)
    return [known for known in (*wanted, *mine.values()) if known.command and known.extensions]


def program(known: Known, root: Path, path: str = "") -> str:
    """Where a server's program is, or ""; what is named with a path is taken from the project.

    Args:
        known: the server.
        root: of the project.
        path: PATH as the user has it, where ours is a shorter one.
    """
    name = os.path.expanduser(known.command[0])  # noqa: PTH111 - a bare name must stay one
    if os.sep in name:
        file = root / name
        return str(file) if os.access(file, os.X_OK) else ""
    return shutil.which(name, path=path or None) or ""


def home(known: Known, path: Path, top: Path) -> Path | None:
    """The folder that a server works in for a file: the nearest with a marker, else the project."""
    for folder in path.parents:
        if any((folder / marker).exists() for marker in known.markers):
            return folder
        if folder == top:
            break
    return None if known.group == "needs marker" else top


def wanted(setting: Any, path: Path, top: Path, programs: str = "") -> list[tuple[Known, Path]]:
    """The servers of a file that are there (by PATH, or by `programs`), each with the folder it works in."""
    found: list[tuple[Known, Path]] = []
    groups: set[str] = set()
    for known in configured(setting):
        if ending(path) not in known.extensions or known.group in groups:
            continue
        if (folder := home(known, path, top)) and program(known, top, programs):
            found.append((known, folder))
            groups |= {known.group} - {"", "needs marker"}
    return found
