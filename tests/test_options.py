"""Options: NumPy's scalars are taken wherever Python's are."""

import numpy as np
import pytest

import deuterium as dt
from deuterium import privacy
from deuterium.enclose.subdivide import enclose_subdivided
from deuterium.options import is_number, require_whole
from tests.amounts import some

S = dt.symbol("s")
BOX = dt.Box({S: (0, 5)})
MANY = "add_or_remove_one"
WHOLE = [np.int64, np.int32, np.uint8, np.int16]
BROKEN = [np.float32, np.float64, np.float16, np.longdouble]

# what takes a number of things, as a function of that number
COUNTS = {
    "people": lambda n: privacy.IndividualAccountant(people=n).people,
    "order": lambda n: (
        privacy.IndividualAccountant(people=2, method="rdp", order=n).routes[0].order
    ),
    "scaled": lambda n: privacy.contribution(S, BOX).scaled(n).upper,
    "regions": lambda n: dt.maximize(np.sin(S), BOX, max_regions=n).upper,
    "boxes": lambda n: enclose_subdivided(np.sin(S), BOX, boxes=n).upper,
    "starts": lambda n: dt.search(np.sin(S), BOX, starts=n).value,
    "seed": lambda n: dt.maximize(np.sin(S), BOX, seed=n).upper,
    "power": lambda n: str(S**n),
    "norm": lambda n: str(np.linalg.norm(dt.symbol("x", (3,)), ord=n)),
}
SIZES = {
    "scaled": lambda r: privacy.contribution(S, BOX).scaled(r).upper,
    "rtol": lambda r: dt.maximize(np.sin(S), BOX, rtol=r, time_limit=None).upper,
    "atol": lambda r: dt.maximize(np.sin(S), BOX, atol=r, time_limit=None).upper,
    "end": lambda r: dt.enclose(S, dt.Box({S: (0, r)})).upper,
    "radius": lambda r: dt.enclose(S, dt.Ball(S, 0, r)).upper,
    "sigma": lambda r: (
        privacy.gaussian(
            privacy.contribution(S, BOX), noise_multiplier=r, relation=MANY
        ).sigma
    ),
    "factor": lambda r: dt.enclose(r * S, BOX).upper,
}


@pytest.mark.parametrize("kind", some(WHOLE, 2))
@pytest.mark.parametrize("name", COUNTS)
def test_integers(name, kind):
    assert COUNTS[name](kind(2)) == COUNTS[name](2)


@pytest.mark.parametrize("kind", some([np.int32, np.float32, *WHOLE, *BROKEN], 2))
@pytest.mark.parametrize("name", SIZES)
def test_sizes(name, kind):
    number = kind(2) if kind in WHOLE else kind(0.5)
    assert SIZES[name](number) == SIZES[name](number.item())


@pytest.mark.parametrize("kind", [*WHOLE, *BROKEN])
def test_limits_of_time_and_memory(kind):
    e = dt.maximize(S, BOX, time_limit=kind(60), memory_limit=kind(120))
    assert e.upper == 5


@pytest.mark.parametrize("x", [True, "1", None, np.nan, 1j, np.float32(np.nan)])
def test_what_is_no_number(x):
    assert not is_number(x)


@pytest.mark.parametrize("x", [True, np.True_, 1.0, np.float64(1), "1", -1, None])
def test_what_is_no_count(x):
    with pytest.raises(dt.DeuteriumError, match="`n` must be an integer >= 0"):
        require_whole(x, 0, "f", "n")


@pytest.mark.parametrize("name", sorted(COUNTS.keys() | SIZES.keys()))
def test_spans_of_time_are_no_numbers(name):
    """To NumPy they are integers."""
    take = COUNTS.get(name) or SIZES[name]
    with pytest.raises(dt.DeuteriumError):
        take(np.timedelta64(3, "s"))
