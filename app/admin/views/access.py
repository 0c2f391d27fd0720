"""The views of API keys, audit log and rate limits. All are for admins only."""

from app.admin.models import ApiKey, AuditEntry, RateBucket
from app.admin.views.table import ReadOnlyView

GROUP = "Access"


class ApiKeyView(ReadOnlyView, model=ApiKey):
    """API keys, without their digests."""

    group = GROUP
    name = "API key"
    admins_only = True
    secret = frozenset({"digest"})
    search = ("id", "prefix", "caller")
    slices = {"in force": "revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())"}
    column_list = ["id", "name", "prefix", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at"]


class AuditEntryView(ReadOnlyView, model=AuditEntry):
    group = GROUP
    name_plural = "Audit log"
    admins_only = True
    order = ("at",)
    search = ("subject", "actor", "request_id")
    column_list = ["at", "actor", "action", "subject", "detail", "outcome", "request_id", "id"]


class RateBucketView(ReadOnlyView, model=RateBucket):
    """Recent callers, and how many requests each has left."""

    group = GROUP
    name = "Rate limit"
    admins_only = True
    order = ("filled_at",)
    search = ("name",)
    column_list = ["name", "tokens", "granted", "filled_at"]
