"""Logs, counts and traces each answered request.

A request is counted under its route's template and not under its path, because paths hold ids and strangers make them
up. A request that ended before a route was found counts as UNROUTED.
"""

import time

import structlog
from opentelemetry.trace import Span
from starlette.routing import Mount, Route
from starlette.types import Scope

from app.domain.access import CallerKind
from app.observability import metrics, tracing

log = structlog.get_logger(__name__)

UNROUTED = "unrouted"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
FAILED = 500


class AccessLog:
    def __init__(self) -> None:
        self._by_endpoint: dict[object, str] | None = None

    def ended(self, scope: Scope, status: int, started: float, began: float, span: Span) -> None:
        """Record a request that was answered with `status`, or broken off with 0.

        The histogram measures the time until the answer began.
        """
        took = time.perf_counter() - started
        route = self.route(scope)
        method = scope["method"] if scope["method"] in METHODS else "other"
        metrics.HTTP_REQUESTS(method, route, status).inc()
        metrics.HTTP_SECONDS(method, route).observe((began or time.perf_counter()) - started)
        caller = scope.get("caller")
        invoice = scope.get("path_params", {}).get("invoice_id")
        log.info(
            "request",
            method=scope["method"],
            path=scope["path"],
            route=route,
            status=status,
            ms=round(took * 1000, 1),
            request_id=scope["request_id"],
            caller=caller.id if caller else None,
            **({"invoice": invoice} if invoice else {}),
        )
        span.update_name(f"{method} {route}")
        span.set_attributes(
            {
                "http.request.method": method,
                "http.route": route,
                "http.response.status_code": status,
                "request.id": scope["request_id"],
            }
        )
        if caller and caller.kind is not CallerKind.CUSTOMER:
            span.set_attribute("caller.id", caller.id)
        if status >= FAILED or not status:
            tracing.fail(span, str(status or "broken_off"))

    def route(self, scope: Scope) -> str:
        """The template of the route that took the request."""
        route = scope.get("route")
        inside = scope.get("root_path", "")
        if isinstance(route, Mount):
            return inside or UNROUTED
        if route is not None:
            return f"{inside}{route.path}"
        if self._by_endpoint is None:
            routes = scope["app"].router.routes if "app" in scope else ()
            self._by_endpoint = {found.endpoint: found.path for found in routes if isinstance(found, Route)}
        return self._by_endpoint.get(scope.get("endpoint")) or inside or UNROUTED
