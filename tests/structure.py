"""Print the packages of src/ with what they import, every import circle, and class names that are defined twice.

    python -m tests.structure            # everything
    python -m tests.structure --check    # problems only

Imports inside functions and imports for types count. Exit code 1 if there is a circle or a repeated class name.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp

__all__ = ["class_names_defined_twice", "find_circle", "main"]

SRC = Path(__file__).resolve().parents[1] / "src"
TREES = ("surveyor", "surveyor_agents", "surveyor_emulator", "surveyor_policies")


def find_circle(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the modules of one import circle, the first again at the end; an empty list if there is none."""
    try:
        TopologicalSorter({module: set(imported) - {module} for module, imported in graph.items()}).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        return circle
    return []


def class_names_defined_twice(folder: Path) -> dict[str, list[str]]:
    """Return each public class name that occurs more than once below a folder, with the files that define it."""
    places: dict[str, list[str]] = defaultdict(list)
    for path in sorted(folder.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(folder.parent)))
    return {name: files for name, files in places.items() if len(files) > 1}


def _packages(graph: Mapping[str, set[str]], depth: int) -> dict[str, set[str]]:
    """Return the imports between packages, cut at a number of dots."""

    def package_of(module: str) -> str:
        return ".".join(module.split(".")[:depth])

    packages: dict[str, set[str]] = {}
    for module, imported in graph.items():
        own = package_of(module)
        packages.setdefault(own, set()).update(package_of(name) for name in imported)
        packages[own].discard(own)
    return packages


def main(arguments: Sequence[str]) -> int:
    """Print the structure and return the exit code."""
    imports = grimp.build_graph(*TREES, exclude_type_checking_imports=False, cache_dir=None)
    graph = {module: imports.find_modules_directly_imported_by(module) for module in sorted(imports.modules)}
    for package, imported in [] if "--check" in arguments else sorted(_packages(graph, 2).items()):
        names = ", ".join(sorted(name.removeprefix("surveyor.") for name in imported)) or "nothing"
        sys.stdout.write(f"{package} imports {names}\n")
    depths = range(2, max(module.count(".") for module in graph) + 2)
    circles = [find_circle(graph), *(find_circle(_packages(graph, depth)) for depth in depths)]
    problems = [f"circle: {' -> '.join(circle)}" for circle in circles if circle]
    problems += [
        f"class {name} is defined in {' and '.join(files)}"
        for tree in TREES
        for name, files in class_names_defined_twice(SRC / tree).items()
    ]
    sys.stdout.write(("\n".join(problems) or "no import circles, no class name twice") + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
