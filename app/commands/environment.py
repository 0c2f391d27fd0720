"""Owns how a command reads the settings, and what it says where they are not safe or not complete."""

import getpass

import typer
from pydantic import ValidationError

from app.settings import Settings


def settings() -> Settings:
    """The settings of this environment; where they are not safe or not complete, say which and stop."""
    try:
        return Settings()
    except ValidationError as error:
        for problem in error.errors():
            name = "_".join(str(part) for part in problem["loc"]).upper() or "settings"
            typer.echo(f"{name}: {problem['msg']}", err=True)
        raise typer.Exit(2) from None


def operator() -> str:
    """Who runs the command, as the audit log names them."""
    return f"cli:{getpass.getuser()}"
