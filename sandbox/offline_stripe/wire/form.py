"""Decodes forms: Stripe's bracket notation to nested values.

It reads `a[b]=`, `a[]=`, `a[0]=` and their percent-encoded forms. It knows no parameter: each leaf stays a string, and
`parameters` decides whether a list was meant.
"""

from urllib.parse import unquote_plus

from offline_stripe.wire.errors import StripeError, invalid_request

MAX_DEPTH = 12
MAX_PAIRS = 20_000


def decode_form(text: str) -> dict[str, object]:
    """Nested dictionaries of strings; `a[]` and `a[0]` become lists."""
    root: dict[str, object] = {}
    pairs = [piece for piece in text.split("&") if piece]
    if len(pairs) > MAX_PAIRS:
        raise invalid_request("Too many parameters.")
    for piece in pairs:
        raw_key, _, raw_value = piece.partition("=")
        _insert(root, _segments(unquote_plus(raw_key)), unquote_plus(raw_value))
    return {key: _listed(value) for key, value in root.items()}


def _segments(key: str) -> list[str]:
    head, bracket, rest = key.partition("[")
    if not bracket:
        return [key]
    if not rest.endswith("]") or not head:
        raise _malformed(key)
    segments = [head, *rest[:-1].split("][")]
    if len(segments) > MAX_DEPTH or any("[" in part or "]" in part for part in segments):
        raise _malformed(key)
    return segments


def _insert(tree: dict[str, object], segments: list[str], value: str) -> None:
    for index, segment in enumerate(segments[:-1]):
        key = _next_index(tree, segments[index + 1 :]) if segment == "" else segment
        child = tree.setdefault(key, {})
        if not isinstance(child, dict):
            raise _malformed("".join(segments))
        tree = child
    last = segments[-1]
    key = str(len(tree)) if last == "" else last
    if isinstance(tree.get(key), dict):
        raise _malformed("".join(segments))
    tree[key] = value


def _next_index(tree: dict[str, object], rest: list[str]) -> str:
    """`a[][b]=1&a[][c]=2` is one element; a repeated `b` begins the next one."""
    if not tree:
        return "0"
    newest = tree.get(str(len(tree) - 1))
    if isinstance(newest, dict) and (rest[0] == "" or rest[0] not in newest or len(rest) > 1):
        return str(len(tree) - 1)
    return str(len(tree))


def _listed(value: object) -> object:
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        return [_listed(value[key]) for key in sorted(value, key=int)]
    return {key: _listed(item) for key, item in value.items()}


def _malformed(key: str) -> StripeError:
    return invalid_request(f"Invalid request: the parameter name {key!r} could not be read.")
