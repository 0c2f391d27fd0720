"""What differs between two places, and what that says of the switches."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

JSON = dict[str, Any]
ABSENT = "nothing"
_MOMENTS = range(1_500_000_000, 2_500_000_000)
"""Numbers that can only be seconds since 1970: no amount here is as large."""
_ID = re.compile(r"\b(?:acct|[a-z]{2,8}(?:_test)?)_(?=\w*[0-9A-Z])[0-9A-Za-z]{10,}(?:_secret_\w+)?")
_OF_THE_ACCOUNT = frozenset(
    {"account_name", "account_country", "fingerprint", "receipt_number", "number", "invoice_prefix", "network_transaction_id",
     "authorization_code", "statement_descriptor", "calculated_statement_descriptor", "account_tax_ids", "issuer",
     "webhooks_delivered_at", "reference_number", "transaction_id", "bank_name", "payment_method_configuration_details",
     "secret", "request_log_url", "doc_url", "version", "source", "risk_score"}
)  # fmt: skip
"""What says something of the account, the run or the day, and nothing of behaviour."""
DAY = 86_400


class Form:
    """Makes answers comparable: ids become `<cus 1>` in the order they appear, moments `<day 30>` from the start."""

    def __init__(self, start: float, key: str = "") -> None:
        self._start = start - 5
        self._key = key
        self._ids: dict[str, str] = {}
        self._counts: Counter[str] = Counter()

    def of(self, value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: self.of(item, key) for key, item in value.items()}
        if isinstance(value, list):
            return [self.of(item, name) for item in value]
        if value is None or isinstance(value, bool):
            return value
        if name in _OF_THE_ACCOUNT:
            return f"<{name}>"
        if isinstance(value, int | float):
            return f"<day {int((value - self._start) // DAY)}>" if value in _MOMENTS else value
        return self._text(value)

    def _text(self, value: str) -> str:
        if value.startswith(("http://", "https://")):
            return "<url>"
        if self._key:
            value = value.replace(self._key, "<key>")
        return _ID.sub(lambda found: self._named(found[0]), value)

    def _named(self, identifier: str) -> str:
        if identifier not in self._ids:
            kind = identifier.partition("_")[0]
            self._counts[kind] += 1
            self._ids[identifier] = f"<{kind} {self._counts[kind]}>"
        return self._ids[identifier]


def differences(theirs: Any, ours: Any, path: str = "", *, partial: bool = False) -> Iterator[tuple[str, Any, Any]]:
    """Each place where two forms differ, with what stands there: there first, then here.

    With `partial`, keys that only stand here are no difference.
    """
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted(theirs if partial else theirs.keys() | ours.keys()):
            if partial and key == "source":
                continue
            inner = f"{path}.{key}" if path else key
            if key not in theirs or key not in ours:
                yield inner, theirs.get(key, ABSENT), ours.get(key, ABSENT)
            else:
                yield from differences(theirs[key], ours[key], inner, partial=partial)
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for index, (one, other) in enumerate(zip(theirs, ours, strict=True)):
            yield from differences(one, other, f"{path}[{index}]", partial=partial)
    elif theirs != ours:
        yield path, theirs, ours


def told(path: str, theirs: Any, ours: Any) -> str:
    return f"{path}: Stripe {_short(theirs)}, here {_short(ours)}"


def _short(value: Any) -> str:
    text = value if value is ABSENT else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else f"{text[:157]}…"  # noqa: PLR2004 (a line)


def verdict(theirs: JSON, by_value: Mapping[str, JSON], *, partial: bool = False) -> str:
    """Which value of a switch does as Stripe does, judged where the values differ. Empty if that is not clear."""
    values = [*by_value]
    places = {path for other in values[1:] for path, _, _ in differences(by_value[values[0]], by_value[other])}
    wrong = {
        value: {path for path, _, _ in differences(theirs, form, partial=partial)} & places
        for value, form in by_value.items()
    }
    right = [value for value in values if not wrong[value]]
    return right[0] if len(right) == 1 else ""
