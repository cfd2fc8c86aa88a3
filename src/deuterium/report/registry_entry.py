"""An entry for the public registry of deployments of differential privacy.

The registry's schema is kept by OpenDP (opendp/deployments-registry-data); names and
allowed values here are its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from deuterium.errors import InvalidInputError, did_you_mean

__all__ = ["registry_entry"]

WHO = "to_registry"
BASIC = (
    "name",
    "data_curators",
    "description",
    "intended_use",
    "data_product_type",
    "data_product_region",
    "publication_date",
)
OPTIONAL = (
    "data_product_sector",
    "privacy_unit",
    "model_name",
    "registry_authors",
    "sources",
)
PRODUCTS = (
    "Summary statistics",
    "Machine learning model",
    "Dataset",
    "Synthetic data",
    "Interactive API",
    "SQL queries",
)
SECTORS = (
    "Technology",
    "Healthcare",
    "Education",
    "Government",
    "Energy",
    "Finance",
)
MODELS = ("Local", "Central", "Shuffle", "Federated", "Varies")


def registry_entry(
    document: Mapping[str, Any], answers: Mapping[str, Any]
) -> dict[str, Any]:
    """Return an entry from a report's document and what it cannot know.

    Parameters
    ----------
    document : mapping
        Of a `SensitivityReport` that has noise.
    answers : mapping
        As of `SensitivityReport.to_registry`.
    """
    _require_answers(answers)
    noise = document["noise"]
    if noise is None:
        raise InvalidInputError(
            f"{WHO}: a deployment has noise; make the report with `noise=`"
        )
    basic = {n: answers[n] for n in (*BASIC, "data_product_sector") if n in answers}
    year = str(answers["publication_date"])[:4]
    words = [basic["name"], *basic["data_curators"], year]
    slug = re.sub(r"[^a-z0-9]+", "-", " ".join(words).lower()).strip("-")
    return {
        "url_slug": slug,
        "status": "Draft",
        "tier": 3,
        "deployment": {
            "basic": basic,
            "dp_variant": {
                "variant_name": _variant(noise),
                "data_domain": "; ".join(r["constraint"] for r in document["domain"]),
            },
            "privacy_loss": _privacy_loss(document, answers),
            "deployment_model": {
                "model_name": answers.get("model_name", "Central"),
                "release_type": _release_type(document),
                "access_type": "Non-interactive",
            },
            "accounting": {"composition": _composition(document)},
            "implementation": {
                "mechanisms": (
                    f"{noise['law'].capitalize()} noise of scale {noise['scale']!r} "
                    "from an exact sampler, made by deuterium "
                    f"{document['deuterium_version']} for a sensitivity of "
                    f"{noise['sensitivity']!r} in {document['norm']} norm"
                ),
                "justification": "\n".join(
                    [document["statement"], *_assumed(document)]
                ),
            },
            "administrative": {
                "registry_authors": list(
                    answers.get("registry_authors", basic["data_curators"])
                ),
                **({"sources": answers["sources"]} if "sources" in answers else {}),
            },
        },
    }


def _require_answers(answers: Mapping[str, Any]) -> None:
    missing = [n for n in BASIC if n not in answers]
    if missing:
        raise InvalidInputError(
            f"{WHO}: say also {', '.join(missing)}; a report cannot know them"
        )
    known = (*BASIC, *OPTIONAL)
    for name in answers:
        if name not in known:
            raise InvalidInputError(
                f"{WHO}: the registry has no {name!r}.{did_you_mean(name, known)}"
            )
    for name, allowed in (
        ("data_product_type", PRODUCTS),
        ("data_product_sector", SECTORS),
        ("model_name", MODELS),
    ):
        if name in answers and answers[name] not in allowed:
            raise InvalidInputError(
                f"{WHO}: `{name}` must be one of {', '.join(allowed)}; got "
                f"{answers[name]!r:.80}"
            )
    for name in ("data_curators", "registry_authors"):
        given = answers.get(name, ["one"])
        if not isinstance(given, list) or not given:
            raise InvalidInputError(f"{WHO}: `{name}` must be a list of names")
    date = answers["publication_date"]
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(date)):
        raise InvalidInputError(
            f"{WHO}: `publication_date` must be as 2026-01-31, got {date!r:.80}"
        )


def _variant(noise: Mapping[str, Any]) -> str:
    if noise["epsilon"] is None:
        return "Zero-concentrated DP"
    return "Approximate DP" if noise["delta"] else "Pure DP"


def _privacy_loss(
    document: Mapping[str, Any], answers: Mapping[str, Any]
) -> dict[str, Any]:
    noise, whole = document["noise"], document["accounting"]
    parameters: dict[str, Any] = {"rho": noise["rho"]}
    if whole is not None:
        parameters = {k: document["curve"][1][k] for k in ("epsilon", "delta")}
    elif noise["epsilon"] is not None:
        parameters = {"epsilon": noise["epsilon"]}
        parameters |= {"delta": noise["delta"]} if noise["delta"] else {}
    points = ", ".join(
        f"epsilon {p['epsilon']!r} at delta {p['delta']!r}" for p in document["curve"]
    )
    return {
        "privacy_unit": answers.get("privacy_unit", "One record"),
        "privacy_unit_details": f"{noise['protects']} ({noise['relation']})",
        "privacy_parameters": parameters,
        "privacy_parameters_details": f"The same promise: {points}",
    }


def _release_type(document: Mapping[str, Any]) -> str:
    whole = document["accounting"]
    many = whole is not None and whole["releases"] > 1
    return "Many releases" if many else "One release"


def _composition(document: Mapping[str, Any]) -> str:
    whole = document["accounting"]
    if whole is None:
        return "One release of one mechanism"
    return f"{whole['releases']} releases, added up by the method {whole['method']!r}"


def _assumed(document: Mapping[str, Any]) -> list[str]:
    return [f"Assumed: {a}" for a in document["assumptions"]]
