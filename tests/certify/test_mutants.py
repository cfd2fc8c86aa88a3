"""Right proofs changed at random: what is still believed is still true."""

from collections import Counter

import numpy as np
import pytest

from deuterium.errors import CertificateError
from tests.amounts import seeds as draw_seeds
from tests.certify.mutants import Mutator
from tests.certify.right_proofs import KINDS, NAMES, named, sealed_again, seeds, used

# the proofs are right for any multipliers
pytestmark = pytest.mark.usefixtures("rough_multipliers", "once")


def test_every_kind_of_leaf_and_step_is_there():
    wanted = {(where, kind) for where, kinds in KINDS.items() for kind in kinds}
    assert set().union(*[used(s.body) for s in seeds()]) == wanted
    data = [n["leaf"] for s in seeds() for n in s.body["proof"] if "leaf" in n]
    assert {key for _, d in data for key in d} >= {
        "center", "around", "along", "at", "basis", "p", "energies", "empty", "sigma",
        "nodes", "simplex", "each", "mean",
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_unchanged_they_are_believed_and_true(name):
    seed = named(name)
    sealed_again(seed.body).verify(seed.v, seed.domain)
    assert not seed.is_false(seed.body)


def run(number, count):
    """Return how many changed certificates were believed, of so many."""
    rng = np.random.default_rng(number)
    found = Counter()
    mutate = Mutator(rng, seeds())
    while made(found) < count:
        seed = mutate.choose(seeds())
        body = mutate(seed)
        believed = True
        try:
            certificate = sealed_again(body)
            if certificate is None:
                continue
            certificate.verify(seed.v, seed.domain)
        except CertificateError:
            believed = False
        found["made", seed.name] += 1
        if believed:
            found["believed", seed.name] += 1
            wrong = seed.is_false(certificate.body)
            assert not wrong, (seed.name, wrong, body)
    return found


def made(found):
    """Return how many could be written as a certificate at all."""
    return sum(n for (kind, _), n in found.items() if kind == "made")


@pytest.mark.parametrize("number", range(3))
def test_nothing_false_is_believed(number):
    run(number, 60)


@pytest.mark.parametrize("number", draw_seeds(0, 20, start=100))
def test_nothing_false_is_believed_of_many(number):
    """Twenty times a thousand; with ``--draws 5`` a hundred thousand in all."""
    found = run(number, 1000)
    assert {name for kind, name in found if kind == "made"} == set(NAMES)
    print(number, made(found), "made,", found.total() - made(found), "believed")
