"""Each front end as the contract test sees it: a few models written in its framework.

An adapter makes, in its framework, a model of one operator, a layer with parameters,
and a model that nobody can lift.  A front end joins by its class in `ADAPTERS`.
"""

from __future__ import annotations

import importlib.util

import numpy as np

from deuterium.frontends.framework_names import by_framework

ARGUMENTS = ("x", "y")


class FrontEnd:
    """What the contract asks of a front end.

    Attributes
    ----------
    framework : str
        The attribute of `ElementwiseOperator` with the framework's names.
    package, module : str
        The framework's package, and the front end's module, which may be absent.
    weight, bias : str
        What the layer's parameters are called.
    missing : str
        The operator that the model nobody can lift has.
    in_single : tuple of str
        Operators that the framework computes in float32 even of doubles.
    """

    framework: str
    package: str
    weight, bias = "W", "b"
    missing: str
    in_single: tuple[str, ...] = ()

    @property
    def module(self):
        return f"deuterium.frontends.{self.framework}"

    def is_here(self):
        """Return whether framework and front end are there."""
        names = (self.package, self.module)
        return all(importlib.util.find_spec(name) for name in names)

    def front_end(self):
        return importlib.import_module(self.module)

    def operators(self):
        return by_framework(self.framework)

    def operator(self, name, arrays):
        """Return a lifted model of one operator, and the framework's own value."""
        raise NotImplementedError

    def layer(self, W, b, x):
        """Return ``sum(tanh(x @ W + b))`` lifted, its parameters called as above."""
        raise NotImplementedError

    def unliftable(self):
        """Lift what has no meaning on Variables."""
        raise NotImplementedError


class Jax(FrontEnd):
    framework = package = "jax"
    missing = "igamma"

    def operator(self, name, arrays):
        import jax

        with jax.enable_x64(True):
            function = getattr(jax.lax, name)
            named = (lambda x: function(x), lambda x, y: function(x, y))[
                len(arrays) - 1
            ]
            want = function(*map(jax.numpy.asarray, arrays))
            return self.front_end().lift(named, *arrays), np.asarray(want)

    def layer(self, W, b, x):
        import jax.numpy as jnp

        def layer(params, x):
            return jnp.tanh(x @ params["W"] + params["b"]).sum()

        return self.front_end().lift(layer, {"W": W, "b": b}, x, parameters=0)

    def unliftable(self):
        import jax

        self.front_end().lift(lambda x: jax.lax.igamma(x, x), np.ones(2))


class SymPy(FrontEnd):
    framework = package = "sympy"
    missing = "zeta"

    def expression(self, e):
        return e

    def operator(self, name, arrays):
        import sympy

        letters = sympy.symbols(ARGUMENTS)[: len(arrays)]
        e = getattr(sympy, name)(*letters)
        want = [
            float(
                e.subs(dict(zip(letters, map(sympy.Float, at), strict=True))).evalf(20)
            )
            for at in zip(*arrays, strict=True)
        ]
        return self.front_end().lift(self.expression(e)), np.array(want)

    def layer(self, W, b, x):
        import sympy

        n, m = W.shape
        xs = sympy.symbols([f"x_{i}" for i in range(n)])
        ws = [[sympy.Symbol(f"W_{i}_{j}") for j in range(m)] for i in range(n)]
        bs = [sympy.Symbol(f"b_{j}") for j in range(m)]
        e = sum(
            sympy.tanh(bs[j] + sum(xs[i] * ws[i][j] for i in range(n)))
            for j in range(m)
        )
        return self.front_end().lift(
            self.expression(e), parameters={"W": W, "b": b}, arrays={"x": (n,)}
        )

    def unliftable(self):
        import sympy

        self.front_end().lift(self.expression(sympy.zeta(sympy.Symbol("x"))))


class Symengine(SymPy):
    package = "symengine"

    @property
    def module(self):
        return "deuterium.frontends.symengine"

    def expression(self, e):
        import symengine

        return symengine.sympify(e)


class Onnx(FrontEnd):
    framework = package = "onnx"
    missing = "Unheard"
    in_single = ("Erf",)

    def _model(self, nodes, inputs, initializers=(), domain=""):
        from onnx import TensorProto, helper, numpy_helper

        graph = helper.make_graph(
            nodes,
            "model",
            [
                helper.make_tensor_value_info(k, TensorProto.DOUBLE, list(a.shape))
                for k, a in inputs.items()
            ],
            [helper.make_tensor_value_info("output", TensorProto.DOUBLE, None)],
            [numpy_helper.from_array(a, k) for k, a in dict(initializers).items()],
        )
        opsets = [helper.make_opsetid("", 21)]
        if domain:
            opsets.append(helper.make_opsetid(domain, 1))
        return helper.make_model(graph, opset_imports=opsets)

    def operator(self, name, arrays):
        from onnx import helper
        from onnx.reference import ReferenceEvaluator

        inputs = dict(zip(ARGUMENTS, arrays, strict=False))
        node = helper.make_node(name, list(inputs), ["output"])
        model = self._model([node], inputs)
        (want,) = ReferenceEvaluator(model).run(None, inputs)
        return self.front_end().load(model), np.asarray(want)

    def layer(self, W, b, x):
        from onnx import helper

        nodes = [
            helper.make_node("MatMul", ["x", "W"], ["h"]),
            helper.make_node("Add", ["h", "b"], ["z"]),
            helper.make_node("Tanh", ["z"], ["t"]),
            helper.make_node("ReduceSum", ["t"], ["output"], keepdims=0),
        ]
        return self.front_end().load(self._model(nodes, {"x": x}, {"W": W, "b": b}))

    def unliftable(self):
        from onnx import helper

        node = helper.make_node("Unheard", ["x"], ["output"], domain="of.nobody")
        self.front_end().load(
            self._model([node], {"x": np.ones(2)}, domain="of.nobody")
        )


class Torch(FrontEnd):
    framework = package = "torch"
    missing = "special_zeta"

    def operator(self, name, arrays):
        import torch

        packet = getattr(torch.ops.aten, name)
        tensors = tuple(map(torch.from_numpy, arrays))
        named = (lambda x: packet(x), lambda x, y: packet(x, y))[len(arrays) - 1]
        return self.front_end().lift(named, tensors), packet(*tensors).numpy()

    def layer(self, W, b, x):
        import torch

        class Layer(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.W = torch.nn.Parameter(torch.from_numpy(W))
                self.b = torch.nn.Parameter(torch.from_numpy(b))

            def forward(self, x):
                return torch.tanh(x @ self.W + self.b).sum()

        return self.front_end().lift(Layer(), (torch.from_numpy(x),))

    def unliftable(self):
        import torch

        one = torch.ones(2, dtype=torch.float64)
        self.front_end().lift(lambda x: torch.special.zeta(x, x), (one,))


ADAPTERS = (Jax, SymPy, Symengine, Onnx, Torch)
