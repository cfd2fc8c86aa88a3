"""Errors planted into a copy of the package, one at a time: do the tests see them?

``python -m tests.planted`` runs, for each, the default tests that should notice it
and says which test caught it, or that none did; with names, only for some.
``--tests FOLDER`` takes the tests of another checkout, to compare two suites.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PACKAGE = "deuterium"


class Planted(NamedTuple):
    """One error: ``old`` becomes ``new`` in a file, and ``tests`` should notice."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


INTERVAL = [
    Planted(
        "a sum rounded the wrong way",
        "interval/rounding.py",
        "return step_up(s, sum_error(a, b, s) <= 0)",
        "return step_up(s, sum_error(a, b, s) >= 0)",
        (
            "interval/test_scalar_path.py",
            "interval/test_interval_arithmetic.py",
        ),
    ),
    Planted(
        "a root not rounded up",
        "interval/rounding.py",
        "    return step_up(r, is_short(r) & (r * r == x))",
        "    return r",
        (
            "interval/test_scalar_path.py",
            "interval/test_interval_arithmetic.py",
            "ops/test_table.py",
        ),
    ),
    Planted(
        "a quotient by the wrong end",
        "interval/interval_arithmetic.py",
        "np.where(high_n >= 0, b.lower, b.upper)",
        "np.where(high_n >= 0, b.upper, b.lower)",
        (
            "interval/test_scalar_path.py",
            "interval/test_interval_arithmetic.py",
        ),
    ),
    Planted(
        "a product of radii left out",
        "interval/linear.py",
        "spread = spread + radius_a @ (size_b + radius_b)",
        "spread = spread + radius_a @ size_b",
        ("interval/test_linear.py",),
    ),
    Planted(
        "a largest value scaled the wrong way",
        "interval/spectral_norm.py",
        "    return min(inflate(root / scale), inflate(frobenius, roundings))",
        "    return min(inflate(root * scale), inflate(frobenius, roundings))",
        ("interval/test_spectral_norm.py",),
    ),
]
OPS = [
    Planted(
        "a turn of a wave missed",
        "ops/trigonometric.py",
        "    return first <= last\n",
        "    return first < last\n",
        ("ops/test_table.py",),
    ),
    Planted(
        "ulps of the library left out",
        "interval/rounding.py",
        "value + (np.abs(value) * ((ulps + 1) * EPS) + (absolute + MIN_NORMAL))",
        "value + (absolute + MIN_NORMAL)",
        ("ops/test_table.py",),
    ),
    Planted(
        "a choice not decided taken for true",
        "ops/logic.py",
        "    true, false = c.lower > 0, c.upper <= 0\n",
        "    true, false = c.lower >= 0, c.upper <= 0\n",
        ("ops/test_choices.py",),
    ),
    Planted(
        "a rank that ties give left out",
        "ops/order.py",
        'np.searchsorted(np.sort(low), high, side="right") - 1',
        'np.searchsorted(np.sort(low), high, side="left") - 1',
        ("ops/test_array_operators.py",),
    ),
    Planted(
        "a curvature left out of Taylor's formula",
        "ops/divided_differences.py",
        "    change = r * (steep + r * (0.5 / (n + 3))) * (1 + 16 * EPS)\n",
        "    change = r * steep * (1 + 16 * EPS)\n",
        ("ops/test_divided_differences.py",),
    ),
    Planted(
        "a divided difference by the wrong corner",
        "ops/divided_differences.py",
        "widen_up(_exp_value(a.upper, b.upper, m, n), EXP_ULPS)",
        "widen_up(_exp_value(a.upper, b.lower, m, n), EXP_ULPS)",
        ("ops/test_divided_differences.py",),
    ),
    Planted(
        "an absolute error next to a zero left out",
        "ops/gamma.py",
        "    absolute=24 * EPS,\n",
        "    absolute=0.0,\n",
        ("ops/test_table.py",),
    ),
    Planted(
        "an even function taken for rising",
        "ops/gamma.py",
        "    facts = Traits(extrema=(0.0,), range=(0.0, INF)) if even else zero\n",
        "    facts = zero\n",
        ("ops/test_gamma.py",),
    ),
    Planted(
        "the least length of others by their largest",
        "ops/lengths.py",
        "np.maximum(widen_down(_without_own(size.lower), ulps), 0.0)",
        "np.maximum(widen_down(_without_own(size.upper), ulps), 0.0)",
        ("ops/test_array_operators.py",),
    ),
    Planted(
        "a turn of a relative entropy missed",
        "ops/entropy.py",
        "    low = np.where(turns, np.minimum(low, -turn.upper), low)\n",
        "    low = np.where(turns, np.maximum(low, -turn.upper), low)\n",
        ("ops/test_table.py",),
    ),
]
TRANSFORM = [
    Planted(
        "the jump of a choice left out of its slope",
        "ops/logic.py",
        '    if not METHODS["branches_meet"](out):\n',
        '    if False and not METHODS["branches_meet"](out):\n',
        ("transform/test_jumps.py",),
    ),
    Planted(
        "an adjoint overwritten",
        "transform/differentiate.py",
        "adjoints[key] = part if before is None else before + part",
        "adjoints[key] = part",
        ("transform/test_differentiate.py",),
    ),
    Planted(
        "a square that is a single factor",
        "transform/expansion/polynomial.py",
        "tuple(sorted(m + n)) if m and n",
        "tuple(sorted({*m, *n})) if m and n",
        ("transform/test_expansion.py",),
    ),
    Planted(
        "the end of a half-line taken to be in it",
        "transform/simplify/half_lines.py",
        "        closed = not holds and _coordinate_of(self.x) not in dense\n",
        "        closed = False\n",
        ("formulas/test_kinks_that_meet.py",),
    ),
    Planted(
        "a half-line not turned by a negative factor",
        "transform/simplify/half_lines.py",
        "return HalfLine(y, end / Fraction(k), above == (k > 0))",
        "return HalfLine(y, end / Fraction(k), above)",
        ("formulas/test_kinks_that_meet.py",),
    ),
    Planted(
        "a mixed product counted twice among squares",
        "transform/simplify/sums_of_squares.py",
        "            gram[i][j] += share / (1 if i == j else 2)\n",
        "            gram[i][j] += share\n",
        ("formulas/test_hidden_squares.py",),
    ),
    Planted(
        "means that are not all there",
        "transform/simplify/sums_of_squares.py",
        "    return found if p.value == 0 else None\n",
        "    return found\n",
        ("formulas/test_hidden_squares.py",),
    ),
    Planted(
        "numbers that one differentiates by multiplied out",
        "transform/simplify/sums_of_squares.py",
        "    return not known.inputs or known.inputs.isdisjoint(topological([u]))",
        "    return True",
        ("formulas/test_hidden_squares.py",),
    ),
    Planted(
        "elements at one place squared apart",
        "transform/simplify/rules/reduction_rules.py",
        "at[place] = at[place] + number if place in at else number",
        "at[place] = number",
        ("transform/simplify/test_rule_table.py",),
    ),
]
ENCLOSE = [
    Planted(
        "a ball's radius times half the slope",
        "enclose/in_balls.py",
        "        away = ball.radius * length * (1 + 4 * EPS) + MIN_NORMAL",
        "        away = ball.radius * length / 2",
        ("enclose/test_in_balls.py",),
    ),
    Planted(
        "the smaller of two rounding errors",
        "enclose/error_rules.py",
        "        return np.maximum(*errors)\n",
        "        return np.minimum(*errors)\n",
        ("enclose/test_rounding_errors.py",),
    ),
    Planted(
        "a rounding that decides left out",
        "enclose/rounding_errors.py",
        "        bound = np.asarray(found.error * MARGIN + self._kind.tiny)\n",
        "        bound = np.zeros(np.shape(found.error))\n",
        ("enclose/test_rounding_errors.py",),
    ),
    Planted(
        "a sum of one term's rounding",
        "enclose/error_rules.py",
        "kind.gamma(inner + ROUNDINGS)",
        "kind.gamma(0)",
        ("enclose/test_rounding_errors.py",),
    ),
    Planted(
        "a condition passed down with the wrong sign",
        "enclose/contract.py",
        "    _cut(m, b, interval_arithmetic.subtract(m[a], m[n]))\n",
        "    _cut(m, b, interval_arithmetic.subtract(m[n], m[a]))\n",
        ("enclose/test_contract.py",),
    ),
    Planted(
        "what a relu sends to zero cut off",
        "enclose/contract.py",
        "    low = np.where(z.lower > 0, z.lower, -np.inf)\n",
        "    low = np.where(z.lower >= 0, z.lower, -np.inf)\n",
        ("enclose/test_contract.py",),
    ),
    Planted(
        "a gap between two halves",
        "enclose/subdivide.py",
        "first[rows, side] = second[rows, side] = at",
        "first[rows, side], second[rows, side] = at, 0.5 * (at + high[rows, side])",
        ("enclose/test_subdivide.py",),
    ),
    Planted(
        "a length of what is there several times",
        "enclose/error_lengths.py",
        "    (a,), gain = args, math.sqrt(_copies(node))\n",
        "    (a,), gain = args, 1.0\n",
        ("enclose/test_error_lengths.py",),
    ),
    Planted(
        "the error of one factor left out",
        "enclose/error_lengths.py",
        "    off = first * y.off + x.off * (last + y.off)\n",
        "    off = x.off * (last + y.off)\n",
        ("enclose/test_error_lengths.py",),
    ),
    Planted(
        "a root of what overflows",
        "enclose/error_rules.py",
        "np.where(np.isfinite(a.error), np.minimum(passed, a.root), np.inf)",
        "np.minimum(passed, a.root)",
        ("enclose/test_rounding_errors.py",),
    ),
]
BOUNDERS = [
    Planted(
        "an input fixed to the wrong face",
        "optimize/bounders/derivative/first_order.py",
        "    work.high[rows] = np.where(falls, low, high)",
        "    work.high[rows] = np.where(falls, 0.5 * (low + high), high)",
        (
            "optimize/bounders/derivative/test_box_methods.py",
            "optimize/bounders/derivative/test_box_core.py",
            "optimize/bounders/derivative/test_box_rows.py",
            "optimize/test_brackets.py",
        ),
    ),
    Planted(
        "a region with a maximum on its face left out",
        "optimize/bounders/derivative/first_order.py",
        "    rises = (g[0] > 0) & (work.high[rows] < problem.upper)",
        "    rises = (g[0] > 0) & (work.high[rows] <= problem.upper)",
        (
            "optimize/bounders/derivative/test_box_sound.py",
            "optimize/bounders/derivative/test_box_global.py",
            "optimize/test_brackets.py",
        ),
    ),
    Planted(
        "a singular value guessed, not proved",
        "interval/spectral_norm.py",
        "        top = guess * (1.0 + share * 4.0**attempt)",
        "        top = guess * 0.9 * (1.0 + share * 4.0**attempt)\n        return top",
        ("interval/test_spectral_norm.py",),
    ),
    Planted(
        "a cell of a table too few",
        "optimize/bounders/clusters/certified_maxima.py",
        'np.searchsorted(cells.high, load.high, side="left") + 1',
        'np.searchsorted(cells.high, load.high, side="left")',
        ("optimize/bounders/clusters/test_certified_maxima.py",),
    ),
    Planted(
        "convex functions whose difference is convex",
        "optimize/bounders/finite_values/quasi_convex.py",
        "minus = op is ops.subtract and own[1].kind <= LINE",
        "minus = op is ops.subtract",
        ("optimize/bounders/finite_values",),
    ),
    Planted(
        "inputs that change places in a sum with weights",
        "optimize/bounders/finite_values/interchangeable.py",
        """return self._each(node, [("number", x) for x in _numbers(node)])""",
        """return self._each(node, [("number", 0) for x in _numbers(node)])""",
        ("optimize/bounders/finite_values",),
    ),
    Planted(
        "unit vectors shorter than they are",
        "optimize/bounders/norm_bounds/norm_bounder.py",
        "length = inflate(np.sqrt(total))",
        "length = 0.5 * np.sqrt(total)",
        ("optimize/bounders/test_label_enumeration.py",),
    ),
    Planted(
        "a coefficient of a window lost",
        "optimize/bounders/lagrangian/affine_terms.py",
        "    row, at = np.nonzero((low != 0) | (high != 0))",
        "    row, at = np.nonzero(low > 0)",
        ("optimize/bounders/clusters",),
    ),
    Planted(
        "the error of a parabola left out",
        "optimize/bounders/lagrangian/univariate_functions.py",
        "        error = error + np.fmax(np.abs(low), np.abs(high)) * r**3 / 6\n",
        "",
        (
            "optimize/bounders/clusters/test_relax_parts.py",
            "optimize/bounders/clusters/test_certified_maxima.py",
            "optimize/bounders/clusters/test_cluster_sound.py",
            "optimize/bounders/clusters/test_relax_sound.py",
        ),
    ),
    Planted(
        "a bound by lengths that is too short",
        "optimize/root_enclosure.py",
        "            upper = with_checker_margin(upper)\n",
        "            upper = 0.9 * upper\n",
        ("optimize/bounders/test_label_enumeration.py",),
    ),
]
CHECKER = [
    Planted(
        "a linear number in a ball too near its middle",
        "certify/checker/sums_in_balls.py",
        ".sqrt() * arb(ball[1])",
        ".sqrt() * arb(ball[1]) / 2",
        ("certify/test_linear_in_balls.py",),
    ),
    Planted(
        "a product of mixed signs by one corner",
        "certify/checker/binary_ranges.py",
        "        larger(larger(ac, bd), larger(ad, bc)),\n",
        "        larger(ac, ad),\n",
        ("certify/test_check_rules.py",),
    ),
    Planted(
        "a square that crosses zero by one end",
        "certify/checker/unary_ranges.py",
        "        return bottom, larger(f(a), f(b))",
        "        return bottom, f(b)",
        ("certify/test_check_rules.py",),
    ),
    Planted(
        "a tree that ends early is believed",
        "certify/checker/tree_walk.py",
        "    if waiting:\n",
        "    if len(waiting) > 1:\n",
        (
            "certify/test_forged_proofs.py",
            "certify/test_certificate.py",
        ),
    ),
    Planted(
        "a root that leaves out values is believed",
        "certify/checker/verify.py",
        "low[j] <= inputs.least[j] and high[j] >= inputs.most[j]",
        "low[j] <= inputs.least[j] or high[j] >= inputs.most[j]",
        (
            "certify/test_certificate.py",
            "certify/test_forged_proofs.py",
        ),
    ),
    Planted(
        "one of the people in order moves alone",
        "certify/checker/finite_facts.py",
        "                stay = region.high[a] <= least\n",
        "                stay = True\n",
        ("certify/test_finite_facts.py",),
    ),
    Planted(
        "the tip of a spoke's parabola left out",
        "certify/checker/clusters/cluster_maximum.py",
        "    if at <= low or at >= high:\n        return ends\n    tip",
        "    if at <= low or at >= low:\n        return ends\n    tip",
        (
            "certify/test_check_clusters.py",
            "certify/test_check_maxima.py",
        ),
    ),
    Planted(
        "an energy's centre with the wrong sign",
        "certify/checker/clusters/cluster_leaf.py",
        "constant = constant + w * centre * centre",
        "constant = constant - w * centre * centre",
        (
            "certify/test_check_clusters.py",
            "certify/test_check_maxima.py",
        ),
    ),
    Planted(
        "an energy that is not proved is believed",
        "certify/checker/clusters/spoke_energy.py",
        "    return _is_dominant(matrix - factor * factor.transpose())",
        "    return True",
        ("certify/test_check_clusters.py",),
    ),
    Planted(
        "a negative multiplier of an inequality is believed",
        "certify/checker/clusters/cluster_leaf.py",
        "elif made.is_inequality and not x > ZERO:",
        "elif False:",
        ("certify/test_forged_relations.py",),
    ),
    Planted(
        "the error of a parabola in the checker left out",
        "certify/checker/lagrangian/parabola_cells.py",
        "    error = abs(over[3]) * radius**3\n",
        "    error = ZERO * abs(over[3])\n",
        (
            "certify/test_check_clusters.py",
            "certify/test_check_maxima.py",
            "certify/test_cell_choices.py",
        ),
    ),
    Planted(
        "the first cell of a range left out",
        "certify/checker/lagrangian/separable_maximum.py",
        "range(int(first) - 1, int(last))",
        "range(int(first), int(last))",
        (
            "certify/test_check_clusters.py",
            "certify/test_check_maxima.py",
        ),
    ),
    Planted(
        "one side of a kink forgotten",
        "certify/checker/clusters/star_ranges.py",
        "smaller(a, low[k]), larger(b, high[k])",
        "low[k], high[k]",
        ("certify/test_check_clusters.py",),
    ),
]
PRIVACY = [
    Planted(
        "a sensitivity rounded down",
        "privacy/directed_rounding.py",
        "    return float(next_up(value)) if value < x else value",
        "    return value",
        ("privacy/sensitivity/test_sensitivity.py",),
    ),
    Planted(
        "a cell of pairs left out",
        "privacy/sensitivity/one_layer/pair_cells.py",
        "lower[at, axis + 1], upper[at, axis] = middle, middle",
        "lower[at, axis + 1], upper[at, axis] = middle, "
        "0.5 * (middle + box[at, axis + 1])",
        ("privacy/sensitivity/one_layer/test_pairs.py",),
    ),
    Planted(
        "half the mu of an epsilon",
        "privacy/mechanisms/privacy_curves.py",
        "    half = own.mpf(mu) / 2\n    return own.log",
        "    half = own.mpf(mu)\n    return own.log",
        ("privacy/mechanisms/test_gaussian.py",),
    ),
    Planted(
        "a factor of sigma left out",
        "privacy/training/parameter_noise.py",
        "product_up(multiplier, s, NOISE_ROUNDING)",
        "product_up(multiplier, s, 0.5)",
        ("privacy/training/test_noise_by_layer.py",),
    ),
    Planted(
        "the errors of a step's cells left out",
        "privacy/training/hub_tables.py",
        "np.concatenate([c, np.abs(c)])",
        "np.concatenate([c, 0 * c])",
        ("privacy/training/test_steps_of_any_loss.py",),
    ),
    Planted(
        "a gradient's last part left out of a step's bound",
        "privacy/training/step_rows.py",
        "norm_of([*slopes, None])",
        "norm_of([*slopes[:-1], None])",
        (
            "privacy/training/test_steps_of_any_loss.py",
            "privacy/training/test_step_bounds.py",
        ),
    ),
    Planted(
        "a corner of a box left out",
        "privacy/sensitivity/vector_norms.py",
        "corners = -2 * t * a, -2 * t * b, (1 - t) * (a + b) - 2 * low * high",
        "corners = -2 * t * a, -2 * t * b",
        ("privacy/sensitivity/test_shared_people.py",),
    ),
]
FRONT_ENDS = [
    Planted(
        "padding that counts as data in a maximum",
        "functions/convolution.py",
        "np.where(over.table < 0, own, over.table)",
        "np.where(over.table < 0, 0, over.table)",
        ("functions/test_convolution.py",),
    ),
    Planted(
        "groups of channels in the wrong order",
        "functions/convolution.py",
        "columns = split.transpose(1, 2, 4, 0, 3)",
        "columns = split.transpose(1, 4, 2, 0, 3)",
        ("functions/test_convolution.py",),
    ),
    Planted(
        "label smoothing over one class less",
        "frontends/torch/aten_losses.py",
        "return (1 - smoothing) * shares + smoothing / classes",
        "return (1 - smoothing) * shares + smoothing / (classes - 1)",
        ("frontends/test_torch.py",),
    ),
]

