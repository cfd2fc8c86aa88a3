"""Whatever the package hands out goes through pickle, copies and other processes."""

from __future__ import annotations

import copy
import importlib
import multiprocessing
import pickle
import re
from concurrent.futures import ProcessPoolExecutor
from functools import cache

import cloudpickle
import numpy as np
import pytest
import sympy
from scipy.special import log_expit

import deuterium as dt
from deuterium import privacy
from deuterium.certify.checker.verify import Report
from deuterium.frontends import LiftedModel
from deuterium.frontends import sympy as sympy_front_end
from deuterium.privacy.training.training_data import StepReport

ROOMS = ("", "domain", "evaluate", "graph", "interval", "optimize", "search")
ROOMS += ("transform", "privacy", "errors", "testing", "frontends")
X, W = dt.symbol("x", (3,)), dt.symbol("w")
POINT = {"x": [0.5, -0.25, 1.0], "w": 0.75}
F = np.exp(np.sin(3 * X[0]) * X[1]) + np.tanh(X[2] * W) * np.cos(X[0] - W)
DOMAIN = dt.Box({X: (-1, 1)}) & dt.Choice(W, [0, 0.75])
SYMPY_MODEL = sympy.sin(sympy.Symbol("x") * sympy.Symbol("w"))
RELATION = {"relation": "add_or_remove_one"}


def loss(x, y, w):
    t = x @ w
    return -(y * log_expit(t) + (1 - y) * log_expit(-t))


def trainer(loss=loss):
    x, y = dt.symbol("x", (2,)), dt.symbol("y")
    made = privacy.ClipFreeSGD(
        loss,
        {"w": np.array([0.5, -1.0])},
        dt.Box({x: (-1, 1)}) & dt.Choice(y, [0, 1]),
        noise_multiplier=1.0,
        learning_rate=0.1,
        count=4,
        insecure_rng=1,
        **RELATION,
    )
    return made.fit(RECORDS, 2)


def normalized():
    return privacy.NormalizedSGD(
        loss,
        {"w": np.array([0.5, -1.0])},
        dt.Box({dt.symbol("x", (2,)): (-1, 1)}) & dt.Choice(dt.symbol("y"), [0, 1]),
        secret=["y"],
        noise_multiplier=1.0,
        learning_rate=0.1,
        count=4,
        insecure_rng=1,
        **RELATION,
    ).fit(RECORDS, 2)


def filtered():
    return privacy.FilteredSGD(
        loss,
        {"w": np.array([0.5, -1.0])},
        dt.Box({dt.symbol("x", (2,)): (-1, 1)}) & dt.Choice(dt.symbol("y"), [0, 1]),
        epsilon=1.0,
        delta=1e-5,
        steps=4,
        first_clip=0.5,
        learning_rate=0.1,
        count=4,
        insecure_rng=1,
        **RELATION,
    ).fit(RECORDS, 2)


def gradient_bound():
    domain = dt.Box({dt.symbol("x", (2,)): (-1, 1)}) & dt.Choice(dt.symbol("y"), [0, 1])
    return privacy.GradientBound(loss, {"w": np.array([0.5, -1.0])}, domain)


def joint():
    return privacy.contributions({"w": W, "square": W**2}, dt.Choice(W, [0, 0.75]))


RECORDS = {"x": [[0.5, 1.0], [-1.0, 0.25], [0.0, 0.5]], "y": [0.0, 1.0, 1.0]}


def accountant(noise):
    made = privacy.Accountant(**RELATION).compose(noise, 3)
    made.epsilon_at(1e-5)  # so that it knows what it may keep
    return made


def individual():
    made = privacy.IndividualAccountant(3, epsilon=1.0, delta=1e-5)
    made.step([0.1, 0.2, 0.3], 5.0)
    return made


def noises():
    given = {"trusted": True, **RELATION}
    yield privacy.gaussian(1.0, epsilon=1.0, delta=1e-5, **given)
    yield privacy.laplace(1.0, epsilon=1.0, **given)
    yield privacy.geometric(1, epsilon=1.0, **given)
    yield privacy.discrete_gaussian(1, epsilon=1.0, delta=1e-5, **given)


@cache
def examples():
    """One of each public class, or several, after it was used; by what is in them."""
    x, gradient = dt.symbol("x", (2,)), dt.grad(F, X)
    bracket = dt.maximize(F, DOMAIN, rtol=1e-3)
    infinite = dt.enclose(np.log(W - 0.5), dt.Box({W: (0, 1)}))
    vector, box = np.tanh(x * np.array([1.0, 2.0])), dt.Box({x: (-1, 1)})
    made = [
        X, F, dt.constant([1.0, 2.0], name="parameter"), dt.graph.OPERATORS["tanh"],
        dt.enclose(F, DOMAIN), infinite, infinite.cause, dt.search(F, DOMAIN),
        DOMAIN, dt.Box({X: (-1, 1)}), dt.Ball(X, 0.5, 2.0), dt.OneHot(X),
        dt.compile([X, W], [F, gradient]),
        sympy_front_end.lift(SYMPY_MODEL, parameters={"w": 2.0}),
        bracket, bracket.certificate, bracket.certificate.verify(F, DOMAIN),
        dt.maximize(F, DOMAIN, max_regions=1), dt.minimize(F, DOMAIN),
        dt.maximize(1 / (W - 0.5), dt.Box({W: (0, 1)})),
        privacy.contribution(vector, box), privacy.diameter(vector, box),
        privacy.diameter(vector.sum(), box), privacy.lipschitz(vector.sum(), x, box),
        privacy.Sensitivity(quantity="contribution", norm=2, upper=1.0),
        privacy.feature_sensitivity(2 * x, x, box, time_limit=1),
        privacy.partial([gradient], [X]), *noises(), *map(accountant, noises()),
        privacy.TrainingProof.of(trainer()),
        individual(), individual().step(0.1, 5.0), trainer(), trainer().history[0],
        normalized(), filtered(), gradient_bound(), joint(), privacy.release(
            W, {W: [0, 0.75]}, dt.Choice(W, [0, 0.75]), epsilon=1, delta=1e-6,
            insecure_rng=0, **RELATION,
        ),
    ]  # fmt: skip
    return {f"{type(v).__name__}-{i}": v for i, v in enumerate(made)}


