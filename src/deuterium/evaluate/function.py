"""Compiled functions: generated source on a back end, in chunks of bounded memory."""

from __future__ import annotations

import builtins
import json
import linecache
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deuterium import ops
from deuterium.budget import check as check_budget
from deuterium.errors import GraphError, InvalidInputError
from deuterium.evaluate.backends import NAMES, Backend, backend
from deuterium.evaluate.codegen import Program, generate
from deuterium.evaluate.inputs import fitted, fitted_shape, require_all
from deuterium.evaluate.lower import lower
from deuterium.files import write_file
from deuterium.graph.constructors import as_variable
from deuterium.graph.serialize import from_json, to_json
from deuterium.graph.traverse import Graph
from deuterium.graph.validate import check, listed
from deuterium.graph.variable import Variable
from deuterium.interval.environment import standard_only

FORMAT, VERSION = "deuterium-function", 1
VIEWS = (ops.broadcast, ops.reshape, ops.transpose)  # operators that copy nothing
LINE_SECONDS = 5e-5  # about what Python's compiler takes for a line
CHUNK_BYTES = 2**22  # of temporaries for one chunk of records: what a cache holds


class CompiledFunction:
    """A function of arrays made from a graph by `compile`.

    Attributes
    ----------
    inputs, outputs : tuple of Variable
        What goes in and what comes out.
    backend : str
        What it runs on: "numpy", "jax" or "torch".

    Notes
    -----
    Arguments may carry leading batch axes, which broadcast against each other; every
    output then has them.  With NumPy, batches whose temporaries would exceed
    ``CHUNK_BYTES`` are run in chunks over the first axis, so that memory stays bounded.
    """

    def __init__(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], name: str
    ) -> None:
        self.inputs, self.outputs = tuple(inputs), tuple(outputs)
        self.backend = name
        lowered = lower(self.inputs, outputs)
        self._program = generate(self.inputs, lowered)
        # outputs whose line gives an array that something else holds, too
        self._borrowed = [
            v.op is None or v.op in VIEWS or any(v is w for w in lowered[:i])
            for i, v in enumerate(lowered)
        ]
        self._library = backend(name)
        self._run = _load(self._program, self._library, None)
        self._elsewhere: dict[Any, Any] = {}  # the function on other devices
        # what one record needs: every intermediate array, as if none were let go of
        self._record_bytes = 8 * sum(n.size for n in lowered.order if n.op)

    @property
    def source(self) -> str:
        """The Python source that runs, one line per step."""
        return self._program.source

    def __call__(self, *args: Any, progress: bool = False) -> tuple[Any, ...]:
        """Return the outputs as a tuple of float64 arrays of the back end.

        Parameters
        ----------
        *args : array_like
            One per input, with any batch axes in front.
        progress : bool
            Show a progress bar over the chunks of a large batch.
        """
        if len(args) != len(self.inputs):
            names = ", ".join(v.name or f"constant{v.shape}" for v in self.inputs)
            raise InvalidInputError(
                f"this function takes {len(self.inputs)} arguments ({names}), got "
                f"{len(args)}"
            )
        if self.backend == "numpy":
            return self._in_chunks(list(args), progress)
        with self._library.scope():
            device = next((d for d in map(self._library.device, args) if d), None)
            pairs = zip(args, self.inputs, strict=True)
            given = [self._array(a, v, device) for a, v in pairs]
            run = self._run_on(device)
            return self._with_batch(run(*given), given, device)

    @property
    def rows_at_once(self) -> int:
        """How many records fit a cache with all that is worked out for them."""
        return max(1, CHUNK_BYTES // max(1, self._record_bytes))

    def at_once(self, *args: Any) -> tuple[Any, ...]:
        """Return the outputs for a batch that is not divided, by NumPy.

        How many rows a product of matrices has decides how it is rounded.
        """
        pairs = zip(args, self.inputs, strict=True)
        given = [np.asarray(fitted(a, v, "compiled function")) for a, v in pairs]
        with np.errstate(all="ignore"):
            return self._with_batch(self._run(*given), given, None)

    def _array(self, value: Any, leaf: Variable, device: Any) -> Any:
        """Return an argument as an array of the library, of the full shape."""
        if not hasattr(value, "dtype") or isinstance(value, (np.ndarray, np.generic)):
            value = fitted(value, leaf, "compiled function")
        elif "complex" in str(value.dtype):
            raise InvalidInputError(
                f"compiled function: the value of {leaf.name!r} must be real, got "
                f"{value.dtype}"
            )
        array = self._library.asarray(value, device)
        shape = fitted_shape(tuple(array.shape), leaf, "compiled function")
        whole = tuple(array.shape) == shape
        return array if whole else self._library.xp.broadcast_to(array, shape)

    def _run_on(self, device: Any) -> Any:
        """Return the function with its constants on a device."""
        if device is None:
            return self._run
        if device not in self._elsewhere:
            self._elsewhere[device] = _load(self._program, self._library, device)
        return self._elsewhere[device]

    def _in_chunks(self, args: list[Any], progress: bool) -> tuple[Any, ...]:
        check_budget()
        pairs = zip(args, self.inputs, strict=True)
        given = [np.asarray(fitted(a, v, "compiled function")) for a, v in pairs]
        batch = self._batch(given)
        rows = max(1, self.rows_at_once // max(1, math.prod(batch[1:])))
        with np.errstate(all="ignore"):
            if not batch or batch[0] <= rows:
                return self._with_batch(self._run(*given), given, None)
            results = [np.empty((*batch, *v.shape)) for v in self.outputs]
            for part in _chunks(batch[0], rows, progress):
                some = [
                    a[part] if a.ndim - v.ndim == len(batch) and a.shape[0] > 1 else a
                    for a, v in zip(given, self.inputs, strict=True)
                ]
                check_budget()
                for whole, piece in zip(results, self._run(*some), strict=True):
                    whole[part] = piece
        return tuple(results)

    def _batch(self, given: Sequence[Any]) -> tuple[int, ...]:
        leads = {
            tuple(a.shape[: a.ndim - v.ndim])
            for a, v in zip(given, self.inputs, strict=True)
        }
        return leads.pop() if len(leads) == 1 else np.broadcast_shapes(*leads)

    def _with_batch(
        self, results: tuple[Any, ...], given: Sequence[Any], device: Any
    ) -> tuple[Any, ...]:
        """Give every output the batch axes, and memory of its own."""
        batch = self._batch(given)
        xp = self._library.xp
        full = []
        for x, v, borrowed in zip(results, self.outputs, self._borrowed, strict=True):
            shape = (*batch, *v.shape)
            array = self._library.asarray(x, device)
            if tuple(array.shape) != shape:
                array, borrowed = xp.broadcast_to(array, shape), True
            full.append(1.0 * array if borrowed else array)
        return tuple(full)

    def to_json(self) -> dict[str, Any]:
        """Return the function as a dictionary ready for `json.dumps`."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "backend": self.backend,
            "inputs": len(self.inputs),
            "graph": to_json([*self.inputs, *self.outputs]),
        }

    def __reduce__(self) -> tuple[Any, ...]:
        return _from_json, (self.to_json(), "this pickle")

    def __copy__(self) -> CompiledFunction:
        return self

    def __deepcopy__(self, memo: Any) -> CompiledFunction:
        return self

    @standard_only  # numbers as text are worked out in floating point, here and below
    def save(self, path: str | Path) -> None:
        """Write the function to a JSON file: its graph, never its code."""
        write_file(path, json.dumps(self.to_json(), allow_nan=False))

    @classmethod
    @standard_only
    def load(cls, path: str | Path) -> CompiledFunction:
        """Read a function saved by `save`, and compile it afresh.

        Raises
        ------
        GraphError
            The file is not one, or its graph is not legal; nothing in it is run.
        """
        try:
            flat = json.loads(Path(path).read_text())
        except ValueError as error:
            raise GraphError(f"load: {path} is not JSON: {error}") from None
        return _from_json(flat, path)

    def __repr__(self) -> str:
        lines = self.source.count(" = ")
        return f"<compiled function: {lines} steps on {self.backend}>"


def _from_json(flat: Any, source: str | Path) -> CompiledFunction:
    """Compile what `to_json` returned, once it is known to be legal."""
    if not isinstance(flat, dict) or flat.get("format") != FORMAT:
        raise GraphError(f"load: {source} is not a {FORMAT} file")
    if flat.get("version") != VERSION or flat.get("backend") not in NAMES:
        raise GraphError(
            f"load: {source} has version {flat.get('version')!r} and backend "
            f"{flat.get('backend')!r}; this deuterium reads version {VERSION}"
        )
    nodes = from_json(flat.get("graph"))
    count = flat.get("inputs")
    if not isinstance(count, int) or not 0 <= count <= len(nodes):
        raise GraphError(f"load: {source} has a wrong number of inputs: {count!r}")
    return compile(nodes[:count], nodes[count:], backend=flat["backend"])


def _load(program: Program, library: Backend, device: Any) -> Any:
    """Return the generated function, bound to a library and its constants."""
    with library.scope():
        constants = {
            name: library.asarray(x, device) for name, x in program.constants.items()
        }
    names = {"special": library.special, **library.support, **constants}
    file = f"<deuterium {abs(hash(program.source)):x}>"
    lines = program.source.splitlines(keepends=True)
    check_budget(LINE_SECONDS * len(lines))  # Python's compiler cannot be stopped
    linecache.cache[file] = (len(program.source), None, lines, file)  # for tracebacks
    exec(builtins.compile(program.source, file, "exec"), names)
    return library.finish(names["compiled"])


def _chunks(length: int, rows: int, progress: bool) -> Any:
    starts = range(0, length, rows)
    parts = [slice(i, min(i + rows, length)) for i in starts]
    if not progress:
        return parts
    from rich.progress import track

    return track(parts, description=f"{length:,} records")


def compile(
    inputs: Sequence[Variable], outputs: Sequence[Variable], backend: str = "numpy"
) -> CompiledFunction:
    """Return a function of arrays that computes ``outputs`` from ``inputs``.

    Parameters
    ----------
    inputs : sequence of Variable
        Symbols, or constants that are to become arguments (parameters, say).
    outputs : sequence of Variable
        What to compute.
    backend : {"numpy", "jax", "torch"}
        What runs it; "torch" takes and returns tensors, on their device.

    Raises
    ------
    MissingSymbolError
        A symbol below the outputs is not among the inputs.
    MissingDependencyError
        The back end's package is not installed.

    Examples
    --------
    >>> import deuterium as dt
    >>> import numpy as np
    >>> x = dt.symbol("x", (2,))
    >>> fn = dt.compile([x], [dt.norm(x)])
    >>> fn(np.array([[3.0, 4.0], [5.0, 12.0]]))
    (array([ 5., 13.]),)
    """
    ins = listed(inputs, "compile: `inputs`")
    outs = [as_variable(v) for v in listed(outputs, "compile: `outputs`")]
    for v in ins:
        if not isinstance(v, Variable) or v.op is not None:
            raise InvalidInputError(
                f"compile: `inputs` must be symbols or constants, got {v!r}"
            )
    graph = outputs if isinstance(outputs, Graph) else Graph(outs)
    check(graph)
    symbols = {v.name: v for v in graph.symbols}
    require_all([v.name for v in ins], symbols, "compile", "place among the inputs")
    return CompiledFunction(ins, graph, backend)
