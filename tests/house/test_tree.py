"""The tests mirror the tree, so that a test is found where its subject is."""

from __future__ import annotations

from house import tree
from house.rules import PLUGINS, ROOT

DECLARATIONS = {"__init__", "errors", "messages", "ports", "hookspecs"}
"""Kernel modules that declare and do nothing; whoever uses them tests them."""


def test_every_kernel_module_has_tests() -> None:
    for source in tree.kernel():
        found = list((ROOT / "tests/kernel").glob(f"test_{source.module}*.py"))
        if source.module not in DECLARATIONS:
            assert found, f"{source.path} has no tests: write tests/kernel/test_{source.module}.py"


def test_every_plugin_has_tests() -> None:
    for name in tree.default():
        family, plugin = name.split(".")
        place = ROOT / "tests/plugins" / family
        found = [*place.glob(f"test_{plugin}*.py"), *place.glob(f"{plugin}/test_*.py")]
        assert found, f"plugin {name} has no tests: write tests/plugins/{family}/test_{plugin}.py"


def test_every_test_has_a_subject() -> None:
    for path in sorted((ROOT / "tests/kernel").glob("test_*.py")):
        subject = path.stem.removeprefix("test_")
        known = any(subject == s.module or subject.startswith(s.module + "_") for s in tree.kernel())
        assert known, f"{path.relative_to(ROOT)} tests no kernel module: name it test_<module>.py"
    for path in sorted((ROOT / "tests/plugins").rglob("test_*.py")):
        family, *rest = path.relative_to(ROOT / "tests/plugins").parts
        subject = rest[0].removeprefix("test_").removesuffix(".py")
        names = {folder.stem for folder in (ROOT / PLUGINS / family).glob("*") if not folder.name.startswith("_")}
        known = any(subject == name or subject.startswith(name + "_") for name in names)
        assert known, f"{path.relative_to(ROOT)} tests no plugin of {family}: name it test_<plugin>.py"