def says(v):
    """Return what an object says, and what it does where it has something to do."""
    match v:
        case dt.Variable():
            return dt.dumps([v])
        case dt.Interval():
            return repr(v)
        case dt.Certificate():
            return v.body, v.seal
        case dt.Bracket():
            return repr(v), v.history, v.certificate and says(v.certificate)
        case privacy.Sensitivity():
            return repr(v), repr(v.domain), repr(v.witness), says(v.certificate)
        case privacy.FeatureSensitivities():
            return repr(v), *map(says, v)
        case privacy.TrainingProof():
            return dt.dumps([v.norm]), repr(v.domain), v.steps
        case privacy.ClipFreeSGD():
            return v.bound(), says(v.accountant), repr(v.step(RECORDS)), v.parameters
        case privacy.NormalizedSGD() | privacy.FilteredSGD():
            return says(v.accountant), repr(v.step(RECORDS)), v.parameters
        case privacy.GradientBound():
            return v.method, v({"w": [0.5, 1.0]})
        case privacy.Accountant():
            return v.epsilon_at(1e-5)
        case privacy.IndividualAccountant():
            return v.step(0.1, 5.0).values.tolist(), v.steps, v._spent.tolist()
        case privacy.Internal():
            return v.what, v.values.tolist()
        case privacy.Partial():
            return v.share.evaluate(POINT).tolist(), says(v.norm)
        case tuple():
            return tuple(map(says, v))
        case LiftedModel():
            slope = dt.grad(v.output, next(iter(v.parameters.values())))
            return repr(v), slope.evaluate({"x": 0.5})
        case dt.evaluate.CompiledFunction():
            return re.sub(" +#.*", "", v.source), repr(v(*POINT.values()))
    return repr(v)


WAYS = {
    "pickle": lambda v: pickle.loads(pickle.dumps(v)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "cloudpickle": lambda v: pickle.loads(cloudpickle.dumps(v)),
}


def public_classes():
    for room in ROOMS:
        module = importlib.import_module(f"deuterium.{room}".rstrip("."))
        for name in module.__all__:
            if isinstance(getattr(module, name), type):
                yield getattr(module, name)


def test_every_public_class_has_an_example():
    of_examples = {type(v) for v in examples().values()}
    for known in {*public_classes(), Report, StepReport}:
        assert known in of_examples or issubclass(known, (Exception, Warning)), known


@pytest.mark.parametrize("way", WAYS)
def test_copies_say_the_same(way):
    for name, v in examples().items():
        again = WAYS[way](v)
        assert type(again) is type(v), name
        assert str(says(again)) == str(says(copy.deepcopy(v))), name


def test_errors_and_warnings_go_along():
    for known in public_classes():
        if issubclass(known, (Exception, Warning)):
            again = pickle.loads(pickle.dumps(known("so it is")))
            assert (type(again), str(again)) == (known, "so it is")


@pytest.mark.long
def test_another_process_gets_them_and_gives_them_back():
    made = list(examples().values())
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawned) as pool:
        told, again = pool.submit(_used_elsewhere, made).result()
    for v, text, other in zip(made, told, again, strict=True):
        assert text == str(says(copy.deepcopy(v)))
        assert type(other) is type(v)


def _used_elsewhere(made):
    again = copy.deepcopy(made)
    return [str(says(v)) for v in made], again


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_compiled_functions_are_compiled_again(backend):
    pytest.importorskip(backend)
    weights = dt.constant([1.0, -2.0, 0.1], name="weights")  # an input that is a number
    function = dt.compile([X, weights], [X @ weights], backend=backend)
    again = pickle.loads(pickle.dumps(function))
    assert again.backend == backend
    given = np.array([1.0, 2.0, 3.0])
    for w in ([1.0, -2.0, 0.1], [0.1, 1.0, 1e300]):
        assert float(again(given, w)[0]) == float(function(given, w)[0])


def test_a_bracket_that_went_elsewhere_proves_and_protects():
    bracket = dt.maximize(np.square(F), DOMAIN, rtol=1e-3)
    again = pickle.loads(pickle.dumps(bracket))
    assert again.certificate.verify(np.square(F), DOMAIN).leaves > 1
    one = privacy.Sensitivity.from_bracket(again, quantity="contribution", norm=2)
    assert not one.is_trusted
    assert one.verify()
    with pytest.raises(dt.errors.CertificateError, match="another graph"):
        again.certificate.verify(F, DOMAIN)


def test_a_function_of_the_notebook_goes_along_by_cloudpickle():
    made = trainer(lambda x, y, w: (x @ w - y) ** 2)
    again = pickle.loads(cloudpickle.dumps(made))
    assert str(says(again)) == str(says(made))
