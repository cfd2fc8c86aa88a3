"""One sensitivity and its noise as a report: JSON, Markdown, HTML, tables.

The report is one dictionary of plain values, of a stated and versioned schema
(`sensitivity_schema.json` beside this file); every output is made from it alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from deuterium._version import __version__
from deuterium.certify.certificate import Certificate
from deuterium.errors import DeuteriumError, InvalidInputError, UnsupportedError
from deuterium.files import write_file
from deuterium.optional import require
from deuterium.privacy.accounting.accountant import Accountant
from deuterium.privacy.mechanisms.gaussian import GaussianNoise
from deuterium.privacy.mechanisms.noise import Noise
from deuterium.privacy.releases.joint_contributions import JointContributions
from deuterium.privacy.sensitivity.feature_table import FeatureSensitivities
from deuterium.privacy.sensitivity.relations import Relation, require_relation
from deuterium.privacy.sensitivity.sensitivity import Sensitivity
from deuterium.report.documents import plain
from deuterium.report.domain_rows import LONG, domain_rows, noted
from deuterium.report.registry_entry import registry_entry
from deuterium.report.report_pages import as_html, as_markdown

__all__ = ["REPORT_SCHEMA", "SensitivityReport", "sensitivity"]

REPORT_SCHEMA = 1  # goes up when a field changes its meaning
CURVE = (1e-4, 1e-5, 1e-6, 1e-8, 1e-10)  # deltas whose epsilons are told


@dataclass(frozen=True, eq=False, repr=False)
class SensitivityReport:
    """What is known of a sensitivity and the noise made from it.

    Attributes
    ----------
    document : dict
        All of it, as plain values: see `schema`.

    Examples
    --------
    >>> import deuterium as dt
    >>> from deuterium import privacy
    >>> from deuterium import report
    >>> x = dt.symbol("x")
    >>> s = privacy.contribution(x, dt.Box({x: (0, 1)}))
    >>> made = report.sensitivity(s, relation="replace_one", verify=False)
    >>> made.document["sensitivity"]
    1.0
    """

    document: dict[str, Any]

    @staticmethod
    def schema() -> dict[str, Any]:
        """Return the JSON Schema of the document."""
        written = files("deuterium.report").joinpath("sensitivity_schema.json")
        found: dict[str, Any] = json.loads(written.read_text("utf-8"))
        return found

    def to_json(self) -> str:
        """Return the report as JSON text; the same report, the same text."""
        return json.dumps(self.document, indent=2, allow_nan=False, ensure_ascii=False)

    def to_markdown(self) -> str:
        """Return the report as Markdown."""
        return as_markdown(self.document)

    def to_html(self) -> str:
        """Return the report as one HTML page that needs nothing else."""
        return as_html(self.document)

    def to_frames(self) -> dict[str, Any]:
        """Return the report's tables as pandas DataFrames, by name.

        Raises
        ------
        MissingDependencyError
            pandas is not installed.
        """
        pandas = require("pandas", "pandas", "to_frames")
        tables = ("domain", "features", "groups", "curve")
        return {n: pandas.DataFrame(self.document[n]) for n in tables}

    def to_registry(self, **answers: Any) -> dict[str, Any]:
        """Return an entry for the public registry of deployments.

        Parameters
        ----------
        **answers
            What a report cannot know: ``name``, ``data_curators``, ``intended_use``,
            ``data_product_type``, ``data_product_region``, ``publication_date``,
            ``description``; and, if told, ``data_product_sector``, ``privacy_unit``,
            ``model_name``, ``registry_authors``, ``sources``.

        Returns
        -------
        dict
            To be written as YAML; valid under the registry's schema.

        Raises
        ------
        InvalidInputError
            An answer is missing, or none that the registry knows.
        """
        return registry_entry(self.document, answers)

    def save(self, path: str | Path) -> None:
        """Write the report; the file's suffix says how: .json, .md or .html."""
        makers = {".json": self.to_json, ".md": self.to_markdown, ".html": self.to_html}
        target = Path(path)
        if target.suffix not in makers:
            raise InvalidInputError(
                f"save: the suffix must be one of {', '.join(makers)}; got {path!s:.80}"
            )
        write_file(target, makers[target.suffix]())

    def __repr__(self) -> str:
        return f"<SensitivityReport: {self.document['statement']}>"

    def _repr_html_(self) -> str:
        return as_html(self.document, whole=False)


