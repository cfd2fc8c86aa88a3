"""What the public registry of deployments takes: fields, types and lists of words.

Written anew from the registry's own schema (opendp/deployments-registry-data), without
its descriptions.
"""

from __future__ import annotations

from typing import Any

TEXT, ANY = {"type": "string"}, {}
NAMES = {"type": "array", "items": TEXT, "minItems": 1}
NUMBER = {"type": "number"}


def one_of(*words: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(words)}


def closed(required: str = "", **fields: Any) -> dict[str, Any]:
    """Return an object with these fields and no others."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": required.split(),
        "properties": fields,
    }


DEPLOYMENT = closed(
    "basic",
    basic=closed(
        "name data_curators description intended_use data_product_type "
        "data_product_region publication_date",
        name=TEXT,
        data_curators=NAMES,
        intended_use=TEXT,
        data_product_type=one_of(
            "Summary statistics", "Machine learning model", "Dataset",
            "Synthetic data", "Interactive API", "SQL queries",
        ),
        data_product_region=TEXT,
        description=TEXT,
        publication_date={**TEXT, "pattern": r"^\d{4}-\d{2}-\d{2}$"},
        data_product_sector=one_of(
            "Technology", "Healthcare", "Education", "Government", "Energy", "Finance"
        ),
    ),
    dp_variant=closed(
        variant_name=one_of(
            "Pure DP", "Approximate DP", "Zero-concentrated DP", "Renyi DP", "Custom"
        ),
        data_domain=TEXT,
        unprotected_quantities=TEXT,
    ),
    privacy_loss=closed(
        privacy_unit=TEXT,
        privacy_unit_details=TEXT,
        privacy_parameters=closed(
            epsilon=NUMBER, delta={"type": ["number", "string"]}, rho=NUMBER
        ),
        privacy_parameters_details=ANY,
    ),
    deployment_model=closed(
        model_name=one_of("Local", "Central", "Shuffle", "Federated", "Varies"),
        model_name_details=TEXT,
        actors=TEXT,
        release_type=one_of("One release", "Many releases"),
        release_type_details=TEXT,
        data_source_type=one_of("Static", "Dynamic"),
        data_source_type_details=ANY,
        access_type=one_of("Interactive", "Non-interactive"),
        access_type_details=TEXT,
    ),
    accounting=closed(post_processing=TEXT, composition=TEXT),
    implementation=closed(
        preprocessing_and_hyperparameter_tuning=TEXT,
        mechanisms=TEXT,
        justification=TEXT,
    ),
    administrative=closed(
        "registry_authors", sources=TEXT, notes=TEXT, registry_authors=NAMES
    ),
)  # fmt: skip

SCHEMA = closed(
    "url_slug status tier deployment",
    url_slug=TEXT,
    status=one_of(
        "Converted", "Draft", "Pending", "Changes Required", "Approved",
        "Approved (Update Requested)", "Approved (Pending)",
    ),
    tier={"type": "integer", "enum": [1, 2, 3]},
    deployment=DEPLOYMENT,
)  # fmt: skip
