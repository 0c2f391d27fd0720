"""The invoice as a PDF, as `invoice_pdf` answers it.

It only lays the facts out.
"""

from collections.abc import Iterator

from offline_stripe.documents import Document
from offline_stripe.pages.invoice_view import facts, headline, row, sums
from offline_stripe.pages.pdf import HEIGHT, WIDTH, Pdf, wrapped
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.messages import Response

LEFT, RIGHT, TOP, BOTTOM = 56, WIDTH - 56, 72, HEIGHT - 72
QUANTITY = 400
LEADING = 15
NAMES = 110


def invoice_pdf(tx: Transaction, invoice: Document) -> Response:
    lines = tx.where("line_item", invoice=invoice["id"])
    name = f"Invoice-{invoice['number']}.pdf"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(200, _Sheet(invoice).written(lines), headers, "application/pdf")


class _Sheet:
    """The document and how far down the page it is written."""

    def __init__(self, invoice: Document) -> None:
        self._invoice = invoice
        self._pdf = Pdf(f"Invoice {invoice['number']}")
        self._pdf.page()
        self._y = float(TOP)

    def written(self, lines: list[Document]) -> bytes:
        pdf, invoice = self._pdf, self._invoice
        pdf.text(LEFT, self._y, "Invoice", 22, bold=True)
        pdf.text(RIGHT, self._y, str(invoice["number"]), 11, right=True)
        self._down(2)
        for name, value in facts(invoice):
            self._pair(name, value)
        self._down(1)
        pdf.text(LEFT, self._y, headline(invoice), 15, bold=True)
        self._down(2)
        self._table(lines)
        for name, value in sums(invoice):
            pdf.text(QUANTITY - 40, self._y, name, right=False, bold=name == "Amount due")
            pdf.text(RIGHT, self._y, value, right=True, bold=name == "Amount due")
            self._down(1)
        for paragraph in (invoice["description"], invoice["footer"]):
            self._down(1)
            for piece in self._pieces(paragraph or "", RIGHT - LEFT):
                pdf.text(LEFT, self._y, piece)
                self._down(1)
        return pdf.finish()

    def _table(self, lines: list[Document]) -> None:
        pdf = self._pdf
        pdf.text(LEFT, self._y, "Description", bold=True)
        pdf.text(QUANTITY, self._y, "Quantity", bold=True, right=True)
        pdf.text(RIGHT, self._y, "Amount", bold=True, right=True)
        pdf.line(LEFT, self._y + 5, RIGHT)
        self._down(1.4)
        for line in lines:
            description, quantity, amount = row(line)
            pdf.text(QUANTITY, self._y, quantity, right=True)
            pdf.text(RIGHT, self._y, amount, right=True)
            for piece in self._pieces(description, QUANTITY - LEFT - 60):
                pdf.text(LEFT, self._y, piece)
                self._down(1)
        pdf.line(LEFT, self._y - 8, RIGHT)
        self._down(0.6)

    def _pair(self, name: str, value: str) -> None:
        for index, piece in enumerate(self._pieces(value, RIGHT - LEFT - NAMES)):
            if index == 0:
                self._pdf.text(LEFT, self._y, name)
            self._pdf.text(LEFT + NAMES, self._y, piece)
            self._down(1)

    @staticmethod
    def _pieces(text: str, width: float) -> Iterator[str]:
        return wrapped(text, 10, width)

    def _down(self, lines: float) -> None:
        self._y += LEADING * lines
        if self._y > BOTTOM:
            self._pdf.page()
            self._y = float(TOP)
