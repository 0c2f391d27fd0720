"""The console's application: its views, the routes of sqladmin it keeps, and its error pages."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from sqladmin import Admin
from sqladmin.authentication import login_required
from sqladmin.authorization import Action, AuthorizationBackend
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from app.admin import dashboard, finding, read_sessions, reports
from app.admin.formatting import DASHBOARD
from app.admin.login import HOME, REFUSED, Login, operator_of
from app.admin.middleware import ConsoleMiddleware
from app.admin.names import with_names
from app.admin.views import VIEWS, ReadOnlyView
from app.container import Container, built
from app.db.engine import Database
from app.domain.errors import InvoicingError, NotFound
from app.http.problems import STATUS
from app.settings import Settings

FOLDER = Path(__file__).parent
KEPT = {"index", "list", "details", "login"}
"""The routes of sqladmin that are served. No kept route creates, edits, deletes or exports."""
LOOKING = frozenset({Action.LIST, Action.DETAILS})


class ConsoleAuthorization(AuthorizationBackend):
    """Lets operators list and open rows. Some views are for admins only; all other actions are refused."""

    def has_permission(self, request: Request, identity: str, action: str, obj: Any | None = None) -> bool:  # noqa: ARG002
        view = BY_IDENTITY.get(identity)
        if view is None or action not in LOOKING:
            return False
        return operator_of(request).admin or not view.admins_only


BY_IDENTITY: dict[str, type[ReadOnlyView]] = {view.identity: view for view in VIEWS}


class Console(Admin):
    """sqladmin's application with our dashboard, log-in and error pages."""

    container: Container

    def __init__(self, app: Starlette, settings: Settings, login: Login, sessions: Any) -> None:
        super().__init__(
            app,
            session_maker=sessions,
            base_url="/console",
            title="Invoicing",
            templates_dir=str(FOLDER / "templates"),
            authentication_backend=login,
            authorization_backend=ConsoleAuthorization(),
        )
        self.mode = "live" if settings.livemode else "test"
        self._login = login
        routes: list[BaseRoute] = [
            Route("/console.css", _static("console.css", "text/css"), name="style"),
            Route("/console.js", _static("console.js", "text/javascript"), name="script"),
            Route("/reports", self.reports, name="reports"),
            Route("/stripe/{object_id}", self.stripe, name="stripe"),
            Route("/find", self.find, name="find"),
            Route("/find.csv", self.find_file, name="find-file"),
            Route("/logout", self.logout, name="logout", methods=["POST"]),
        ]
        kept: list[BaseRoute] = [
            route for route in self.admin.router.routes if isinstance(route, Route) and route.name in KEPT
        ]
        self.admin.router.routes = routes + kept
        self.admin.exception_handlers |= {
            InvoicingError: self._told,
            read_sessions.SessionError: self._session_failed,
            Exception: self._told,
        }
        for view in VIEWS:
            self.add_view(view)
        self.templates.env.globals |= {"groups": _groups()}
        self.templates.env.filters["with_names"] = with_names

    @login_required
    async def index(self, request: Request) -> Response:
        context = await dashboard.overview_page(self.container, request)
        return await self.templates.TemplateResponse(request, "console/front.html", context)

    async def login(self, request: Request) -> Response:
        """Show the log-in page, or log in."""
        if request.method == "GET":
            return await self.templates.TemplateResponse(request, "console/login.html")
        try:
            await self._login.login(request)
        except REFUSED as error:
            response = await self.templates.TemplateResponse(
                request, "console/login.html", {"problem": error.detail}, status_code=STATUS[error.code]
            )
            if error.retry_after is not None:
                response.headers["Retry-After"] = str(error.retry_after)
            return response
        return RedirectResponse(HOME, HTTPStatus.SEE_OTHER)

    @login_required
    async def logout(self, request: Request) -> Response:
        return await self._login.logout(request)

    @login_required
    async def reports(self, request: Request) -> Response:
        context = await reports.page(self.container, request)
        return await self.templates.TemplateResponse(request, "console/reports.html", context)

    @login_required
    async def stripe(self, request: Request) -> Response:
        """Lead to the page of an object in Stripe's Dashboard, in the mode of this deployment."""
        object_id = request.path_params["object_id"]
        prefix, _, rest = object_id.partition("_")
        page = DASHBOARD.get(prefix)
        if page is None or not rest.isascii() or not rest.replace("_", "").isalnum():
            raise NotFound("Stripe's Dashboard has no such page.")
        mode = "" if self.mode == "live" else "test/"
        return RedirectResponse(f"https://dashboard.stripe.com/{mode}{page}/{object_id}", HTTPStatus.FOUND)

    @login_required
    async def find(self, request: Request) -> Response:
        """Find invoices by the filters of the API. What is asked for by its id has a page."""
        if page := await finding.page_of(self.container, request):
            return RedirectResponse(page, HTTPStatus.SEE_OTHER)
        context = await finding.page(self.container, request)
        return await self.templates.TemplateResponse(request, "console/find.html", context)

    @login_required
    async def find_file(self, request: Request) -> Response:
        return await finding.file(self.container, request)

    async def _told(self, request: Request, error: Exception) -> Response:
        """Show the error page. An error that is not ours is shown without details."""
        known = error if isinstance(error, InvoicingError) else None
        status = STATUS[known.code] if known else HTTPStatus.INTERNAL_SERVER_ERROR
        message = known.detail if known else "Something went wrong here; it was logged."
        return await self.templates.TemplateResponse(
            request, "sqladmin/error.html", {"status_code": int(status), "message": message}, status_code=status
        )

    async def _session_failed(self, request: Request, error: Exception) -> Response:
        """Show the error page for an error of a view's session. Raises errors that are our mistakes again."""
        known = read_sessions.explained(error)
        if known is None:
            raise error
        return await self._told(request, known)


def _groups() -> dict[str, list[type[ReadOnlyView]]]:
    groups: dict[str, list[type[ReadOnlyView]]] = {}
    for view in VIEWS:
        groups.setdefault(view.group, []).append(view)
    return groups


def _static(name: str, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    """Serves a file of the folder `static`."""
    content = (FOLDER / "static" / name).read_bytes()

    async def serve(_request: Request) -> Response:
        return Response(content, media_type=media_type, headers={"Cache-Control": "no-cache"})

    return serve


def create_console(settings: Settings) -> Starlette:
    """Build the console's application. It opens its services when it starts and closes them when it stops."""
    login = Login(settings)
    engine = read_sessions.reader(Database(settings.server_url))

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with built(settings) as container:
            login.container = console.container = container
            try:
                yield
            finally:
                await engine.dispose()

    async def alive(_request: Request) -> Response:
        return PlainTextResponse("ok")

    async def home(_request: Request) -> Response:
        return RedirectResponse(HOME, HTTPStatus.SEE_OTHER)

    app = Starlette(lifespan=lifespan, routes=[Route("/healthz", alive), Route("/", home), Route("/console", home)])
    console = Console(app, settings, login, read_sessions.sessions(engine))
    app.add_middleware(ConsoleMiddleware, settings=settings)
    return app
