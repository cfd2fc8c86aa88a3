"""Star clusters: no value exceeds a bound, whatever graph, region or parameters."""

import numpy as np
import pytest

from tests.amounts import seeds
from tests.optimize.bounders.clusters import cluster_graphs
from tests.optimize.bounders.clusters.broken_bounds import bounder_of, broken


@pytest.mark.usefixtures("rough_multipliers")
@pytest.mark.parametrize("seed", seeds(3, 100))
def test_no_value_exceeds_a_bound(seed):
    rng = np.random.default_rng([seed, 5])
    bounder = bounder_of(*cluster_graphs.draw(rng))
    if bounder is not None:
        assert not broken(rng, bounder)
