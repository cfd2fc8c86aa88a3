"""Reports: outward rounding, exact JSON of a stable schema, a picture."""

from __future__ import annotations

import json
import math
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from deuterium.commands import run_query
from deuterium.errors import InvalidInputError, MissingDependencyError
from deuterium.report import (
    as_document,
    as_json,
    demo_tables,
    query_tables,
    save_feature_plot,
)
from deuterium.report.numbers import exact, rounded, rounded_down, rounded_up
from tests.amounts import examples
from tests.demo.short_demo import short_demo

DOUBLES = st.floats(allow_nan=False, allow_infinity=False)


@pytest.fixture(scope="module")
def demo():
    pytest.importorskip("sklearn")
    return short_demo(epochs=5)


@pytest.fixture(scope="module")
def query():
    return run_query("a**2 + exp(2*b - a)", {"a": (1.0, 2.0), "b": (0.5, 3.0)})


def printed(parts, width=80):
    console = Console(width=width, highlight=False, record=True, file=open_null())
    for part in parts:
        console.print(part)
    return console.export_text()


def open_null():
    import io

    return io.StringIO()


# -- numbers -------------------------------------------------------------------------


@examples(18, 300)
@given(DOUBLES, st.integers(1, 17))
def test_rounding_goes_the_stated_way_and_not_far(x, digits):
    low, high = rounded_down(x, digits), rounded_up(x, digits)
    assert Fraction(low) <= Fraction(x) <= Fraction(high)
    step = abs(Fraction(x)) * Fraction(10) ** (1 - digits)
    assert Fraction(high) - Fraction(low) <= step
    assert rounded(x, digits) in (low, high)


def test_rounding_of_particular_numbers():
    assert rounded_up(21.249354309619676) == "21.2494"
    assert rounded_down(21.249354309619676) == "21.2493"
    assert rounded_up(math.inf) == "inf"
    assert rounded_up(1e-20, 3) == "1.00e-20"
    assert exact(3.0) == "3"
    assert exact(0.1) == "0.1"
    assert exact(-math.inf) == "-inf"
    assert exact(1e300) == "1e+300"


# -- JSON ----------------------------------------------------------------------------


def test_query_document(query):
    document = json.loads(as_json(query))
    assert list(document) == [
        "schema", "schema_version", "deuterium_version", "formula", "gradient",
        "bounds", "lower", "upper", "status", "cause", "found", "reached", "gap",
    ]  # fmt: skip
    assert document["schema"] == "deuterium.query"
    assert document["schema_version"] == 1
    assert document["upper"] == query.upper  # the same double
    assert document["found"]["witness"] == {"a": 1.0, "b": 3.0}
    assert document["bounds"] == {"a": [1.0, 2.0], "b": [0.5, 3.0]}
    assert document["cause"] is None


def test_query_document_with_infinities():
    text = as_json(run_query("log(a)", {"a": (0, 1)}, boxes=50))
    document = json.loads(text, parse_constant=pytest.fail)  # no bare Infinity or NaN
    assert document["upper"] == "inf"
    assert document["status"] == "undefined"
    keys = ["kind", "operator", "source", "ranges", "box", "points"]
    assert list(document["cause"]) == keys
    nothing = json.loads(as_json(run_query("log(a)", {"a": (-2, -1)}, boxes=4)))
    assert nothing["status"] == "undefined"


def test_demo_document(demo):
    document = json.loads(as_json(demo))
    assert list(document) == [
        "schema", "schema_version", "deuterium_version", "records", "parameters",
        "layers", "seed", "epochs", "accuracy", "certified", "on_data", "found",
        "reached", "ratio", "features", "noise", "enclosed", "replaced", "proof",
        "private",
    ]  # fmt: skip
    assert document["schema"] == "deuterium.demo"
    assert document["certified"] == demo.certified
    assert len(document["features"]) == 30
    assert list(document["features"][0]) == [
        "name", "bounds", "derivative", "share", "mean_on_data", "range", "moves",
        "epsilon",
    ]  # fmt: skip
    assert list(document["noise"]) == [
        "noise_multiplier", "sigma", "sensitivity", "contribution", "relation",
        "epsilon", "delta", "quantity", "trusted", "scope", "shape", "size",
        "group",
    ]  # fmt: skip
    assert document["found"]["witness"]["x"] == demo.found.witness["x"].tolist()
    assert as_document(demo)["noise"]["sigma"] == demo.noise.sigma


def test_no_schema():
    with pytest.raises(InvalidInputError, match="no schema for dict"):
        as_document({})


# -- tables --------------------------------------------------------------------------


def test_query_tables(query):
    text = printed(query_tables(query))
    assert "2*a - exp(-a + 2*b)" in text
    assert repr(query.upper) in text
    assert "not a bound" in text
    assert "a = 1, b = 3" in text
    assert "NO FINITE BOUND" not in text


def test_query_without_bound_is_flagged(short_search):
    text = printed(query_tables(run_query("b*log(a)", {"a": (0, 1), "b": (1, 2)})), 200)
    assert "NO FINITE BOUND (undefined): log of [0.0, " in text
    assert "column 3 of the formula" in text
    text = printed(query_tables(run_query("log(a)", {"a": (-2, -1)})))
    assert "NO FINITE BOUND" in text
    assert "nothing: no point with a finite value was met" in text
    text = printed(query_tables(run_query("a**2", {"a": (0, math.inf)})))
    assert "NO FINITE BOUND (unbounded)" in text


def test_demo_tables_fit_in_sixty_columns(demo):
    text = printed(demo_tables(demo), 60)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 60
    assert "promises nothing" in text
    for part in demo.features:
        assert part.name.split()[0] in text  # the longest names take two lines
    assert rounded_up(demo.certified) in text
    assert rounded_down(demo.reached) in text
    assert "epsilon = 1, delta = 1e-05," in text
    assert "add_or_remove_one" in text


# -- pictures ------------------------------------------------------------------------


def test_picture(demo, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "parts.png"
    save_feature_plot(demo, path)
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG")
    from matplotlib.image import imread

    pixels = imread(path)
    assert pixels.shape[0] > 1000
    assert pixels.shape[1] > 1400
    colours = pixels[::4, ::4].reshape(-1, pixels.shape[2])
    assert len(np.unique(colours, axis=0)) > 50


def test_picture_leaves_the_global_state_alone(demo, tmp_path):
    matplotlib = pytest.importorskip("matplotlib")
    before, pyplot = dict(matplotlib.rcParams), sys.modules.get("matplotlib.pyplot")
    figures = pyplot.get_fignums() if pyplot else []  # another test's, if any
    save_feature_plot(demo, tmp_path / "parts.png")
    assert dict(matplotlib.rcParams) == before
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert (pyplot.get_fignums() if pyplot else []) == figures


def test_picture_of_nothing_found(demo, tmp_path):
    import dataclasses

    pytest.importorskip("matplotlib")
    flat = tuple(
        dataclasses.replace(p, share=0.0, derivative=0.0) for p in demo.features
    )
    path = tmp_path / "flat.png"
    save_feature_plot(dataclasses.replace(demo, features=flat), path)
    assert path.stat().st_size > 10_000


def test_picture_errors(demo, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    with pytest.raises(InvalidInputError, match="No such file"):
        save_feature_plot(demo, tmp_path / "missing" / "parts.png")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(
        MissingDependencyError, match=r"pip install 'deuterium\[plot\]'"
    ):
        save_feature_plot(demo, tmp_path / "parts.png")
