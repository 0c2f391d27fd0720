"""What came to Stripe's API between the OpenAPI document that the tests read (2026-05-27.dahlia) and 2026-10-28.endive.

Each entry names its source: SDK is stripe-python 16.1.0, whose classes and parameters are generated from endive.
"""

from typing import Any

JSON = dict[str, Any]

PROPERTIES: list[tuple[str, JSON, str]] = []
"""A schema's new property, as `schema.property`, and its JSON Schema."""
VALUES: list[tuple[str, list[str], str]] = []
"""New values of an enum, as `schema.property`."""
PARAMETERS: list[tuple[str, JSON, str]] = []
"""New parameters, as `operationId.parameter`."""
