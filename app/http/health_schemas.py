"""Health: what the probes answer."""

from app.http.schemas import Shown


class Health(Shown):
    status: str
    checks: dict[str, str] = {}
