"""What every test may ask for. The fixtures live in `tests/fixtures/`, a module per thing they own."""

from __future__ import annotations
