"""Every public name has an example in its docstring, and the examples are right."""

from __future__ import annotations

import doctest
import inspect
import typing

import pytest

import deuterium as dt
from deuterium import frontends, privacy, report, testing

ROOMS = (
    dt, privacy, report, testing, frontends, privacy.audit, frontends.bounds,
    frontends.formula, frontends.jax, frontends.onnx, frontends.symengine,
    frontends.sympy, frontends.torch,
)  # fmt: skip


def public():
    for room in ROOMS:
        for name in room.__all__:
            made = getattr(room, name)
            table = name.endswith("_tables") or name == "save_feature_plot"
            if callable(made) and not typing.get_origin(made) and not table:
                yield f"{room.__name__}.{name}", made


PUBLIC = dict(public())


def test_every_public_name_has_an_example():
    silent = [
        n for n, made in PUBLIC.items() if ">>>" not in (inspect.getdoc(made) or "")
    ]
    assert not silent


def test_rooms_show_their_public_names_alone():
    for room in (privacy, report):
        assert dir(room) == sorted(room.__all__)


@pytest.mark.long
@pytest.mark.parametrize("name", PUBLIC)
def test_the_example_is_right(name):
    made = inspect.unwrap(PUBLIC[name])
    pytest.importorskip("matplotlib")
    for framework in ("jax", "onnx", "torch"):
        if f"frontends.{framework}." in name:
            pytest.importorskip(framework)
    tests = doctest.DocTestFinder(recurse=False).find(made, name, globs={})
    assert tests
    for test in tests:
        assert doctest.DocTestRunner().run(test).failed == 0