def sensitivity(
    s: Sensitivity,
    *,
    relation: Relation,
    noise: Noise | None = None,
    accountant: Accountant | None = None,
    features: FeatureSensitivities | None = None,
    groups: JointContributions | None = None,
    schema: Mapping[Any, Any] | None = None,
    units: Mapping[str, str] | None = None,
    sources: Mapping[str, str] | None = None,
    title: str = "Sensitivity report",
    verify: bool = True,
) -> SensitivityReport:
    """Return a report of a sensitivity and what was made from it.

    Parameters
    ----------
    s : Sensitivity
        What was bounded.
    relation : {"add_or_remove_one", "replace_one", "replace_special"}
        When two data sets are neighbours.
    noise : Noise, optional
        Made from ``s``.
    accountant : Accountant, optional
        What all releases together promise.
    features : FeatureSensitivities, optional
        How far one feature alone moves the result.
    groups : JointContributions, optional
        Of which ``s`` is the joint bound: what each group adds alone is told, too.
    schema : mapping, optional
        What `Box.from_schema` took: its units and sources are told.
    units : mapping from str to str, optional
        Of the symbols, by name; ``"result"`` is the result's.
    sources : mapping from str to str, optional
        Where each symbol's bounds come from ("the questionnaire").
    title : str
        The report's.
    verify : bool
        Check the certificate, and say how that ended.

    Examples
    --------
    >>> import deuterium as dt
    >>> from deuterium import privacy
    >>> from deuterium import report
    >>> x = dt.symbol("x")
    >>> s = privacy.contribution(x, dt.Box({x: (0, 1)}))
    >>> made = report.sensitivity(s, relation="replace_one", verify=False)
    >>> made.to_markdown().splitlines()[0]
    '# Sensitivity report'
    """
    relation = require_relation("report.sensitivity", relation)
    if not isinstance(s, Sensitivity):
        raise InvalidInputError(
            f"report.sensitivity: `s` must be a Sensitivity, got {type(s).__name__}"
        )
    checked = _verification(s, verify)
    units = noted(schema, "unit") | dict(units or {})
    sources = noted(schema, "source") | dict(sources or {})
    document = {
        "schema": "deuterium.sensitivity",
        "schema_version": REPORT_SCHEMA,
        "deuterium_version": __version__,
        "title": title,
        "function": _function(s, units),
        "domain": domain_rows(s.domain, units, sources),
        "quantity": s.quantity,
        "norm": f"L{s.norm:g}",
        "relation": relation,
        "sensitivity": _moved(s, relation),
        "upper": s.upper,
        "lower": s.lower,
        "gap": s.gap,
        "status": s.status,
        "scope": s.scope,
        "arithmetic": s.arithmetic,
        "rounding": s.rounding,
        "witness": s.witness,
        "certificate": checked,
        "method": [c.method() for c in _certificates(s) if isinstance(c, Certificate)],
        "features": [] if features is None else _features(features),
        "groups": [] if groups is None else _groups(groups, noise),
        "noise": None if noise is None else _noise(noise),
        "curve": [] if noise is None else _curve(accountant or noise),
        "accounting": None if accountant is None else _accounting(accountant),
        "assumptions": list(s.assumptions),
        "warnings": _warnings(s, noise, checked, sources),
    }
    document["statement"] = _statement(document)
    return SensitivityReport(plain(document))


def _function(s: Sensitivity, units: Mapping[str, str]) -> dict[str, Any]:
    told = "; ".join(repr(v) for v in s.vector) or None
    cut = told is not None and len(told) > LONG
    return {
        "closed_form": told[:LONG] + " ..." if told and cut else told,
        "factor": str(s.factor),
        "numbers": s.size,
        "unit": units.get("result"),
    }


def _moved(s: Sensitivity, relation: Relation) -> float | None:
    try:
        return s.sensitivity(relation)
    except DeuteriumError:
        return None  # of a slope, whose distances are not known, or without a bound


def _verification(s: Sensitivity, verify: bool) -> dict[str, Any]:
    """Return whether there is a proof, and whether it holds."""
    try:
        reports = s.verify() if verify else None
        seals = [getattr(c, "seal", None) for c in _certificates(s)]
    except UnsupportedError as why:
        return {"exists": False, "hashes": [], "verified": None, "reason": str(why)}
    except DeuteriumError as why:
        return {"exists": True, "hashes": [], "verified": False, "reason": str(why)}
    verified = None if reports is None else True
    return {"exists": True, "hashes": seals, "verified": verified, "reason": None}


