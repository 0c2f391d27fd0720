"""Writes PDFs: pages of text in Helvetica, and lines.

It knows the file format (ISO 32000: objects, cross-reference table, WinAnsi text) and the widths of letters. The origin
is the page's upper left corner; lengths are in points.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

WIDTH, HEIGHT = 595, 842
"""A4."""

_WIDTHS = (
    "278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 556 278 278"
    " 584 584 584 556 1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 667 778 722 667 611 722 667"
    " 944 667 667 611 278 278 278 469 556 333 556 556 500 556 556 278 556 556 222 222 500 222 833 556 556 556 556"
    " 333 500 278 556 500 722 500 500 500 334 260 334 584"
)
_HELVETICA = dict(zip(range(32, 127), map(int, _WIDTHS.split()), strict=True))
_OTHER = 556
_ESCAPES = str.maketrans({"\\": "\\\\", "(": "\\(", ")": "\\)", "\r": " ", "\n": " "})


def text_width(text: str, size: float) -> float:
    """How wide `text` is in Helvetica; letters beyond ASCII count as a common one."""
    return sum(_HELVETICA.get(ord(letter), _OTHER) for letter in text) * size / 1000


def wrapped(text: str, size: float, width: float) -> Iterator[str]:
    """`text` in lines of at most `width`, broken between words; a word that is longer is cut."""
    for paragraph in text.splitlines() or [""]:
        line = ""
        for word in paragraph.split():
            if line and text_width(f"{line} {word}", size) > width:
                yield line
                line = ""
            line = f"{line} {word}" if line else word
            while text_width(line, size) > width:
                fits = max(n for n in range(1, len(line)) if n == 1 or text_width(line[:n], size) <= width)
                yield line[:fits]
                line = line[fits:]
        yield line


@dataclass(slots=True)
class Pdf:
    """A document being written."""

    title: str
    _pages: list[list[bytes]] = field(default_factory=list)

    def page(self) -> None:
        """Begin a page; what is drawn goes onto it."""
        self._pages.append([])

    def text(self, x: float, y: float, text: str, size: float = 10, *, bold: bool = False, right: bool = False) -> None:
        """Write `text` with its baseline at `y`, beginning at `x` or, `right`, ending there."""
        start = x - text_width(text, size) if right else x
        shown = text.translate(_ESCAPES).encode("cp1252", "replace")
        font = "B" if bold else "R"
        place = f"BT /{font} {size} Tf {start:.2f} {HEIGHT - y:.2f} Td (".encode()
        self._pages[-1].append(place + shown + b") Tj ET")

    def line(self, x: float, y: float, to_x: float) -> None:
        """Draw a thin horizontal line."""
        self._pages[-1].append(f"0.5 w 0.8 G {x:.2f} {HEIGHT - y:.2f} m {to_x:.2f} {HEIGHT - y:.2f} l S".encode())

    def finish(self) -> bytes:
        """The file."""
        count = len(self._pages)
        kids = " ".join(f"{5 + 2 * index} 0 R" for index in range(count))
        bodies = [
            b"<< /Type /Catalog /Pages 2 0 R /Lang (en) /ViewerPreferences << /DisplayDocTitle true >> >>",
            f"<< /Type /Pages /Kids [{kids}] /Count {count} /MediaBox [0 0 {WIDTH} {HEIGHT}] >>".encode(),
            _font("Helvetica"),
            _font("Helvetica-Bold"),
        ]
        for index, drawn in enumerate(self._pages):
            content = b"\n".join(drawn)
            bodies.append(
                f"<< /Type /Page /Parent 2 0 R /Contents {6 + 2 * index} 0 R"
                " /Resources << /Font << /R 3 0 R /B 4 0 R >> >> >>".encode()
            )
            bodies.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
        bodies.append(b"<< /Title (" + self.title.translate(_ESCAPES).encode("cp1252", "replace") + b") >>")
        return _assembled(bodies)


def _font(name: str) -> bytes:
    return f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>".encode()


def _assembled(bodies: list[bytes]) -> bytes:
    """The objects in a row, the table of where each begins, and the trailer; the last object is the information."""
    file = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(bodies, 1):
        offsets.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(file)
    file += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    for offset in offsets:
        file += b"%010d 00000 n \n" % offset
    file += b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\n" % (len(bodies) + 1, len(bodies))
    file += b"startxref\n%d\n%%%%EOF\n" % start
    return bytes(file)
