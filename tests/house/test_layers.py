"""Who may import whom, and which words the kernel does not know."""

from __future__ import annotations

from house import rules, tree


def test_kernel_modules_import_only_what_lies_below_them() -> None:
    complaints = [line for source in tree.kernel() for line in rules.layering(source)]
    assert not complaints, "\n".join(complaints)


def test_every_layer_holds_modules_that_exist() -> None:
    gone = set().union(*rules.LAYERS) - {source.module for source in tree.kernel()}
    assert not gone, f"LAYERS in tests/house/rules.py names modules that are gone: {sorted(gone)}"


def test_plugins_import_public_names_and_themselves() -> None:
    listed = frozenset(tree.default())
    complaints = [line for source in tree.plugins() if source.plugin for line in rules.plugin_imports(source, listed)]
    assert not complaints, "\n".join(complaints)


def test_the_kernel_does_not_know_the_words_of_capabilities() -> None:
    complaints = [line for source in tree.kernel() for line in rules.forbidden_words(source)]
    assert not complaints, "\n".join(complaints)
