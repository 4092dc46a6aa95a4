"""Charts, tables and the one-file HTML renderer. Knows no disease.

A report is a frozen document (:mod:`nextarm.report.document`): sections of paragraphs, notes, tables and charts, in
which every number is a :class:`Number` that knows its trail. :func:`write_report` turns it into ``report.html`` (one
file that opens offline), ``results.json`` (every number with its trail) and the charts as SVG.

May import: core to simulation.
"""

from nextarm.report.document import (
    Block,
    Cell,
    Chart,
    Code,
    Column,
    DataTable,
    Definitions,
    Details,
    Emphasis,
    Heading,
    Inline,
    KeyFigures,
    Link,
    ListBlock,
    Note,
    Number,
    Paragraph,
    Report,
    RowGroup,
    Section,
    Strong,
    number,
    paragraph,
    say,
    slug,
)
from nextarm.report.formats import FORMATS, Format, format_number
from nextarm.report.html import draw_charts, render_html
from nextarm.report.ledger import Ledger, LedgerEntry, ledger_of, plain_text
from nextarm.report.results_json import read_results, results_json
from nextarm.report.write import Site, WrittenReport, check_folder, write_report, write_texts

__all__ = [
    "FORMATS",
    "Block",
    "Cell",
    "Chart",
    "Code",
    "Column",
    "DataTable",
    "Definitions",
    "Details",
    "Emphasis",
    "Format",
    "Heading",
    "Inline",
    "KeyFigures",
    "Ledger",
    "LedgerEntry",
    "Link",
    "ListBlock",
    "Note",
    "Number",
    "Paragraph",
    "Report",
    "RowGroup",
    "Section",
    "Site",
    "Strong",
    "WrittenReport",
    "check_folder",
    "draw_charts",
    "format_number",
    "ledger_of",
    "number",
    "paragraph",
    "plain_text",
    "read_results",
    "render_html",
    "results_json",
    "say",
    "slug",
    "write_report",
    "write_texts",
]
