"""Models of PyTorch: lifting beside export, and the first certified bound.

Each ratio is over `torch.export` of the same model in the same process, which has
exported something before: its first export imports most of PyTorch's compiler.  What
is noted is processor time, one core.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.frontends.zoo_torch import ResNet8, build, lenet  # noqa: E402

import deuterium as dt  # noqa: E402
from deuterium import frontends  # noqa: E402

RECORDS = 20  # drawn, to compare the bound with
LIFT_SECONDS = 2.0
BOUND_SECONDS = {"lenet": 1.0, "resnet8": 5.0}

MODELS = {
    "lenet": (lenet, (1, 28, 28)),
    "resnet8": (lambda: ResNet8(16), (3, 32, 32)),  # 78,000 parameters
}


def seconds(call):
    start = time.process_time()
    call()
    return time.process_time() - start


def case(name):
    """Return a model as a function to its loss, and one record."""
    torch.manual_seed(0)
    make, shape = MODELS[name]
    module = make().double().eval()

    def loss(x, y):
        return torch.nn.functional.cross_entropy(module(x), y)

    return module, loss, (torch.zeros(1, *shape).double(), torch.tensor([0]))


@pytest.fixture(scope="module", autouse=True)
def warm():
    module, x, _, _ = build("logistic")
    frontends.torch.lift(module, x)


@pytest.mark.parametrize("name", MODELS)
def test_lifting(benchmark, note, name):
    module, loss, example = case(name)
    export = min(
        seconds(lambda: torch.export.export(module, example[:1])) for _ in range(3)
    )
    lift = frontends.torch.lift
    whole = min(seconds(lambda: lift(loss, example)) for _ in range(3))
    benchmark.pedantic(lift, (loss, example), rounds=3)
    note(seconds_of_export=export, seconds_beside=whole - export)
    assert whole - export < LIFT_SECONDS


@pytest.mark.parametrize("name", MODELS)
def test_first_bound(benchmark, note, name):
    """Gradient, norm, simplification and enclosure, over every image and label."""
    _, loss, example = case(name)

    def bound():
        model = frontends.torch.lift(loss, example)
        box = dt.Box({model.inputs["x"]: (0, 1)}) & model.any_index()
        start = time.process_time()
        norm = dt.norm(dt.grad(model.output, list(model.parameters.values())))
        upper = dt.enclose(norm, box).upper
        return time.process_time() - start, upper, norm, model

    took, upper, norm, model = benchmark.pedantic(bound, rounds=1)
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 1, (RECORDS, *model.inputs["x"].shape))
    labels = rng.integers(0, 10, (RECORDS, 1))
    (norms,) = dt.compile(list(model.inputs.values()), [norm])(images, labels)
    note(seconds=took, upper=float(upper), over_the_largest_drawn=upper / max(norms))
    assert took < BOUND_SECONDS[name]
