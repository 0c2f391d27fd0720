"""Serves with uvicorn, so that a fault can cut a real connection.

Its protocol class gives each request its transport.
"""

from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class CuttableProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, with the connection's transport in the scope."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        extensions: dict[str, Any] = {"sandbox.transport": self.transport}
        self.scope["extensions"] = extensions


def server_for(app: object, host: str, port: int, *, log_level: str = "warning") -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,  # type: ignore[arg-type]
            host=host,
            port=port,
            http=CuttableProtocol,
            ws="none",
            lifespan="on",
            log_level=log_level,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=1,
            timeout_keep_alive=75,
        )
    )
