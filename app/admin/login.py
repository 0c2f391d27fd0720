"""Log-in and sessions of the console, for people with an API key that has a console scope.

A session is a signed cookie that names the key but does not hold it. Each process makes its own signing secret, so a
restart ends all sessions. Each page looks the key up again, so revoking it ends its sessions, too.
"""

import secrets
import time
from dataclasses import dataclass

from sqladmin.authentication import AuthenticationBackend
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.access import audit, key_statements
from app.container import Container
from app.domain.access import BOOTSTRAP, Caller, Scope
from app.domain.errors import Forbidden, RateLimited, Unauthenticated
from app.domain.keys import read_key
from app.http.client_address import client_address
from app.settings import Settings

HOME = "/console/"
LOGIN = "/console/login"
COOKIE = "console_session"
IDLE_S = 3600
"""Seconds after which an idle session ends."""
SEEN_AGAIN_S = 60
LONGEST_S = 12 * 3600
"""Seconds after which any session ends."""


@dataclass(frozen=True, slots=True)
class Operator:
    """The person at the console. Only an admin sees personal data and may change anything."""

    caller: str
    admin: bool


class Login(AuthenticationBackend):
    """Logs operators in. `container` is set when the application starts."""

    container: Container

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            secrets.token_hex(32),
            session_cookie=COOKIE,
            max_age=IDLE_S,
            path="/console",
            same_site="strict",
            https_only=settings.environment == "production",
        )
        self._settings = settings
        self._ended: dict[str, float] = {}

    async def login(self, request: Request) -> bool:
        """Begin a session with the key in the form. Raises Unauthenticated, Forbidden and RateLimited."""
        given = (await request.form()).get("key")
        key = given.strip() if isinstance(given, str) else ""
        forwarded = request.headers.get("x-forwarded-for", "").encode("latin-1")
        address = client_address(request.scope, forwarded, self._settings.trusted_proxies)
        authentication = self.container.authentication
        await authentication.limit_address(address)
        read = read_key(key)
        try:
            caller = await authentication.authenticate(b"Bearer " + key.encode(), address)
            await authentication.limit_caller(caller)
        except Unauthenticated as error:
            raise (error if read else Unauthenticated("This is not an API key of this service.")) from None
        operator = _operator(caller)
        if operator is None:
            raise Forbidden(f"This key lacks the scope {Scope.CONSOLE_READ.value}.")
        request.session.clear()
        request.session.update(
            id=secrets.token_hex(16), key=read.prefix if read and caller != BOOTSTRAP else "", since=int(time.time())
        )
        async with self.container.database.unit_of_work() as connection:
            await audit.record(
                connection,
                actor=caller.id,
                action="console_login",
                subject=None,
                outcome="done",
                request_id=request.scope.get("request_id"),
            )
        return True

    async def logout(self, request: Request) -> Response:
        """End the session for everybody who has its cookie."""
        now = time.time()
        self._ended = {session: until for session, until in self._ended.items() if until > now}
        self._ended[str(request.session.get("id"))] = now + LONGEST_S
        request.session.clear()
        return RedirectResponse(LOGIN, 303)

    async def authenticate(self, request: Request) -> Response | bool:
        """Check the session, and store its operator in `request.state.operator`."""
        operator = await self._operator(request)
        if operator is None:
            request.session.clear()
            return RedirectResponse(LOGIN, 303)
        if time.time() - request.session.get("seen", 0) > SEEN_AGAIN_S:
            request.session["seen"] = int(time.time())  # has the cookie written again, from now on
        request.state.operator = operator
        return True

    async def get_user_id(self, request: Request) -> str:
        """The operator's id, as in the audit log."""
        return operator_of(request).caller

    async def _operator(self, request: Request) -> Operator | None:
        session = request.session
        if not {"id", "key", "since"} <= session.keys() or session["id"] in self._ended:
            return None
        if time.time() - session["since"] > LONGEST_S:
            return None
        if not session["key"]:
            return _operator(BOOTSTRAP) if self._settings.api_bootstrap_key else None
        async with self.container.database.connection() as connection:
            stored = await key_statements.in_force(connection, session["key"])
        return _operator(stored) if stored else None


def _operator(caller: Caller | key_statements.StoredKey) -> Operator | None:
    admin = Scope.ADMIN in caller.scopes
    if not admin and Scope.CONSOLE_READ not in caller.scopes:
        return None
    return Operator(caller.id if isinstance(caller, Caller) else caller.caller, admin)


def operator_of(request: Request) -> Operator:
    """The operator, as `authenticate` stored it."""
    found: Operator = request.state.operator
    return found


def require_admin(request: Request) -> Operator:
    """The operator. Raises Forbidden if it is no admin."""
    operator = operator_of(request)
    if not operator.admin:
        raise Forbidden("This takes a key with the scope admin; yours may only look.")
    return operator


REFUSED = (Unauthenticated, Forbidden, RateLimited)
"""The errors that a log-in can end with."""
