"""Models of PyTorch: the same values and gradients, names, labels, and refusals."""

from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="install the extra `torch` to test lifted models of PyTorch"
)

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

import deuterium as dt  # noqa: E402
from deuterium import frontends  # noqa: E402
from deuterium.errors import (  # noqa: E402
    InvalidInputError,
    ShapeError,
    UnsupportedError,
)
from deuterium.frontends.framework_names import by_framework  # noqa: E402
from deuterium.frontends.torch.aten_table import TABLE  # noqa: E402
from tests.amounts import draws, some  # noqa: E402
from tests.frontends.torch_agreement import TOLERANCE, gap, gaps_of  # noqa: E402
from tests.frontends.torch_cases import GROUPS  # noqa: E402
from tests.frontends.zoo_torch import ZOO, build  # noqa: E402

# PyTorch works these gradients out with constants in single precision.
SINGLE = {"celu": 1e-7, "hardsigmoid": 1e-7}

lift = frontends.torch.lift


# -- the same numbers ------------------------------------------------------------------


@pytest.mark.parametrize("group", some(GROUPS, 5))
def test_values_and_gradients_are_pytorchs(group):
    torch.manual_seed(1)
    gaps = gaps_of(*GROUPS[group]())
    assert not {k: g for k, g in gaps.items() if not g < SINGLE.get(k, TOLERANCE)}


@pytest.mark.drawn
@pytest.mark.parametrize("name", some(ZOO, 5))
def test_architectures_agree_compiled(name):
    backends = ["numpy"]
    if pytest.importorskip("array_api_compat"):
        backends.append("torch")
    for seed in range(draws(1, 5)):
        module, x, y, loss = build(name, seed)
        model = lift(lambda x, y, m=module, f=loss: f(m(x), y), (x, y))
        names = [n for n, _ in module.named_parameters()]
        assert list(model.parameters) == names
        wanted = loss(module(x), y)
        slopes = torch.autograd.grad(wanted, list(module.parameters()))
        wanted = [v.detach().numpy() for v in (wanted, *slopes)]
        outputs = [model.output, *dt.grad(model.output, [*model.parameters.values()])]
        for backend in backends:
            given = (x, y) if backend == "torch" else (x.numpy(), y.numpy())
            run = dt.compile(list(model.inputs.values()), outputs, backend=backend)
            found = [np.asarray(v) for v in run(*given)]
            gaps = [gap(f, w) for f, w in zip(found, wanted, strict=True)]
            assert max(gaps) < TOLERANCE, backend
            twice = run(*(torch.stack([t, t]) for t in (x, y)))  # rows of records
            gaps = [gap(f[1], w) for f, w in zip(twice, wanted, strict=True)]
            assert max(gaps) < TOLERANCE, backend


def test_every_elementwise_operator_of_the_table():
    """What stands in one line for all frameworks means the same in this one."""
    rng = np.random.default_rng(0)
    calls = by_framework("torch")
    two = {n for n, f in calls.items() if getattr(f, "nin", 1) == 2}
    x, y = (torch.as_tensor(rng.uniform(0.1, 0.9, 5)) for _ in range(2))

    def every(x, y):
        out = {}
        for name in calls:
            function = getattr(torch.ops.aten, name)
            shifted = x + 1 if name == "acosh" else x
            out[name] = function(shifted, y) if name in two else function(shifted)
        return out

    model, wanted = lift(every, (x, y)), every(x, y)
    run = dt.compile([*model.inputs.values()], [*model.outputs.values()])
    found = dict(zip(model.outputs, run(x.numpy(), y.numpy()), strict=True))
    assert not {n: v for n, v in found.items() if gap(v, wanted[n]) > 1e-13}


# -- what certifies --------------------------------------------------------------------


def test_a_bound_of_the_gradient_holds_for_every_record_and_label():
    module, x, y, loss = build("lenet")
    model = lift(lambda x, y: loss(module(x), y), (x, y))
    norm = dt.norm(dt.grad(model.output, list(model.parameters.values())))
    record, label = model.inputs["x"], model.inputs["y"]
    bound = dt.enclose(norm, dt.Box({record: (0, 1)}) & model.any_index("y"))
    assert np.isfinite(bound.upper)
    for k in range(10):
        wanted = loss(module(x), torch.tensor([k]))
        slopes = torch.autograd.grad(wanted, list(module.parameters()))
        size = float(sum((g**2).sum() for g in slopes).sqrt())
        value = norm.evaluate({record: x.numpy(), label: [k]})
        assert value == pytest.approx(size, rel=1e-10)
        assert bound.lower <= value <= bound.upper


