"""What is small can be read, and what can be read can be changed."""

from __future__ import annotations

from house import rules, tree


def test_files_functions_and_classes_fit_in_the_head() -> None:
    complaints = [line for source in [*tree.kernel(), *tree.plugins()] for line in rules.sizes(source)]
    assert not complaints, "\n".join(complaints)


def test_the_kernel_is_small() -> None:
    lines = sum(len(source.text.splitlines()) for source in tree.kernel())
    assert lines <= rules.KERNEL_LINES, (
        f"the kernel has {lines} lines, at most {rules.KERNEL_LINES}: move a capability out"
    )
