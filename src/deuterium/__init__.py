"""deuterium: closed-form gradients and certified bounds of their norms."""

from deuterium import frontends
from deuterium import functions as _functions  # enters NumPy's functions
from deuterium import ops as _ops  # enters the operators
from deuterium._version import __version__
from deuterium.certify.certificate import Certificate
from deuterium.compat.seed import random_symbols, to_vec
from deuterium.domain.domain import Domain
from deuterium.domain.spaces import Ball, Box, Choice, OneHot, Simplex, Where
from deuterium.enclose import enclose
from deuterium.errors import DeuteriumError
from deuterium.evaluate import compile
from deuterium.frontends.branching import traced
from deuterium.functions.elementwise import relu
from deuterium.functions.log_sum_exp import log_softmax, logsumexp, softmax
from deuterium.functions.norms import norm_of_all as norm
from deuterium.functions.special_formulas import polygamma
from deuterium.graph import Variable, constant, symbol
from deuterium.graph.serialize import dumps, loads
from deuterium.interval import Cause, Interval
from deuterium.optimize import maximize
from deuterium.optimize.branch_and_bound.result import Bracket
from deuterium.optimize.maximize import minimize
from deuterium.search import search
from deuterium.search.search import Estimate
from deuterium.transform import get_gradients as _get_gradients
from deuterium.transform import grad as _grad
from deuterium.transform import vectorize
from deuterium.transform.definedness import defined
from deuterium.transform.meeting import rounding_forgiven as _rounding_forgiven
from deuterium.transform.meeting import rounding_jumps
from deuterium.transform.simplify import simplify

__all__ = [
    "Ball",
    "Box",
    "Bracket",
    "Cause",
    "Certificate",
    "Choice",
    "DeuteriumError",
    "Domain",
    "Estimate",
    "Interval",
    "OneHot",
    "Simplex",
    "Variable",
    "Where",
    "__version__",
    "compile",
    "constant",
    "defined",
    "dumps",
    "enclose",
    "frontends",
    "get_gradients",
    "grad",
    "loads",
    "log_softmax",
    "logsumexp",
    "maximize",
    "minimize",
    "norm",
    "polygamma",
    "random_symbols",
    "relu",
    "rounding_jumps",
    "search",
    "simplify",
    "softmax",
    "symbol",
    "to_vec",
    "traced",
    "vectorize",
]

# bounds take the derivatives of a function as exact, users as they mean it
grad = _rounding_forgiven()(_grad)
get_gradients = _rounding_forgiven()(_get_gradients)

del _functions, _get_gradients, _grad, _ops, _rounding_forgiven
