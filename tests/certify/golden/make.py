"""Write golden files that are not there yet: ``python -m tests.certify.golden.make``.

What is there stays as it was written: it is what other releases made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

import deuterium as dt
from deuterium import privacy
from tests.certify.right_proofs import sealed_again, seeds

HERE = Path(__file__).parent
Save = Callable[[Path], None]


def proofs() -> Iterator[tuple[str, Save]]:
    """Yield a proof of every kind of leaf and step."""
    for seed in seeds():
        yield seed.name.replace(" ", "_"), sealed_again(seed.body).save


def searched() -> Iterator[tuple[str, Save]]:
    """Yield proofs as the search hands them over."""
    x = dt.symbol("x", (2,))
    box = dt.Box({x: (0, 3)})
    asked = {
        "of_a_box": (np.sum(x * np.exp(-x)), box),
        "of_a_ball": (np.sum(np.sin(x)), dt.Ball(x, [0.0, 0.0], 1.0)),
        "under_a_condition": (np.prod(x), box & dt.Where(np.sum(x) <= 1)),
        "where_it_may_be_undefined": (np.sum(np.log(1 + x)), box),
    }
    for name, (v, domain) in asked.items():
        yield name, dt.maximize(v, domain).certificate.save


def handed_on() -> Iterator[tuple[str, Save]]:
    """Yield what privacy saves with its proofs."""
    x, y = dt.symbol("x", (2,)), dt.symbol("y")
    box = dt.Box({x: (-1, 1), y: (0, 1)})
    query = np.tanh(np.sum(x) - y)
    yield "a_contribution", privacy.contribution(query, box).save
    yield "a_diameter", privacy.diameter(query, box).save
    yield "features", privacy.feature_sensitivity(query, x, box).save
    trainer = privacy.ClipFreeSGD(
        lambda x, y, w: (x @ w - y) ** 2, {"w": np.zeros(2)}, box,
        relation="add_or_remove_one", noise_multiplier=1.0, learning_rate=0.5, count=2,
        insecure_rng=0,
    )  # fmt: skip
    run = privacy.TrainingProof.of(trainer)
    for _ in range(2):
        run.step(trainer, {x: np.zeros((2, 2)), y: np.zeros(2)})
    yield "a_training_run", run.save


if __name__ == "__main__":
    for name, save in [*proofs(), *searched(), *handed_on()]:
        path = HERE / f"{name}.json"
        if not path.exists():
            save(path)
            print(path.name)
