"""Domains of tables: from a schema, or from columns with stated public bounds."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import deuterium as dt
from deuterium import privacy
from deuterium.errors import (
    BoundsError,
    DataDependentBoundsWarning,
    DeuteriumError,
    InvalidInputError,
    MissingSymbolError,
    ShapeError,
    UnknownSymbolError,
)

JOBS = ["clerk", "nurse", "other"]
SCHEMA = {
    "age": {"bounds": (18, 120), "unit": "years", "source": "the form"},
    "hours": (0, 80),
    "job": {"categories": JOBS},
    "children": {"values": [0, 1, 2, 3]},
}
TABLE = pd.DataFrame(
    {
        "age": [31, 45, 150],
        "hours": [38.5, 99.0, 20.0],
        "job": ["nurse", "clerk", "other"],
        "children": [0, 2, 1],
        "name": ["p", "q", "r"],
    }
)


def test_a_schema_says_what_every_column_may_be():
    domain = dt.Box.from_schema(SCHEMA)
    assert domain.names == list(SCHEMA)
    assert domain.discrete == ["job", "children"]
    rows = domain.clip(TABLE)  # other columns are left alone
    assert rows["age"].tolist() == [31, 45, 120]
    assert rows["job"].tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1]]
    job = dt.symbol("job", (3,))
    assert dt.enclose(np.sum(job * np.arange(3)), domain.restricted(["job"])).upper == 2


@pytest.mark.parametrize(
    "schema",
    [
        [("age", (0, 1))],
        {"age": {}},
        {"age": {"bounds": (0, 1), "values": [1]}},
        {"age": {"bond": (0, 1)}},
        {"age": (2, 1)},
        {"job": {"categories": "clerk"}},
        {"job": {"categories": ["a", "a"]}},
        {"job": {"categories": []}},
    ],
    ids=str,
)
def test_schemas_that_say_nothing(schema):
    with pytest.raises(InvalidInputError):
        dt.Box.from_schema(schema)


def test_a_frame_with_public_bounds_is_never_looked_at():
    told = {"bounds": {"age": (18, 120), "hours": (0, 80), "children": (0, 9)}}
    table = TABLE.drop(columns="name")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        domain = dt.Box.from_frame(table, **told, categories={"job": JOBS})
        empty = dt.Box.from_frame(table[:0], **told, categories={"job": JOBS})
    assert repr(domain) == repr(empty)
    assert domain.names == list(table.columns)


def test_the_datas_own_ends_only_with_the_warning():
    with pytest.raises(MissingSymbolError, match="'hours', 'job'"):
        dt.Box.from_frame(TABLE[["age", "hours", "job"]], {"age": (18, 120)})
    with pytest.warns(DataDependentBoundsWarning, match="'hours', 'job'"):
        domain = dt.Box.from_frame(
            TABLE[["age", "hours", "job"]], {"age": (18, 120)}, own_ends=True
        )
    assert "(20.0, 99.0)" in repr(domain)
    assert "['clerk', 'nurse', 'other']" in repr(domain)
    with pytest.raises(UnknownSymbolError, match="Did you mean 'age'"):
        dt.Box.from_frame(TABLE, {"agee": (18, 120)})


def test_texts_that_are_no_category_are_refused():
    domain = dt.OneHot("job", categories=JOBS)
    with pytest.raises(BoundsError, match="record 1 has a 'job'"):
        domain.clip({"job": ["nurse", "pilot"]})
    with pytest.raises(DeuteriumError):
        domain.clip({"job": ["nurse", None]})
    assert domain.clip({"job": np.eye(3)})["job"].shape == (3, 3)
    assert domain.clip({"job": "other"})["job"].tolist() == [0, 0, 1]
    with pytest.raises(ShapeError, match="3 categories"):
        dt.OneHot(dt.symbol("job", (2,)), categories=JOBS)
    assert eval(repr(domain), {"dt": dt}).names == ["job"]
    assert repr(dt.Domain.from_json(domain.to_json())) == repr(domain)


def test_a_released_table_has_its_statement():
    age, job = dt.symbol("age"), dt.symbol("job", (3,))
    out = privacy.release(
        {"years": age / 100, "by job": job},
        TABLE,
        dt.Box.from_schema({n: SCHEMA[n] for n in ("age", "job")}),
        relation="add_or_remove_one",
        epsilon=1.0,
        delta=1e-6,
        insecure_rng=0,
        rtol=0.1,
    )
    frame = out.to_frame()
    assert frame["released"].tolist() == [
        "years", "by job[0]", "by job[1]", "by job[2]",
    ]  # fmt: skip
    assert frame["value"].tolist()[0] == out.value["years"]
    assert frame.attrs["statement"] == out.statement
