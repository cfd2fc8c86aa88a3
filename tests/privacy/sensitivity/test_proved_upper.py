"""What a file says of a sensitivity counts as far as it follows from its proofs."""

import copy
import json
from fractions import Fraction

import numpy as np
import pytest
import scipy.special

import deuterium as dt
from deuterium import privacy
from deuterium.commands import run_saved_check
from deuterium.errors import CertificateError, DeuteriumError
from deuterium.graph import saved
from tests.amounts import some

X, Y, PEOPLE = dt.symbol("x", (3,)), dt.symbol("y"), dt.symbol("p", (6,))
LABEL, CODE = dt.symbol("label"), dt.symbol("code", (4,))
BOX = dt.Box({X: (0, 1), Y: (-1, 2)})
PARTS = [np.sin(X[0]) * X[1], X[2]]
TWO = [PARTS[0], X[2] * Y]


def feature(parts, x, domain, which, **options):
    found = privacy.feature_sensitivity(parts, x, domain, time_limit=None, **options)
    return found[which]


MADE = {
    "contribution": lambda: privacy.contribution(PARTS, BOX),
    "scaled": lambda: privacy.contribution(PARTS, BOX).scaled(Fraction(1, 5)),
    "by ones": lambda: privacy.contribution(PARTS, BOX, norm=1),
    "the largest": lambda: privacy.contribution(PARTS, BOX, norm=np.inf),
    "number": lambda: privacy.contribution(PARTS[0] - Y, BOX),
    "float32": lambda: privacy.contribution(PARTS, BOX, arithmetic="float32"),
    "number, float32": lambda: privacy.contribution(
        PARTS[0], BOX, arithmetic="float32"
    ),
    "conditions": lambda: privacy.contribution(PARTS, BOX & dt.Where(X[0] <= X[1])),
    "labels": lambda: privacy.contribution(
        dt.grad(-scipy.special.log_expit((X @ [1.0, 2.0, 3.0]) * LABEL), [X]),
        BOX & dt.Choice(LABEL, [-1, 1]),
    ),
    "slope": lambda: privacy.lipschitz(TWO[0] * Y, [X, Y], BOX),
    "slope by one": lambda: privacy.lipschitz(TWO[0] * Y, Y, BOX),
    "number apart": lambda: privacy.diameter(PARTS[0] - Y, BOX),
    "number apart, shared": lambda: privacy.diameter(PARTS[0] * Y, BOX, shared=[Y]),
    "people": lambda: privacy.diameter(np.var(PEOPLE), dt.Box({PEOPLE: (0, 1)})),
    "in a ball": lambda: privacy.diameter([X[0], X[1] * X[2]], dt.Ball(X, 0.0, 1.0)),
    "a feature's slope": lambda: feature(TWO, X, BOX, 0),
    "a feature": lambda: feature(TWO, X, BOX, 2),
    "features": lambda: feature(
        [np.sin(5 * X[0]) * X[1] ** 2, X[2] * X[0]], X, dt.Ball(X, 0.0, 1.0), "a",
        groups={"a": [0, 1], "b": [2]},
    ),
    "a category": lambda: feature(
        [CODE @ [1.0, 2.0, 3.0, 4.0] * Y], CODE,
        dt.OneHot(CODE) & dt.Box({Y: (-1, 1)}), 0,
    ),
}  # fmt: skip


QUICK = (
    "contribution", "scaled", "number", "float32", "slope by one", "people",
    "number apart, shared", "a feature's slope", "a category",
)  # fmt: skip
ORDER = [*QUICK, *(name for name in MADE if name not in QUICK)]


@pytest.fixture(scope="module", params=some(ORDER, len(QUICK)))
def made(request):
    found = MADE[request.param]()
    assert found.certificate is not None
    return found


def forged(s, change, folder):
    """Return the file of a sensitivity of which a forger changed some fields."""
    body = json.loads(s.to_json())
    body.pop("seal")
    change(body["object"]["fields"])
    path = folder / "forged.json"
    path.write_text(saved._text({**body, "seal": saved._seal(body)}), "utf-8")
    return path


def is_believed(path):
    """Return whether a file's number counts as certified, or is called proved."""
    believed = []
    for look in (
        lambda: not privacy.Sensitivity.load(path).is_trusted,
        lambda: bool(privacy.Sensitivity.from_json(path.read_text()).verify()),
        lambda: run_saved_check(path).proofs > 0,
        lambda: not privacy.Sensitivity.from_json(path.read_text()).is_trusted,
    ):
        try:
            believed.append(look())
        except DeuteriumError:
            believed.append(False)
    return any(believed)


