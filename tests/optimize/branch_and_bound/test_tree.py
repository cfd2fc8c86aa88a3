"""The tree of regions: nothing is lost, the bound never rises, memory is counted."""

import gc
import tracemalloc

import numpy as np
import pytest

from deuterium.optimize.branch_and_bound import loop_options
from deuterium.optimize.branch_and_bound.compression import packed, unpacked
from deuterium.optimize.branch_and_bound.tree import Tree
from deuterium.optimize.region import EMPTY, BoundResult, Regions, whole


def results(regions, random, ends=0.0, empty=0.0):
    """Bounds that fall at random, cut somewhere at random."""
    count, n = regions.low.shape
    before = np.where(np.isfinite(regions.bound), regions.bound, 1.0)
    cut = random.integers(0, n, count)
    rows = np.arange(count)
    low, high = regions.low[rows, cut], regions.high[rows, cut]
    at = low + (high - low) * random.uniform(0.2, 0.8, count)
    cut = np.where((low < at) & (at < high), cut, -1)
    upper = before * random.uniform(0.8, 1.1, count)
    if np.isfinite(regions.bound).all():  # not the root
        upper = np.where(random.random(count) < empty, -np.inf, upper)
    proofs = [("test", {"number": u}) if u > 0 else EMPTY for u in upper.tolist()]
    return BoundResult(
        upper=upper,
        proofs=proofs,
        low=regions.low,
        high=regions.high,
        open=regions.open,
        cut=cut,
        at=at,
        points=np.empty((0, n)),
        state=regions.state,
        ends=[("convex", {}) if r < ends else None for r in random.random(count)],
    )


def grown(random, batches=60, size=7, target=0.3, **kinds):
    """A tree after some batches, and its bound after each."""
    tree, uppers = Tree(whole(np.zeros(3), np.ones(3), state=2)), []
    for _ in range(batches):
        nodes = tree.pop(size, target)
        regions = tree.regions(nodes)
        tree.apply(nodes, results(regions, random, **kinds), target)
        uppers.append(tree.upper)
    return tree, uppers


def leaves(listed, root=None):
    """The regions at the leaves of a proof, walked from the root as a checker does."""
    root = root or whole(np.zeros(3), np.ones(3))
    walk, found = iter(listed), []
    waiting = [(root.low[0], root.high[0])]
    while waiting:
        low, high = waiting.pop()
        entry = next(walk)
        if "leaf" in entry:
            found.append((low, high, entry["leaf"]))
            continue
        j, at = entry["cut"] if "cut" in entry else (entry["ends"][0], None)
        lower_high, upper_low = high.copy(), low.copy()
        lower_high[j] = low[j] if at is None else at
        upper_low[j] = high[j] if at is None else at
        waiting += [(upper_low, high), (low, lower_high)]
    assert next(walk, None) is None
    return found


@pytest.mark.parametrize("seed", range(5))
def test_the_bound_never_rises_and_the_leaves_fill_the_box(seed):
    random = np.random.default_rng(seed)
    tree, uppers = grown(random, empty=0.05)
    assert uppers == sorted(uppers, reverse=True)
    parts = leaves(tree.proof(tree.upper))
    volume = sum(np.prod(high - low) for low, high, _ in parts)
    assert volume == pytest.approx(1.0, abs=1e-12)
    for _, _, (method, data) in parts:
        assert method in ("test", "empty")
        assert method == "empty" or data["number"] <= tree.upper


@pytest.mark.parametrize("seed", range(3))
def test_points_of_the_box_or_of_its_end_faces_are_in_some_leaf(seed):
    random = np.random.default_rng(seed)
    tree, _ = grown(random, ends=0.3)
    parts = leaves(tree.proof(tree.upper))
    for point in random.integers(0, 2, (20, 3)):  # corners survive every end face
        assert any(np.all((low <= point) & (point <= high)) for low, high, _ in parts)


