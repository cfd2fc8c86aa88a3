"""A small graph as a picture."""

import shutil
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import deuterium as dt
from deuterium import report
from deuterium.errors import InvalidInputError, MissingDependencyError

X = dt.symbol('x "quoted" \\ <b>', (2, 3))
GRAPH = np.sum(np.tanh(X) @ dt.constant(np.ones((3, 1)), name="W") + X[0, 0], axis=0)


def test_every_node_and_edge_is_drawn():
    made = report.draw(GRAPH)
    order = dt.graph.topological([GRAPH])
    assert made.dot.count(" -> ") == sum(len(n.args) for n in order)
    for told in ("tanh", "matmul", "W\\n(3, 1)", '\\"quoted\\"'):
        assert told in made.dot


@pytest.mark.skipif(shutil.which("dot") is None, reason="graphviz is not installed")
def test_the_picture_is_svg(tmp_path):
    made = report.draw(GRAPH)
    made.save(tmp_path / "graph.svg")
    root = ET.parse(tmp_path / "graph.svg").getroot()
    assert root.tag.endswith("svg")
    assert "tanh" in "".join(root.itertext())
    assert made._repr_svg_() == made.svg


def test_large_graphs_and_missing_programs_are_told_of(monkeypatch):
    with pytest.raises(InvalidInputError, match="at most 150"):
        report.draw(sum((np.sin(k * X[0, 0]) for k in range(99)), start=X[0, 0]))
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert report.draw(GRAPH)._repr_svg_() is None
    with pytest.raises(MissingDependencyError, match="graphviz"):
        _ = report.draw(GRAPH).svg