@pytest.mark.parametrize("hot", [False, True])
def test_labels_are_numbers_or_unit_vectors(hot):
    torch.manual_seed(0)
    net = nn.Linear(3, 4).double()
    how = {"one_hot": {"label": 4}} if hot else {}

    def loss(x, label):
        return F.cross_entropy(net(x), label)

    model = lift(loss, (torch.zeros(1, 3).double(), torch.tensor([0])), **how)
    assert model.inputs["label"].shape == ((1, 4) if hot else (1,))
    assert model.classes == {"label": 4}
    norm = dt.norm(dt.grad(model.output, list(model.parameters.values())))
    box, label = dt.Box({model.inputs["x"]: (-1, 1)}), model.inputs["label"]
    whole = dt.enclose(norm, box & model.any_index())
    ways = np.eye(4)[:, None] if hot else np.arange(4.0)[:, None]
    each = [dt.enclose(norm, box & dt.Choice(label, [way])) for way in ways]
    assert whole.upper == pytest.approx(max(e.upper for e in each), rel=1e-9)
    found = dt.maximize(norm, box & model.any_index(), rtol=0.1)
    assert found.status == "optimal" and found.upper <= whole.upper


def test_tokens_are_read_through_their_unit_vectors():
    module, x, _, _ = build("transformer")
    model = lift(module, x, one_hot={"tokens": 11})
    tokens = model.inputs["tokens"]
    assert tokens.shape == (1, 8, 11)
    value = model.output.evaluate({tokens: np.eye(11)[x.numpy()]})
    assert gap(value, module(x).detach()) < TOLERANCE
    assert dt.enclose(np.sum(model.output), model.any_index()).upper < np.inf
    plain = lift(module, x)
    with pytest.raises(InvalidInputError, match=r"11\*\*8 values.*one_hot"):
        plain.any_index()


def test_two_integer_inputs_that_choose_differently():
    net = nn.Embedding(5, 3)
    model = lift(
        lambda word, y: F.cross_entropy(net(word), y),
        (torch.tensor([0]), torch.tensor([0])),
    )
    assert model.classes == {"word": 5, "y": 3}
    domain = model.any_index()
    assert dt.enclose(model.output, domain).upper < 10
    with pytest.raises(InvalidInputError, match="'z' was asked for"):
        model.any_index("z")


def test_a_cause_names_the_layer_and_the_line():
    class Odd(nn.Module):
        def forward(self, x):
            return torch.log(x).sum()

    module = nn.Sequential(nn.Linear(2, 2), Odd())
    model = lift(module, torch.ones(1, 2))
    found = dt.enclose(model.output, dt.Box({model.input: (-1, 1)}))
    assert "at 1 in test_torch.py:" in str(found.cause)


# -- names -----------------------------------------------------------------------------


def test_parameters_and_buffers_have_the_names_of_the_state_dict():
    module, x, _, _ = build("resnet8")
    model = lift(module, x)
    state = module.state_dict()
    assert set(model.parameters) == {n for n, _ in module.named_parameters()}
    assert set(model.buffers) == {n for n in state if "running" in n}
    assert model.parameters["stages.1.conv1.weight"].name == "stages.1.conv1.weight"
    text = repr(model)
    assert text.startswith("LiftedModel(PyTorch 2.") and "head.bias (10,)" in text


def test_functions_take_the_parameters_of_what_they_call():
    one, two = nn.Linear(2, 2), nn.Linear(2, 1)
    x = torch.ones(1, 2)

    def called(v):
        return one(v)

    assert set(lift(lambda v: one(v), x).parameters) == {"weight", "bias"}
    both = lift(lambda v: two(one(v)), x)
    assert set(both.parameters) == {
        f"{n}.{p}" for n in ("one", "two") for p in ("weight", "bias")
    }
    assert list(both.inputs) == ["v"]
    assert set(lift(one.forward, x).parameters) == {"weight", "bias"}
    assert set(lift(lambda v, m=one: m(v), x).parameters) == {"weight", "bias"}
    assert set(lift(lambda v: called(v) + 1, x).parameters) == {"weight", "bias"}
    assert lift(partial(F.linear, weight=torch.eye(2)), x).output.shape == (1, 2)
    assert lift(one, {"input": x}).input.name == "input"


def test_modules_stay_as_they_are():
    learning, still = nn.BatchNorm1d(2).train(), nn.Linear(2, 2).eval()
    with pytest.raises(UnsupportedError):
        lift(lambda x: learning(still(x)), torch.ones(2, 2))
    assert learning.training and not still.training


