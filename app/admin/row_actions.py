"""Runs a use case of the API, with its rules and its audit log, on each of the rows that an operator chose."""

from types import MappingProxyType

from sqladmin.flash import Flash
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.admin.login import require_admin
from app.container import Container
from app.domain.errors import IdempotencyInProgress, IdempotencyMismatch, InvoicingError, Refused, StripeTimeout
from app.domain.json import JsonView
from app.idempotency.operations import Call, UseCase

UNCLEAR = "Stripe has not said yet whether this was done. A worker finds out: look here again in a minute, before you repeat it."


async def act_on_chosen(
    request: Request,
    container: Container,
    use_case: UseCase,
    *,
    noun: str,
    done: str,
    params: JsonView = MappingProxyType({}),
) -> Response:
    """Run `use_case` for each id in the form, then redirect to the rows. A form with a field `once` is done once."""
    operator = require_admin(request)
    form = await request.form()
    chosen, once = [str(one) for one in form.getlist("id")], str(form.get("once", ""))
    folder = request.url.path.rpartition("/")[0]
    refused: list[str] = []
    for subject in chosen:
        if not subject.isprintable():  # PostgreSQL cannot hold a NUL
            refused.append(f"There is no {noun} {subject!r}.")
            continue
        call = Call(
            caller=operator.caller,
            target=f"POST {request.url.path}",
            params=dict(params),
            key=f"console-{once}" if once.isalnum() else None,
            subject=subject,
            request_id=request.scope["request_id"],
        )
        try:
            await container.operations.run(call, use_case)
        except IdempotencyMismatch:
            refused.append("This form was sent before with other values. Open the page again for a new form.")
        except Refused as error:
            refused.append(error.detail)
        except InvoicingError as error:
            if not (error.unsure or isinstance(error, StripeTimeout | IdempotencyInProgress)):
                raise
            Flash.warning(request, UNCLEAR)
            return RedirectResponse(f"{folder}/details/{subject}", 303)
    if not chosen:
        Flash.warning(request, f"No {noun} was chosen.")
    if refused:
        Flash.error(request, f"{len(refused)} of {counted(len(chosen), noun)} refused: {refused[0]}")
    elif chosen:
        Flash.success(request, f"{counted(len(chosen), noun)} {done}")
    alone = len(chosen) == 1 and (once or not refused)  # a form with `once` came from the row's own page
    return RedirectResponse(f"{folder}/details/{chosen[0]}" if alone else f"{folder}/list", 303)


def counted(count: int, noun: str) -> str:
    """`count` with `noun` in the singular or plural."""
    many = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{count} {noun if count == 1 else many}"
