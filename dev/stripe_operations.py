"""`python -m dev.stripe_operations`: the list of Stripe's operations that the sandbox ships.

They are those of Stripe's OpenAPI document and those that the installed SDK calls, which may be newer.
"""

import re
import sys
from pathlib import Path

import stripe

from dev import specification

TARGET = Path(__file__).resolve().parents[1] / "sandbox" / "offline_stripe" / "wire" / "operations.txt"
METHODS = frozenset({"delete", "get", "post"})
_CALL = re.compile(r'self\._request\(\s*"(delete|get|post)",\s*"(/v[12]/[^"]+)"')
_ID = re.compile(r"\{\w+\}")


def listed() -> str:
    """The text of the list: a path per line with its methods."""
    found: dict[str, set[str]] = {}
    for path, methods in specification.document()["paths"].items():
        found.setdefault(_ID.sub("{}", path), set()).update(methods.keys() & METHODS)
    for module in Path(stripe.__file__).parent.rglob("*_service.py"):
        for method, path in _CALL.findall(module.read_text()):
            found.setdefault(_ID.sub("{}", path), set()).add(method)
    lines = [f"{path} {' '.join(sorted(methods)).upper()}" for path, methods in sorted(found.items())]
    version = specification.document()["info"]["version"]
    head = f"# Stripe's OpenAPI document {version} and stripe-python {stripe.VERSION}, by dev/stripe_operations.py"
    return "\n".join([head, *lines]) + "\n"


if __name__ == "__main__":
    TARGET.write_text(listed())
    sys.exit(0)
