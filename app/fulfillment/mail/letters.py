"""Writes mails: templates for each moment, and headers.

A deployment's own directory may replace any template, for all languages or in a folder named for one. Values are escaped in HTML and kept to one line in headers.
"""

import re
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from itertools import product
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, TemplateError, select_autoescape

from app.domain.actions import Misconfigured, Moment
from app.domain.json import JsonView
from app.domain.locales import DEFAULT, LANGUAGES
from app.domain.mailbox import Mailbox, one_line
from app.fulfillment.mail.sample import FULFILLMENT, INVOICE
from app.languages.invoice_lines import functions
from app.languages.language import choose

PARTS = ("subject.txt", "txt", "html")
POLICY = SMTP.clone(cte_type="7bit", max_line_length=78)
BUILT_IN = FileSystemLoader(Path(__file__).parent / "templates")
TEMPLATES = Environment(
    loader=BUILT_IN,
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
BLANK_LINES = re.compile(r"\n{3,}")


class MailWriter:
    def __init__(self, sender: Mailbox, directory: Path | None = None, default_locale: str = DEFAULT) -> None:
        """Raises Misconfigured if a template cannot be read or rendered."""
        self._default = default_locale
        self._sender = sender
        self._templates = TEMPLATES
        if directory:
            self._templates = TEMPLATES.overlay(loader=ChoiceLoader([FileSystemLoader(directory), BUILT_IN]))
        own_languages = [code for code in LANGUAGES if directory and (directory / code).is_dir()]
        for moment, locale in product(Moment, {default_locale, *own_languages}):
            try:
                self.write(moment, sender, "act_sample", FULFILLMENT, INVOICE | {"preferred_locales": [locale]})
            except (TemplateError, OSError, ValueError, TypeError, LookupError) as error:
                raise Misconfigured(
                    f"The mail for {moment} cannot be written: {type(error).__name__}: {error}"
                ) from error

    def write(
        self,
        moment: Moment,
        recipient: Mailbox,
        action_id: str,
        fulfillment: JsonView,
        invoice: JsonView,
        *,
        overdue: bool = False,
    ) -> EmailMessage:
        """The mail of `moment`. Its Message-ID is always the same, so that a second copy is recognised.

        overdue: whether a reminder is one after the due date.
        """
        values = {"fulfillment": fulfillment, "invoice": invoice, "overdue": overdue}
        subject, text, html = (self._rendered(moment, part, values) for part in PARTS)
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

    def _rendered(self, moment: Moment, part: str, values: JsonView) -> str:
        language = choose(values["invoice"].get("preferred_locales") or (), default=self._default)
        name = f"{moment}.{part}"
        template = self._templates.select_template([f"{language.code}/{name}", name])
        return template.render(**functions(language), **values)
