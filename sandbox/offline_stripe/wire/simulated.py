"""What the sandbox simulates of Stripe's API, and the refusal of the rest.

A route names the parameters that have an effect, e.g. `"name address metadata discounts{coupon} type=card|us_bank_account"`:
a bare name takes the whole value, braces name the parts that are taken, and `=` the values. All other parameters
that Stripe has are refused, and so are the operations that no route answers. Nothing is accepted without effect.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from offline_stripe.wire.errors import StripeError

NOT_SIMULATED = "sandbox_not_simulated"
OPERATIONS = Path(__file__).with_name("operations.txt")
"""Stripe's operations, a path per line with its methods. `python -m dev.stripe_operations` writes it."""
EVERYWHERE = "expand"
PAGE = "limit starting_after ending_before "
"""What every list takes."""
_TOKEN = re.compile(r"[{}]|[^\s{}]+")


@dataclass(frozen=True, slots=True)
class Taken:
    """What is taken of one value: all of it, or only some parts or values."""

    parts: "dict[str, Taken] | None" = None
    values: tuple[str, ...] = ()


@cache
def taken_by(text: str) -> Taken:
    """Read what a route takes. Raises ValueError if braces do not match."""
    tokens = _TOKEN.findall(f"{text} {EVERYWHERE}")
    parts = _parts(tokens)
    if tokens:
        raise ValueError(f"a brace too many: {text}")
    return Taken(parts)


def _parts(tokens: list[str]) -> dict[str, Taken]:
    parts: dict[str, Taken] = {}
    while tokens and tokens[0] != "}":
        name, _, values = tokens.pop(0).partition("=")
        if tokens and tokens[0] == "{":
            del tokens[0]
            parts[name] = Taken(_parts(tokens))
            if not tokens:
                raise ValueError(f"a brace is missing after {name}")
            del tokens[0]
        else:
            parts[name] = Taken(None, tuple(values.split("|")) if values else ())
    return parts


def require_simulated(taken: Taken, sent: object) -> None:
    """Refuse the first parameter that would have no effect. Raises StripeError (501)."""
    for name in _refused(taken, sent, ""):
        raise not_simulated(name, param=name.partition("=")[0])


def _refused(taken: Taken, sent: object, path: str) -> Iterator[str]:
    if isinstance(sent, list):
        for index, item in enumerate(sent):
            yield from _refused(taken, item, f"{path}[{index}]")
    elif taken.values and sent != "" and _text(sent) not in taken.values:
        yield f"{path}={_text(sent)}"
    elif taken.parts is not None and isinstance(sent, dict):
        for name, value in sent.items():
            inner = f"{path}[{name}]" if path else name
            if name in taken.parts:
                yield from _refused(taken.parts[name], value, inner)
            else:
                yield inner


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def not_simulated(what: str, *, param: str | None = None) -> StripeError:
    """The refusal of something that Stripe does and the sandbox does not."""
    return StripeError(
        f"not simulated here: {what}",
        status=501,
        kind="api_error",
        code=NOT_SIMULATED,
        param=param,
        headers={"Stripe-Should-Retry": "false"},
    )


@cache
def operations() -> frozenset[tuple[str, str]]:
    """Method and path of everything that Stripe's API has; ids are `{}`."""
    lines = [line.split() for line in OPERATIONS.read_text().splitlines() if not line.startswith("#")]
    return frozenset((method, path) for path, *methods in lines for method in methods)


def is_stripes(method: str, path: str) -> bool:
    """Whether Stripe has such an operation, whatever the ids in the path are."""
    given = path.strip("/").split("/")
    return any(
        len(wanted) == len(given) and all(part in {"{}", ours} for part, ours in zip(wanted, given, strict=True))
        for known, pattern in operations()
        if known == method and (wanted := pattern.strip("/").split("/"))
    )
