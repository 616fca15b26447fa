"""Documentation that is not there, is wrong or is out of date is a red test."""

from __future__ import annotations

import ast
import re

from house import rules, tree
from house.rules import PLUGINS, ROOT


def test_whatever_is_public_says_what_it_is_for() -> None:
    complaints = [line for source in tree.everything() for line in rules.docstrings(source)]
    assert not complaints, "\n".join(complaints)


def test_there_are_few_hooks_and_each_is_one_sentence() -> None:
    assert len(tree.hooks()) <= 20, (
        f"{len(tree.hooks())} hooks, at most 20: let a family bring its own (register_hooks)"
    )
    vague = [name for name, doc in tree.hooks().items() if not re.fullmatch(r"[A-Z][^\n]*\.", doc.strip())]
    assert not vague, f"hooks whose docstring is not one line that ends with a full stop: {vague}"


def test_the_public_names_are_few() -> None:
    init = next(source for source in tree.kernel() if source.module == "__init__")
    listed = [
        ast.literal_eval(n.value) for n in init.tree.body if isinstance(n, ast.Assign) and _names(n) == ["__all__"]
    ]
    public = [name for names in listed for name in names]
    assert len(public) <= 40, f"mimocode.__all__ has {len(public)} names, at most 40: import the rest from its module"


def _names(node: ast.Assign) -> list[str]:
    return [target.id for target in node.targets if isinstance(target, ast.Name)]


def test_every_plugin_says_what_it_is_for_and_stands_in_the_readme() -> None:
    readme = (ROOT / "plugins/README.md").read_text(encoding="utf-8")
    missing = [name for name in tree.default() if f"`{name}`" not in readme]
    assert not missing, f"add one line each to plugins/README.md: {missing}"
    for name in tree.default():
        first = ((tree.load(name).__doc__ or "").strip().splitlines() or [""])[0]
        assert len(first) > 15, f"{name}: let the docstring of its __init__.py begin with what it is for"


def test_every_plugin_folder_is_a_builtin_or_a_library_of_its_family() -> None:
    listed = set(tree.default())
    for folder in tree.folders():
        name = tree.dotted(folder)
        if tree.is_plugin(folder):
            assert name in listed, f"{name} answers hooks: add it to DEFAULT in {PLUGINS}__init__.py"
        else:
            assert name not in listed, f"{name} is in DEFAULT and answers no hook: implement one, or take it out"
    lost = listed - {tree.dotted(folder) for folder in tree.folders()}
    assert not lost, f"DEFAULT names folders that are not there: {sorted(lost)}"


def test_every_library_of_a_family_is_used() -> None:
    used = {item.module for source in tree.plugins() for item in rules.imports(source)}
    used |= {f"{item.module}.{item.name}" for source in tree.plugins() for item in rules.imports(source)}
    for folder in tree.folders():
        name = f"mimocode_plugins.{tree.dotted(folder)}"
        inside = any(module == name or module.startswith(name + ".") for module in used)
        assert tree.is_plugin(folder) or inside, f"nobody imports the library {name}: delete it or use it"


def test_every_setting_has_a_sentence() -> None:
    for name in tree.default():
        for setting in getattr(tree.load(name), "register_settings", list)():
            where = f"setting {setting.name!r} of {name}"
            assert re.search(r"\w{2,}.*\.$", setting.doc), f"{where}: say in a sentence what it does, units, default"