def test_right_ones_are_certified_after_a_file(made, tmp_path):
    made.save(tmp_path / "s.json")
    read = privacy.Sensitivity.load(tmp_path / "s.json")
    assert not read.is_trusted and repr(read) == repr(made)
    assert (
        len(read.verify())
        == len(made.verify())
        == run_saved_check(tmp_path / "s.json").proofs
    )


def test_until_they_are_checked_they_are_trusted(made):
    read = privacy.Sensitivity.from_json(made.to_json())
    assert read.is_trusted and read.verify()


def less(fields):
    fields["upper"], fields["lower"] = 0.999 * fields["upper"], 0.0
    fields["diameter"] = None


def test_less_is_not_believed(made, tmp_path):
    assert not is_believed(forged(made, less, tmp_path))


OTHER = privacy.contribution([0.25 * p for p in PARTS], BOX)


@pytest.mark.parametrize("also", some(["vector", "assumptions", "size", "shape"], 2))
def test_another_proof_is_not_believed(made, tmp_path, also):
    """A right proof of something smaller, and the number that it proves."""
    told = json.loads(OTHER.to_json())["object"]["fields"]

    def change(fields):
        fields["proof"], fields["upper"] = told["proof"], told["upper"]
        fields["lower"], fields["diameter"] = 0.0, None
        if also != "vector":
            fields[also] = told[also]

    assert not is_believed(forged(made, change, tmp_path))


CHANGES = {
    "quantity": ["contribution", "diameter", "lipschitz"],
    "norm": [1, 2, {"kind": "float", "text": "inf"}],
    "scope": [None, "y stay as they are", "only x[1] changes", "only y changes"],
    "arithmetic": [None, "float32", "float64"],
    "factor": [{"kind": "fraction", "text": t} for t in ("1/1", "1/5", "0/1", "-1/1")],
}


@pytest.mark.parametrize("name", CHANGES)
def test_another_meaning_is_not_believed_with_less(made, tmp_path, name):
    """Whatever else a file calls it, the number is not below what that would be."""
    for value in CHANGES[name]:

        def change(fields, value=value):
            fields["diameter"] = None
            fields[name] = copy.deepcopy(value)

        path = forged(made, change, tmp_path)
        if not is_believed(path):
            continue
        read = privacy.Sensitivity.load(path)
        again = anew(read)
        assert again is None or read.upper >= again.lower * (1 - 1e-12), (name, value)


def anew(s):
    """Return the sensitivity that is said, bounded again; None of features."""
    parts = list(s.vector)
    if s.quantity == "contribution":
        found = privacy.contribution(parts, s.domain, s.norm)
    elif s.quantity == "diameter" and not (s.scope or "").startswith("only"):
        shared = (s.scope or "").removesuffix(" stay as they are")
        shared = shared.split(", ") if shared else []
        found = privacy.diameter(parts, s.domain, s.norm, shared=shared)
    else:
        return None
    return found.scaled(s.factor)


def test_a_slope_whose_branches_miss_each_other_keeps_their_jump(tmp_path):
    income = dt.symbol("income")
    tax = np.where(income <= 0.3, 0.1 * income, 0.03 + 0.4 * (income - 0.3))
    s = privacy.lipschitz(tax, income, dt.Box({income: (0, 1)}))
    s.save(tmp_path / "s.json")
    assert not privacy.Sensitivity.load(tmp_path / "s.json").is_trusted
    if s.jump:
        assert not is_believed(forged(s, lambda f: f.update(jump=0.0), tmp_path))


def test_features_are_verified_together(tmp_path):
    f = [np.sin(X[0]) * X[1], X[2] ** 2 * X[0]]
    found = privacy.feature_sensitivity(f, X, dt.Box({X: (0, 1)}))
    assert len(found.verify()) == 3
    found.save(tmp_path / "features.json")
    assert run_saved_check(tmp_path / "features.json").proofs == 3
    read = privacy.FeatureSensitivities.load(tmp_path / "features.json")
    assert not any(s.is_trusted for s in read)
    unread = privacy.FeatureSensitivities.load(tmp_path / "features.json", verify=False)
    assert all(s.is_trusted for s in unread)

    def change(fields):
        less(fields["parts"]["items"][1]["fields"])

    path = forged(found, change, tmp_path)
    with pytest.raises(CertificateError, match=r"x\[1\]: .*does not follow"):
        run_saved_check(path)
    with pytest.raises(CertificateError, match="does not follow"):
        privacy.FeatureSensitivities.load(path)
