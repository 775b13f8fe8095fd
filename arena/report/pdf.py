"""A season as PDF, to print or to send: what the Markdown says, with the curves as a picture."""

from __future__ import annotations

import tempfile
from pathlib import Path

from arena.analysis.charts import equity_picture
from arena.report.contents import Report
from arena.report.curves import curves_of
from arena.report.drawings import measures_of
from arena.report.markdown import to_markdown

FONT = "DejaVu"
FACES = {"": "DejaVuSans.ttf", "B": "DejaVuSans-Bold.ttf", "I": "DejaVuSans-Oblique.ttf", "BI": "DejaVuSans-BoldOblique.ttf"}
SIZES = {"h1": 14, "h2": 11}  # points
BODY = 7.5  # points, so that eleven columns fit on A4 across
HTML = ((' style="text-align:right"', ' align="right"'), ("<img ", '<img width="470" '))  # as fpdf2 understands it
SHARP = 220  # points of the picture in an inch


def to_pdf(report: Report) -> bytes:
    """Return the report as a PDF of A4 across, with fonts of its own."""
    import matplotlib as mpl
    from fpdf import FPDF, TextStyle
    from markdown_it import MarkdownIt

    pages = FPDF(orientation="landscape", format="A4")
    pages.set_title(f"LLM Trading Arena: {report.season['season_id']}")
    for style, file in FACES.items():
        pages.add_font(FONT, style, Path(mpl.get_data_path()) / "fonts" / "ttf" / file)
    pages.set_font(FONT, size=BODY)
    pages.add_page()
    with tempfile.TemporaryDirectory(prefix="arena-report-") as folder:
        markdown = to_markdown(report, _picture(report, Path(folder)))
        text = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
        for told, understood in HTML:
            text = text.replace(told, understood)
        styles = {
            tag: TextStyle(font_family=FONT, font_style="B", font_size_pt=size, t_margin=3, b_margin=1)
            for tag, size in SIZES.items()
        }
        pages.write_html(text, font_family=FONT, tag_styles=styles, table_line_separators=True)
        return bytes(pages.output())


def _picture(report: Report, folder: Path) -> str:
    """Draw the curves into a file, and return its name; empty before the first point."""
    if not any(report.equity.values()):
        return ""
    curves = [*curves_of(report.competitors, report.equity), *measures_of(report.verdict)]
    file = folder / "equity.png"
    file.write_bytes(equity_picture(curves, float(report.competitors[0]["capital"]), SHARP))
    return str(file)