def test_outputs_are_named_by_keys_and_places():
    def several(x):
        return {"a": x * 2, "rest": (x.sum(), [x + 1])}

    model = lift(several, torch.ones(2))
    assert list(model.outputs) == ["a", "rest.0", "rest.1.0"]
    with pytest.raises(InvalidInputError, match="3 outputs"):
        _ = model.output


def test_trained_values_go_back_into_the_module():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(2, 2), nn.Linear(2, 2)
            self.second.weight = self.first.weight
            self.register_buffer("shift", torch.ones(2))

        def forward(self, x):
            return self.second(self.first(x)) + self.shift

    module = Tied()
    model = lift(module, torch.ones(1, 2))
    assert set(model.parameters) == {"first.weight", "first.bias", "second.bias"}
    for name, value in model.to_torch_state().items():
        assert torch.equal(value, module.state_dict()[name])
    new = np.array([[1.0, 2.0], [3.0, 4.0]])
    state = model.to_torch_state({"second.weight": new, "shift": [0.5, 0.5]})
    assert state["first.weight"].dtype == torch.float32
    module.load_state_dict(state)
    assert np.array_equal(module.first.weight.detach(), new)
    with pytest.raises(InvalidInputError, match=r"'frist.bias'.*Did you mean"):
        model.to_torch_state({"frist.bias": new})
    with pytest.raises(ShapeError, match="'shift' has shape"):
        model.to_torch_state({"shift": new})


# -- refusals --------------------------------------------------------------------------


def without_grad(x):
    with torch.no_grad():
        return x * 2


class Encoder(nn.Module):
    """A layer with a function that is not in the table."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([nn.Identity(), Bessel()])

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


class Bessel(nn.Module):
    """J0, which has no operator here."""

    def forward(self, x):
        return torch.special.bessel_j0(x)


def test_a_missing_operator_is_named_with_its_layer_and_can_be_added(monkeypatch):
    x = torch.full((2,), 0.5).double()
    with pytest.raises(UnsupportedError) as refusal:
        lift(Encoder(), x)
    text = str(refusal.value)
    assert "aten.special_bessel_j0.default in layer 'blocks.1' (Bessel)" in text
    assert "@frontends.torch.aten('special_bessel_j0')" in text
    monkeypatch.setitem(TABLE, "special_bessel_j0", None)  # put back afterwards
    frontends.torch.aten("special_bessel_j0")(lambda x: 1 - x**2 / 4)
    assert lift(Encoder(), x).output.evaluate({"x": [0.5, 1]}).tolist() == [
        0.9375,
        0.75,
    ]


@pytest.mark.parametrize(
    "model, example, message",
    [
        (nn.Dropout().train(), torch.ones(2), r"dropout.*model.eval"),
        (nn.BatchNorm1d(2).train(), torch.ones(2, 2), r"batch.*model.eval"),
        (lambda x: x * x.detach(), torch.ones(2), "detach.*cuts gradients"),
        (lambda x: without_grad(x) + x, torch.ones(2), "no_grad"),
        (lambda x: x.max(0)[1] * 2, torch.ones(2), "places chosen by data"),
        (lambda x: x + torch.rand(2), torch.ones(2), "draws at random"),
        (lambda x: x.long() * 2, torch.ones(2), "whole numbers"),
        (lambda x: x + 1, torch.ones(2, dtype=torch.complex64), "complex"),
        (lambda x: x.masked_fill(x > 0, -np.inf), torch.ones(2), "inf"),
    ],
)  # fmt: skip
def test_what_has_no_meaning_is_refused(model, example, message):
    with pytest.raises(UnsupportedError, match=message):
        lift(model, example)


def test_what_pytorch_cannot_export_is_refused():
    def decides(x):
        return x if x.sum() > 0 else -x

    with pytest.raises(InvalidInputError, match=r"torch\.export refuses the model"):
        lift(decides, torch.ones(2))
    held, free = [nn.Linear(2, 2)], nn.Parameter(torch.ones(2))
    with pytest.raises(InvalidInputError, match=r"does not refer to by a name.*Linear"):
        lift(lambda x: held[0](x), torch.ones(2))
    with pytest.raises(InvalidInputError, match="parameter 'free'"):
        lift(lambda x: free * x, torch.ones(2))
    with pytest.raises(InvalidInputError, match="module or a function"):
        lift("net.pt", torch.ones(2))
    with pytest.raises(InvalidInputError, match="one_hot names 'y'"):
        lift(lambda x: x, torch.ones(2), one_hot={"y": 2})
