"""`invoicing openapi`: the contract as a file."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer


def openapi(
    output: Annotated[Path | None, typer.Option(help="A file to write; standard output otherwise.")] = None,
) -> None:
    """Export the contract."""
    from app.main import create_app
    from app.settings import Settings

    blank = Settings(
        _env_file=None,
        environment="development",
        database_url="postgresql://localhost/none",
        stripe_secret_key="sk_test_none",  # noqa: S106 -- a blank
        stripe_webhook_secrets="whsec_none",
    )
    document = msgspec.json.format(msgspec.json.encode(create_app(blank).openapi(), order="sorted"), indent=2) + b"\n"
    output.write_bytes(document) if output else sys.stdout.buffer.write(document)