def _certificates(s: Sensitivity) -> list[Any]:
    found = s.certificate
    return list(found) if isinstance(found, tuple) else [found]


def _features(features: FeatureSensitivities) -> list[dict[str, Any]]:
    pairs = zip(features.names, features.parts, strict=True)
    return [{"feature": n, "lower": f.lower, "upper": f.upper} for n, f in pairs]


def _groups(joint: JointContributions, noise: Noise | None) -> list[dict[str, Any]]:
    scales = joint.scales(noise) if isinstance(noise, GaussianNoise) else {}
    return [
        {
            "group": n,
            "lower": s.lower,
            "upper": s.upper,
            "divisor": joint.units[n],
            "scale": scales.get(n),
        }
        for n, s in joint.blocks.items()
    ]


def _noise(noise: Noise) -> dict[str, Any]:
    mu: float | None
    try:
        mu = noise.mu
    except UnsupportedError:
        mu = None
    return {
        "law": noise.law,
        "scale": noise.scale,  # type: ignore[attr-defined]
        "noise_multiplier": noise.noise_multiplier,
        "sensitivity": noise.sensitivity,
        "relation": noise.relation,
        "protects": noise.protects,
        "epsilon": noise.epsilon,
        "delta": noise.delta,
        "mu": mu,
        "rho": noise.rho,
        "trusted": noise.trusted,
    }


def _curve(promise: Any) -> list[dict[str, float]]:
    return [{"delta": d, "epsilon": promise.epsilon_at(d)} for d in CURVE]


def _accounting(accountant: Accountant) -> dict[str, Any]:
    return {
        "relation": accountant.relation,
        "protects": accountant.protects,
        "releases": accountant.releases,
        "method": accountant.method,
    }


def _warnings(
    s: Sensitivity,
    noise: Noise | None,
    checked: Mapping[str, Any],
    sources: Mapping[str, str],
) -> list[str]:
    found = []
    if s.is_trusted or (noise is not None and noise.trusted):
        found.append("A number was taken on trust: nobody certified it.")
    if checked["verified"] is False:
        found.append(f"The certificate does not hold: {checked['reason']}")
    if not checked["exists"]:
        found.append("There is no certificate that others could check.")
    missing = [n for n in (s.domain.names if s.domain else []) if n not in sources]
    if missing:
        found.append(
            f"Nobody said where the bounds of {', '.join(missing)} come from; they "
            "must be public, and not computed from the data."
        )
    return found


def _statement(d: Mapping[str, Any]) -> str:
    """Return the report in a few plain sentences."""
    what = {
        "contribution": "One record adds a vector of {} norm at most {:.6g} to the sum",
        "diameter": "Two records move the result apart by at most {1:.6g} in {0} norm",
        "lipschitz": "The result changes by at most {1:.6g} in {0} norm per unit of "
        "input",
    }[d["quantity"]].format(d["norm"], d["upper"])
    sentences = [f"{what}, and {d['lower']:.6g} is reached ({d['status']})"]
    if d["groups"]:
        units = [f"{g['group']} by {g['divisor']:.6g}" for g in d["groups"]]
        sentences.append(f"Each group is divided by its unit: {', '.join(units)}")
    if d["arithmetic"]:
        sentences.append(
            f"That holds for what {d['arithmetic']} computes, too, for which "
            f"{d['rounding']:.3g} of it pays"
        )
    if d["sensitivity"] is not None:
        sentences.append(
            f"Between neighbouring data sets ({d['relation']}) it moves by at most "
            f"{d['sensitivity']:.6g}"
        )
    noise = d["noise"]
    if noise is not None:
        sentences.append(
            f"{noise['law'].capitalize()} noise of scale {noise['scale']:.6g} "
            f"protects {noise['protects']}"
        )
        whole, point = d["accounting"], d["curve"][1]
        several = "One release promises"
        if whole is not None:
            several = f"All {whole['releases']} releases promise"
        elif noise["epsilon"] is not None:  # what was asked for, not a point near it
            point = noise
        at = f" at delta {point['delta']:g}" if point["delta"] else ""
        sentences.append(f"{several} epsilon {point['epsilon']:.4g}{at}")
    return ". ".join(sentences) + "."
