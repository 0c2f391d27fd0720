"""Nothing of app/ is unused. Only tests use it, or nobody: either way it can go."""

from pathlib import Path

from vulture import Vulture  # type: ignore[import-untyped]

from app.cli.main import COMMANDS

PROJECT = Path(__file__).resolve().parents[2]
CALLED_BY_OTHERS = [
    "@router.*", "@*.command", "@*.callback", "@*.get", "@*.post", "@*.exception_handler", "@*validator", "@*serializer", "@action", "@expose",
]  # fmt: skip
NAMES = {
    "EvalContext": "a type in quotes",
    "PoolConnectionProxy": "a type in quotes",
    "SchemaKeywords": "pydantic calls its method",
    "add_pagination_urls": "sqladmin calls it",
    "background": "Starlette reads it",
    "details_context": "sqladmin calls it",
    "enable_telemetry": "Stripe's SDK reads it",
    "exception_handlers": "Starlette reads it",
    "get_detail_value": "sqladmin calls it",
    "get_list_value": "sqladmin calls it",
    "get_user_id": "sqladmin calls it",
    "globals": "jinja2 reads it",
    "has_permission": "sqladmin calls it",
    "keep_alive": "uvicorn reads it",
    "list_context": "sqladmin calls it",
    "model_post_init": "pydantic calls it",
    "send_400_response": "uvicorn calls it",
    "should_exit": "uvicorn reads it",
    "startup": "uvicorn calls it",
    "stripe_locale": "templates read it",
    "unexplained": "the lab asks it of every invoice: what a total is made of, said beside what the totals are",
}


def test_nothing_of_the_service_is_unused() -> None:
    """Variables are left out: most are fields of answers, which their readers name."""
    commands = [where.partition(":")[2] for where, _ in COMMANDS.values()]
    found = Vulture(ignore_names=[*NAMES, *commands], ignore_decorators=CALLED_BY_OTHERS)
    found.scavenge([str(PROJECT / "app"), str(PROJECT / "migrations" / "env.py")])
    unused = [one for one in found.get_unused_code() if one.typ != "variable"]
    assert {f"{one.filename}:{one.first_lineno} {one.name}" for one in unused} == set()
