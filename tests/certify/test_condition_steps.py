"""The checker's own contraction: no point lost, none of the contraction refused."""

import numpy as np
import pytest
from flint import arb, ctx

import deuterium as dt
from deuterium.certify.checker.condition_steps import Conditions
from deuterium.certify.checker.exceptions import NoPoint
from deuterium.certify.checker.proof_region import Region
from deuterium.certify.checker.verify import BITS
from deuterium.enclose.contract import Empty, contracted
from deuterium.errors import CertificateError
from tests.amounts import draws
from tests.certify.forging import forged, leaf
from tests.certify.right_proofs import sealed_again
from tests.enclose.test_contract import FORMS, ROUNDED, SIDES, box_of, boxes, values

pytestmark = [pytest.mark.drawn, pytest.mark.filterwarnings("ignore::RuntimeWarning")]

STARTS, SIZE = {"x": 0, "y": 3}, 4


def within(form, low, high):
    """Return the checker's ends, None where it finds no point."""
    ends = [[arb(float(e)) for e in side] for side in (low, high)]
    try:
        with ctx.workprec(BITS):
            known = Conditions([form], STARTS, SIZE)
            return known.within(Region(*ends, [False] * SIZE))
    except NoPoint:
        return None


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", FORMS)
def test_no_point_is_lost_and_no_contraction_refused(name, side):
    rng, form = np.random.default_rng([6, *name.encode()]), FORMS[name]
    condition = SIDES[side](form)
    for low, high, rows in boxes(rng, draws(8, 200)):
        h = values(form, rows)
        mine = rows[SIDES[side](h) & ~((name in ROUNDED) & (np.abs(h) < 1e-9))]
        known = within(condition, low, high)
        if known is None:
            assert not len(mine)
            continue
        for row in mine[:20]:
            assert not any(x < a for x, a in zip(row.tolist(), known[0], strict=True))
            assert not any(x > b for x, b in zip(row.tolist(), known[1], strict=True))
        try:
            found = contracted([condition], box_of(low, high))
        except Empty:
            raise AssertionError(
                "the checker has points where there are none"
            ) from None
        told = [
            np.append(getattr(found["x"], e), getattr(found["y"], e)).tolist()
            for e in ("lower", "upper")
        ]
        assert all(a <= b for a, b in zip(told[0], known[0], strict=True))
        assert all(a >= b for a, b in zip(told[1], known[1], strict=True))


# -- steps -----------------------------------------------------------------------------

x, y = dt.symbol("x"), dt.symbol("y")
BOX = dt.Box({x: (0, 10), y: (0, 10)})
DOMAIN = BOX & dt.Where(x + y <= 1)


def claimed(at=(0, 1), lower=(0.0, 0.0), upper=(1.0, 1.0), claim=2.0):
    """Return a certificate of x + y that begins with a step."""
    made = dt.maximize(x + y, DOMAIN, max_regions=1).certificate
    data = {"at": list(at), "lower": list(lower), "upper": list(upper)}
    node = {"steps": [["conditions", data]], "leaf": ["interval", {}]}
    body = {**made.body, "upper": claim, "lower": "-inf", "proof": [node]}
    return sealed_again(body)


def test_what_the_conditions_say_is_believed():
    claimed().verify(x + y, DOMAIN)
    claimed(upper=(1.0, 1.5), claim=2.5).verify(x + y, DOMAIN)


@pytest.mark.parametrize(
    "given",
    [
        {"upper": (np.nextafter(1.0, 0.0), 1.0)},
        {"lower": (5e-324, 0.0)},
        {"at": (0, 2)},
        {"at": (0, -1)},
        {"at": (0, True)},
        {"upper": (1.0,)},
        {"claim": 0.9},
        {"claim": -1e301, "upper": (1.0, 1.0)},
    ],
)
def test_what_they_do_not_say_is_refused(given):
    with pytest.raises(CertificateError):
        claimed(**given).verify(x + y, DOMAIN)


def test_without_conditions_there_is_no_such_step():
    step = ["conditions", {"at": [0], "lower": [0.0], "upper": [1.0]}]
    proof = forged(x + y, BOX, [leaf(steps=[step])], 11.0)
    with pytest.raises(CertificateError, match="no conditions"):
        proof.verify(x + y, BOX)