def test_two_halves_share_the_cut_and_only_the_lower_keeps_it():
    tree = Tree(whole([0.0, 2.0], [1.0, 3.0]))
    nodes = tree.pop(1, -np.inf)
    regions = tree.regions(nodes)
    found = results(regions, np.random.default_rng(0))
    found.cut, found.at, found.upper = np.array([1]), np.array([2.25]), np.array([5.0])
    tree.apply(nodes, found, 0.0)
    halves = tree.regions(tree.pop(2, 0.0))
    assert halves.low.tolist() == [[0, 2], [0, 2.25]]
    assert halves.high.tolist() == [[1, 2.25], [1, 3]]
    assert halves.open.tolist() == [[False, False], [False, True]]
    assert halves.bound.tolist() == [5, 5]


def test_the_largest_bound_comes_first_however_many_wait():
    random = np.random.default_rng(3)
    tree = Tree(whole(np.zeros(2), np.ones(2)))
    while len(tree) < 5 * loop_options.FRONT_REGIONS:
        nodes = tree.pop(300, 0.0)
        bounds = tree.known["bound"][nodes]
        assert np.all(bounds[:-1] >= bounds[1:])
        waiting = tree.known["row"][: tree.size] >= 0
        waiting[nodes] = False
        assert bounds.min() >= tree.known["bound"][: tree.size][waiting].max(initial=0)
        tree.apply(nodes, results(tree.regions(nodes), random), 0.0)


def test_what_is_put_back_comes_again_and_counts_for_the_bound_meanwhile():
    tree, _ = grown(np.random.default_rng(1))
    upper, count = tree.upper, len(tree)
    nodes = tree.pop(5, 0.0)
    assert tree.upper == upper
    assert len(tree) == count
    tree.put_back(nodes)
    assert tree.upper == upper
    assert len(tree) == count
    assert tree.pop(5, 0.0) == nodes


def test_closing_what_need_not_be_cut_keeps_the_bound_and_frees_the_memory():
    tree, _ = grown(np.random.default_rng(2), batches=200)
    upper, count = tree.upper, len(tree)
    target = float(np.quantile(tree.known["bound"][: tree.size], 0.9))
    tree.close(target)
    assert len(tree) < count
    assert tree.upper == upper
    assert all(b > target for b in tree.known["bound"][tree.pop(10**6, target)])
    tree.put_back(list(tree.pending))
    assert sum(len(p) > 0 for p in [leaves(tree.proof(upper))]) == 1


def test_a_bound_that_is_no_number_proves_nothing():
    tree = Tree(whole([0.0], [1.0]))
    nodes = tree.pop(1, -np.inf)
    found = results(tree.regions(nodes), np.random.default_rng(0))
    found.upper = np.array([np.nan])
    tree.apply(nodes, found, 0.0)
    assert tree.upper == np.inf
    assert len(tree) == 2


def test_a_claim_below_what_is_proved_has_no_proof():
    tree, _ = grown(np.random.default_rng(4))
    with pytest.raises(ValueError, match="not proved"):
        tree.proof(tree.upper * 0.99)


def test_reasons_survive_packing():
    reason = ("mean", {"center": [0.5, -np.inf], "of": {"a": [1, 2], "b": None}})
    one, other = packed([reason, reason])
    assert one is other
    assert unpacked(one) == reason
    (data,) = packed([("mean", {"center": [np.float64(0.1)]})])
    assert unpacked(data) == ["mean", {"center": [0.1]}]
    with pytest.raises(TypeError):
        packed([("mean", {"center": np.zeros(3)})])  # would not fit a certificate


@pytest.mark.parametrize("inputs", [2, 60])
def test_memory_is_counted_as_it_is(inputs):
    random = np.random.default_rng(0)
    gc.collect()
    tracemalloc.start()
    tree = Tree(whole(np.zeros(inputs), np.ones(inputs), state=5))
    for _ in range(12):
        nodes = tree.pop(256, 0.0)
        regions: Regions = tree.regions(nodes)
        found = results(regions, random)
        found.proofs = [("mean", {"center": r.tolist()}) for r in regions.high]
        tree.apply(nodes, found, 0.0)
    del nodes, regions, found
    gc.collect()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(tree) > 1_000
    assert 0.8 * taken < tree.bytes < 1.3 * taken
