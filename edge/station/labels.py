"""Labels for units: a PDF to print on A4 sheets of 3 x 7 (63.5 x 38.1 mm), and what their QR code says."""

import io
from collections.abc import Sequence

import msgspec
import segno
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

COLUMNS, ROWS = 3, 7
WIDTH, HEIGHT = 63.5 * mm, 38.1 * mm
LEFT, TOP, GAP = 7.2 * mm, 15.1 * mm, 2.5 * mm
QR = 31 * mm
# Adobe's own Chinese face, which PDF readers bring along: no 20 MB of type in the package or in each file.
FONT, LATIN = "STSong-Light", "Helvetica-Bold"


class Label(msgspec.Struct, frozen=True):
    """One unit's label. page_code: opens the installer's page once. note: printed as it is, in Chinese too."""

    unit: str
    page_code: str
    expires: str  # YYYY-MM-DD
    note: str = ""


def qr_text(label: Label) -> str:
    """What the QR code says: read by the installer's page. Version 1."""
    return f"doorunit:1:{label.unit}:{label.page_code}"


def svg(text: str) -> bytes:
    """A QR code by itself, as a picture to print in any size."""
    drawn = io.BytesIO()
    segno.make(text, error="m", micro=False).save(drawn, kind="svg", scale=8)
    return drawn.getvalue()


def sheet(labels: Sequence[Label]) -> bytes:
    """The PDF, 21 labels a page."""
    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    paper = io.BytesIO()
    canvas = Canvas(paper, pagesize=A4, invariant=True)
    canvas.setTitle("doorunit")
    for number, label in enumerate(labels):
        place = number % (COLUMNS * ROWS)
        if number and place == 0:
            canvas.showPage()
        row, column = divmod(place, COLUMNS)
        x = LEFT + column * (WIDTH + GAP)
        _draw(canvas, label, x, A4[1] - TOP - (row + 1) * HEIGHT)
    canvas.save()
    return paper.getvalue()


def _draw(canvas: Canvas, label: Label, x: float, y: float) -> None:
    _qr(canvas, qr_text(label), x + 1 * mm, y + (HEIGHT - QR) / 2)
    left, width = x + QR + 3 * mm, WIDTH - QR - 4 * mm
    canvas.setFont(LATIN, _fit(label.unit, LATIN, 13, width))
    canvas.drawString(left, y + HEIGHT - 11 * mm, label.unit)
    canvas.setFont(FONT, 8)
    canvas.drawString(left, y + HEIGHT - 16 * mm, "门磁单元 Door unit")
    canvas.drawString(left, y + HEIGHT - 20.5 * mm, "安装码 Page code")
    canvas.setFont("Courier-Bold", 10)
    canvas.drawString(left, y + HEIGHT - 25 * mm, label.page_code)
    canvas.setFont(FONT, 7)
    canvas.drawString(left, y + HEIGHT - 29.5 * mm, f"{label.expires} 前启用 Enrol by")
    if label.note:
        canvas.setFont(FONT, _fit(label.note, FONT, 8, width))
        canvas.drawString(left, y + HEIGHT - 34 * mm, label.note)


def _fit(text: str, font: str, size: float, width: float) -> float:
    """`size`, or less where `text` would be wider than `width`."""
    return min(size, size * width / float(pdfmetrics.stringWidth(text, font, size)))


def _qr(canvas: Canvas, text: str, x: float, y: float) -> None:
    """Level M mends 15 % of dirt and scratches; four modules of quiet zone, as the standard wants."""
    rows = [list(row) for row in segno.make(text, error="m", micro=False).matrix]
    side = QR / (len(rows) + 2 * 4)
    path = canvas.beginPath()
    for down, row in enumerate(rows):
        for across, dark in enumerate(row):
            if dark:
                path.rect(x + (across + 4) * side, y + QR - (down + 5) * side, side, side)
    canvas.drawPath(path, stroke=0, fill=1)
