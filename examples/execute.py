"""Make the notebooks from their sources: ``python examples/execute.py [name ...]``.

Each ``NN_name.py`` (cells marked with ``# %%``) becomes an executed ``NN_name.ipynb``.
Cell ids are numbers and no times are recorded, so that a second run changes outputs
only.
"""

from __future__ import annotations

import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent


def from_source(path: Path) -> nbformat.NotebookNode:
    """Return the notebook of a source, not executed."""
    notebook = jupytext.read(path)
    notebook.metadata = {
        "kernelspec": {
            "display_name": "Python 3",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
    return notebook


def execute(notebook: nbformat.NotebookNode, timeout: float = 300) -> None:
    """Run all cells in the kernel ``python3``; an error in one is raised."""
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(HERE)}},
    )
    client.execute()


def main(names: list[str]) -> None:
    """Write the notebooks named, or all."""
    for source in sorted(HERE.glob("[0-9]*.py")):
        if names and source.stem not in names:
            continue
        notebook = from_source(source)
        execute(notebook)
        notebook.metadata.language_info = {"name": "python"}
        nbformat.write(notebook, source.with_suffix(".ipynb"))
        print(f"{source.stem}: {source.with_suffix('.ipynb').stat().st_size} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
