"""Health: what the probes answer."""

from app.api.schemas.shared import Shown


class Health(Shown):
    status: str
    checks: dict[str, str] = {}