ALL = [
    *INTERVAL,
    *OPS,
    *TRANSFORM,
    *ENCLOSE,
    *BOUNDERS,
    *CHECKER,
    *PRIVACY,
    *FRONT_ENDS,
]


def planted_text(error: Planted) -> str:
    """Return the file with the error in it; the old text is there exactly once."""
    text = (ROOT / "src" / PACKAGE / error.file).read_text(encoding="utf-8")
    found = text.count(error.old)
    if found != 1:
        raise ValueError(f"{error.name}: its text is {found} times in {error.file}")
    return text.replace(error.old, error.new)


def caught_by(error: Planted, tests: Path) -> str:
    """Return the test that fails with the error planted, or "" if none does."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "src"
        shutil.copytree(ROOT / "src", copy)
        (copy / PACKAGE / error.file).write_text(planted_text(error), encoding="utf-8")
        files = [str(tests / "tests" / name) for name in error.tests]
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
        env = {n: v for n, v in os.environ.items() if not n.startswith("PYTEST_")}
        if env != dict(os.environ):  # a test runs this: others keep the cores busy
            command += ["-n", "0"]
        ran = subprocess.run(
            [*command, *files],
            cwd=tests,
            env={**env, "PYTHONPATH": str(copy)},
            capture_output=True,
            text=True,
        )
    if ran.returncode == 0:
        return ""
    found = re.search(r"^(?:FAILED|ERROR) (\S+)", ran.stdout, re.MULTILINE)
    return found.group(1) if found else ran.stdout[-300:] + ran.stderr[-300:]


def main() -> int:
    """Plant the errors asked for, and say what caught each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="some of the errors; else all")
    parser.add_argument("--tests", type=Path, default=ROOT, help="whose tests to run")
    asked = parser.parse_args()
    missed = 0
    for error in ALL:
        if asked.names and not any(n in error.name for n in asked.names):
            continue
        test = caught_by(error, asked.tests.resolve())
        missed += not test
        print(f"{error.file:55} {error.name:45} {test or 'MISSED'}", flush=True)
    return missed


if __name__ == "__main__":
    sys.exit(main())
