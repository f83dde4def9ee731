"""A sheet on A4 paper as a PDF. The only file that knows the PDF library; the type is Debian's fonts-noto-cjk."""

from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import PartError
from edge.station.sheets import Sheet

if TYPE_CHECKING:  # fpdf2 takes a second to load, and most stations print seldom
    from fpdf import FPDF

FONT = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
SIMPLIFIED = 2  # of the collection's faces: 0 Japanese, 1 Korean, 2 and on Chinese
_LINE_MM = 6
_LATIN = "helvetica"


def paper(sheet: Sheet, font: Path = FONT) -> bytes:
    """The PDF. Raises PartError where it has letters that no installed type can print."""
    from fpdf import FPDF
    from fpdf.fonts import FontFace

    letters = "".join([sheet.title, *sheet.notes, *sheet.columns, *(cell for row in sheet.rows for cell in row)])
    page = FPDF(format="A4")
    page.set_title(sheet.title)
    page.set_auto_page_break(auto=True, margin=15)
    face = _face(page, letters, font)
    page.add_page()
    page.set_font(face, size=15)
    page.cell(0, 10, sheet.title, new_x="LMARGIN", new_y="NEXT")
    page.set_font(face, size=9)
    for note in sheet.notes:
        page.multi_cell(0, _LINE_MM, note, new_x="LMARGIN", new_y="NEXT")
    page.ln(2)
    head = FontFace(fill_color=(235, 238, 241))
    with page.table(col_widths=sheet.widths, line_height=_LINE_MM, headings_style=head, padding=1) as table:
        for row in (sheet.columns, *sheet.rows):
            table.row(row)
    return bytes(page.output())


def _face(page: "FPDF", letters: str, font: Path) -> str:
    if font.exists():
        page.add_font("cjk", fname=font, collection_font_number=SIMPLIFIED)
        return "cjk"
    try:
        letters.encode("latin-1")
    except UnicodeEncodeError as err:
        raise PartError(
            f"type {font}",
            found="no such file",
            wanted="Chinese type for the PDF",
            remedy="On the station: sudo apt install fonts-noto-cjk. CSV and the browser's own printing work without.",
        ) from err
    return _LATIN
