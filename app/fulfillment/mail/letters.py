"""Writes mails: templates for each moment, and headers.

A deployment's own directory may replace any template. Values are escaped in HTML and kept to one line in headers.
"""

import re
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, TemplateError, select_autoescape

from app.domain.actions import Misconfigured, Moment
from app.domain.invoice_lines import adjustments, quantity
from app.domain.json import JsonView
from app.domain.mailbox import Mailbox, one_line
from app.domain.money import format_amount
from app.fulfillment.mail.sample import FULFILLMENT, INVOICE

PARTS = ("subject.txt", "txt", "html")
POLICY = SMTP.clone(cte_type="7bit", max_line_length=78)
BLANK_LINES = re.compile(r"\n{3,}")


class MailWriter:
    """Writes the mails of one deployment."""

    def __init__(self, sender: Mailbox, directory: Path | None = None) -> None:
        """Raises Misconfigured if a template cannot be read or rendered."""
        own = [FileSystemLoader(directory)] if directory else []
        self._sender = sender
        self._templates = Environment(
            loader=ChoiceLoader([*own, FileSystemLoader(Path(__file__).parent / "templates")]),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals |= {
            "money": format_amount,
            "day": lambda moment: moment[:10],
            "adjustments": adjustments,
            "quantity": quantity,
        }
        for moment in Moment:
            try:
                self.write(moment, sender, "act_sample", FULFILLMENT, INVOICE)
            except (TemplateError, OSError, ValueError, TypeError, LookupError) as error:
                raise Misconfigured(
                    f"The mail for {moment} cannot be written: {type(error).__name__}: {error}"
                ) from error

    def write(
        self, moment: Moment, recipient: Mailbox, action_id: str, fulfillment: JsonView, invoice: JsonView
    ) -> EmailMessage:
        """The mail of `moment`. Its Message-ID is always the same, so that a second copy is recognised."""
        subject, text, html = (self._rendered(moment, part, fulfillment, invoice) for part in PARTS)
        message = EmailMessage(policy=POLICY)
        message["From"] = formataddr((self._sender.name, self._sender.address))
        message["To"] = recipient.address
        message["Subject"] = one_line(subject)
        message["Date"] = format_datetime(datetime.now(UTC))
        message["Message-ID"] = f"<{action_id}@{self._sender.domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(BLANK_LINES.sub("\n\n", text).strip() + "\n")
        message.add_alternative(html, subtype="html")
        return message

    def _rendered(self, moment: Moment, part: str, fulfillment: JsonView, invoice: JsonView) -> str:
        template = self._templates.get_template(f"{moment}.{part}")
        return template.render(fulfillment=fulfillment, invoice=invoice)
