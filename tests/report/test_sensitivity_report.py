"""One report, four outputs, all saying the same."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

import deuterium as dt
from deuterium import privacy, report
from deuterium.errors import InvalidInputError
from tests.report.registry_schema import SCHEMA

AGE, INCOME = dt.symbol("age"), dt.symbol("income<b>")
PEOPLE = dt.Box({AGE: (18, 100), INCOME: (0, 2e5)})
RELATION = "add_or_remove_one"
ANSWERS = {
    "name": "Ages",
    "data_curators": ["An institute"],
    "intended_use": "Research",
    "data_product_type": "Summary statistics",
    "data_product_region": "World",
    "publication_date": "2026-01-31",
    "description": "Sums",
}


@pytest.fixture(scope="module")
def full():
    s = privacy.contribution([AGE / 100, INCOME / 2e5], PEOPLE)
    noise = privacy.gaussian(s, epsilon=1, delta=1e-6, relation=RELATION)
    return report.sensitivity(
        s,
        relation=RELATION,
        noise=noise,
        accountant=privacy.Accountant(RELATION).compose(noise, 3),
        units={"age": "years", "result": "people"},
        sources={"age": "the questionnaire"},
        title="Ages & incomes",
    )


def validated(document, schema):
    pytest.importorskip("jsonschema").validate(document, schema)


def test_json_is_valid_under_its_own_schema_and_stable(full):
    document = json.loads(full.to_json())
    validated(document, full.schema())
    assert document == json.loads(full.to_json())
    assert document["sensitivity"] == document["noise"]["sensitivity"]
    assert document["certificate"]["verified"] is True
    assert document["curve"][1]["epsilon"] > 1  # of three releases
    assert set(full.schema()["required"]) == set(document)


def test_what_is_missing_is_warned_of(full):
    assert any("income" in w for w in full.document["warnings"])
    assert not any("age" in w for w in full.document["warnings"])
    trusted = privacy.Sensitivity(quantity="contribution", norm=2, upper=1.0)
    document = report.sensitivity(trusted, relation=RELATION).document
    assert any("on trust" in w for w in document["warnings"])
    assert any("no certificate" in w for w in document["warnings"])


@pytest.mark.parametrize("relation", privacy.RELATIONS)
@pytest.mark.parametrize(
    "bound", [privacy.contribution, privacy.diameter, "lipschitz", "unbounded"]
)
def test_every_quantity_and_relation_has_a_report(bound, relation):
    if bound == "lipschitz":
        s = privacy.lipschitz(np.tanh(AGE / 50), AGE, PEOPLE)
    elif bound == "unbounded":
        s = privacy.contribution(AGE, dt.Box({AGE: (0, np.inf)}))
    else:
        s = bound(AGE, PEOPLE)
    found = report.sensitivity(s, relation=relation)
    validated(json.loads(found.to_json()), found.schema())
    assert found.to_markdown() and found.to_html()
    assert f"{s.upper:.6g}" in found.document["statement"]


class _Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_is_whole_escaped_and_can_be_read_aloud(full):
    page = _Page()
    page.feed(full.to_html())
    assert not page.open  # every element was closed
    tags = [tag for tag, _ in page.seen]
    assert {"html", "main", "h1", "table"} <= set(tags)
    assert not {"script", "link", "img", "b"} & set(tags)
    assert "income<b>" in "".join(page.text)
    assert not re.search(r"https?://", full.to_html())
    scopes = [a.get("scope") for tag, a in page.seen if tag == "th"]
    assert scopes and all(s in ("row", "col") for s in scopes)
    labels = {a["aria-labelledby"] for t, a in page.seen if t == "section"}
    assert labels == {a["id"] for t, a in page.seen if t == "h2"}


def test_markdown_has_a_row_for_each_symbol(full):
    told = full.to_markdown()
    assert "| age | 18.0 | 100.0 | years | the questionnaire |" in told
    widths = {
        line.count(" | ") for line in told.splitlines() if line.startswith("| age")
    }
    assert widths == {5}


def test_frames(full):
    frames = full.to_frames()
    assert isinstance(frames["domain"], pd.DataFrame)
    assert list(frames["domain"]["symbol"]) == ["age", "income<b>"]
    assert len(frames["curve"]) == len(full.document["curve"])


def test_groups_are_told_one_by_one():
    joint = privacy.contributions({"age": AGE, "income": INCOME}, PEOPLE)
    noise = joint.gaussian(epsilon=1, delta=1e-6, relation=RELATION)
    found = report.sensitivity(
        joint.joint, relation=RELATION, noise=noise, groups=joint
    )
    validated(json.loads(found.to_json()), found.schema())
    rows = {g["group"]: g for g in found.document["groups"]}
    assert rows["age"]["upper"] >= 100
    assert rows["income"]["upper"] >= 2e5
    assert {n: g["scale"] for n, g in rows.items()} == joint.scales(noise)
    assert "| income | 200000.0 |" in found.to_markdown()
    statement = found.document["statement"]
    assert f"income by {joint.units['income']:.6g}" in statement
    assert statement.endswith("One release promises epsilon 1 at delta 1e-06.")
    assert list(found.to_frames()["groups"]["group"]) == ["age", "income"]


def test_a_schema_tells_units_and_sources():
    schema = {
        AGE: {"bounds": (18, 100), "unit": "years", "source": "the form"},
        "income<b>": {"bounds": (0, 2e5), "unit": "euros"},
    }
    s = privacy.contribution([AGE / 100, INCOME / 2e5], dt.Box.from_schema(schema))
    document = report.sensitivity(
        s, relation=RELATION, schema=schema, sources={"income<b>": "the tax office"}
    ).document
    told = {r["symbol"]: (r["unit"], r["source"]) for r in document["domain"]}
    assert told["age"] == ("years", "the form")
    assert told["income<b>"] == ("euros", "the tax office")
    assert not any("Nobody said" in w for w in document["warnings"])


def test_the_method_is_told(full):
    (how,) = full.document["method"]
    assert how.startswith("1 region: 1 ")
    assert how in full.to_markdown()


def test_files_are_written_by_suffix(full, tmp_path):
    for suffix in ("json", "md", "html"):
        full.save(tmp_path / f"report.{suffix}")
    assert json.loads((tmp_path / "report.json").read_text("utf-8")) == full.document
    with pytest.raises(InvalidInputError, match="suffix"):
        full.save(tmp_path / "report.pdf")


def test_the_registrys_entry_has_what_it_asks_for(full):
    entry = full.to_registry(**ANSWERS)
    validated(entry, SCHEMA)
    assert set(entry) == {"url_slug", "status", "tier", "deployment"}
    assert entry["url_slug"] == "ages-an-institute-2026"
    loss = entry["deployment"]["privacy_loss"]
    assert loss["privacy_parameters"]["delta"] == 1e-5
    assert entry["deployment"]["dp_variant"]["variant_name"] == "Approximate DP"
    assert entry["deployment"]["deployment_model"]["release_type"] == "Many releases"


@pytest.mark.parametrize(
    "change, words",
    [
        ({"name": None}, "say also name"),
        ({"nam": "x"}, "Did you mean 'name'"),
        ({"data_product_type": "Sums"}, "must be one of Summary"),
        ({"publication_date": "May"}, "2026-01-31"),
        ({"data_curators": "me"}, "list of names"),
    ],
)
def test_answers_that_the_registry_would_refuse(full, change, words):
    answers = {n: a for n, a in {**ANSWERS, **change}.items() if a is not None}
    with pytest.raises(InvalidInputError, match=words):
        full.to_registry(**answers)


@pytest.mark.parametrize("law", ["laplace", "gaussian", "rho"])
def test_entries_of_every_law_are_valid(law):
    s = privacy.contribution(AGE, PEOPLE)
    given = {"relation": RELATION, "epsilon": 1.0}
    if law == "laplace":
        noise = privacy.laplace(s, **given)
    elif law == "gaussian":
        noise = privacy.gaussian(s, delta=1e-6, **given)
    else:
        noise = privacy.gaussian(s, noise_multiplier=2.0, relation=RELATION)
    entry = report.sensitivity(s, relation=RELATION, noise=noise).to_registry(
        **ANSWERS, data_product_sector="Government", sources="https://example.org"
    )
    validated(entry, SCHEMA)
    entry["deployment"]["basic"]["unknown"] = 1
    with pytest.raises(ValueError, match="unknown"):  # the schema does refuse
        try:
            validated(entry, SCHEMA)
        except Exception as error:
            raise ValueError(str(error)) from None


def test_without_noise_there_is_no_deployment():
    bare = report.sensitivity(privacy.contribution(AGE, PEOPLE), relation=RELATION)
    with pytest.raises(InvalidInputError, match="noise="):
        bare.to_registry(**ANSWERS)
