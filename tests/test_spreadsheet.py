"""A real spreadsheet program opens the organiser's CSV as it is meant."""

import csv
import io
import shutil
import subprocess
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from event_registration.export import CSVLines
from event_registration.questions import Column
from event_registration.testing import make_registration

pytestmark = pytest.mark.proof

SCRIPTS = {
    "Latin": "Zoë Łódź, Ñandú",
    "Arabic": "مرحبا بالعالم",
    "Hebrew": "שלום עולם",
    "Han": "日本語の名前",
    "Devanagari": "नमस्ते दुनिया",
    "emoji": "👩‍🚀 🏳️‍🌈",
    "quotes": "a \"b\", 'c'; d",
    "lines": "one\ntwo\nthree",
}
SIGNS = "-=+@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212\t\n"
FORMULAS = [
    *(f"{sign}1+1" for sign in SIGNS),
    '=HYPERLINK("https://example.org")',
    "a;=1+1;b",
    "a\n=1+1;b",
    "a\t=1+1\tb",
    'a;"=1+1;b',
]
NUMBERS = [0, 5, -5, 0.25, -0.25, 2**53 - 1, 1e22, -1e-7]
COMMA, SEMICOLON, TAB = 44, 59, 9

_OFFICE, _TABLE, _TEXT = (
    f"{{urn:oasis:names:tc:opendocument:xmlns:{name}:1.0}}" for name in ("office", "table", "text")
)


@pytest.fixture
def opened(tmp_path):
    """Return a function that opens a CSV with a separator and returns rows of cells: type, value and formula."""
    program = shutil.which("soffice")
    if program is None:
        pytest.fail("There is no soffice here; on Debian it comes with the package libreoffice-calc.")

    def opened(text, separator):
        path = tmp_path / "people.csv"
        path.write_bytes(text.encode())
        # "Filter Options for CSV Files", LibreOffice: separator, quotation mark, 76 for UTF-8, first line; numbers are
        # recognised, and formulas calculated, which a person would have to ask for.
        options = f"CSV:{separator},34,76,1,,0,false,true,false,false,false,0,true"
        subprocess.run(
            [
                *(program, f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless"),
                *(f"--infilter={options}", "--convert-to", "fods", "--outdir", tmp_path, path),
            ],
            check=True,
            capture_output=True,
            timeout=120,
        )
        tree = ET.parse(tmp_path / "people.fods")  # noqa: S314 - LibreOffice's own
        return [_cells(row) for row in tree.iter(f"{_TABLE}table-row")]

    return opened


def _cells(row):
    cells = []
    for cell in row.iter(f"{_TABLE}table-cell"):
        kind = cell.get(f"{_OFFICE}value-type")
        text = "\n".join(_text(line) for line in cell.iter(f"{_TEXT}p"))
        value = cell.get(f"{_OFFICE}value") or cell.get(f"{_OFFICE}date-value") or text
        found = (kind, value, cell.get(f"{_TABLE}formula"))
        cells += [found] * int(cell.get(f"{_TABLE}number-columns-repeated", "1"))
    return cells


def _text(line):
    """Return the text of a paragraph, in which runs of spaces and tabs are elements."""
    pieces = [line.text or ""]
    for element in line:
        white = {f"{_TEXT}s": " ", f"{_TEXT}tab": "\t"}.get(element.tag)
        pieces.append(_text(element) if white is None else white * int(element.get(f"{_TEXT}c", "1")))
        pieces.append(element.tail or "")
    return "".join(pieces)


def _people():
    """Return the CSV of people whose names and answers are of every script, whose numbers and whose formulas."""
    lines = CSVLines(ZoneInfo("Europe/Berlin"), [Column("text", "Text"), Column("number", "Number")])
    came = datetime(2026, 3, 1, 12, tzinfo=UTC)
    rows = [{"text": text} for text in [*SCRIPTS.values(), *FORMULAS]] + [{"number": number} for number in NUMBERS]
    return lines.head + "".join(lines.line(make_registration(registered_at=came, seat=1, answers=row)) for row in rows)


def test_every_cell_is_what_it_was(opened):
    """Texts of every script are the same texts, numbers are numbers, times are times, and nothing is calculated."""
    headings, *rows = opened(_people(), COMMA)

    texts = [(kind, value) for kind, value, _ in (row[9] for row in rows[: len(SCRIPTS)])]
    numbers = [(kind, float(value)) for kind, value, _ in (row[9] for row in rows[-len(NUMBERS) :])]
    assert [value for _, value, _ in headings[9:12]] == ["Text", "Number", "other answers"]
    assert texts == [("string", text) for text in SCRIPTS.values()]
    assert numbers == [("float", number) for number in NUMBERS]
    assert {row[3][:2] for row in rows} == {("date", "2026-03-01T13:00:00")}
    assert {row[4][:2] for row in rows} == {("float", "1")}


def test_text_like_a_formula_stays_text(opened):
    """Behind its apostrophe a text is read as it was written, whatever it begins with."""
    _, *rows = opened(_people(), COMMA)

    cells = [row[9] for row in rows[len(SCRIPTS) : -len(NUMBERS)]]
    assert {(kind, formula) for kind, _, formula in cells} == {("string", None)}
    plain = [text for text in FORMULAS if ";" not in text and "\n" not in text and "\t" not in text]
    assert [value for _, value, _ in cells if value[1:] in plain] == [f"'{text}" for text in plain]


@pytest.mark.parametrize("separator", [COMMA, SEMICOLON, TAB], ids=["comma", "semicolon", "tab"])
def test_nothing_is_calculated_whatever_the_separator(opened, separator):
    """A program that is set to another separator doesn't see the quotation marks, and finds no formula all the same."""
    rows = opened(_people(), separator)

    assert [cell for row in rows for cell in row if cell[2]] == []


@pytest.mark.parametrize("separator", [COMMA, SEMICOLON, TAB], ids=["comma", "semicolon", "tab"])
def test_without_the_apostrophes_it_calculates(opened, separator):
    """The control: the same texts, quoted but not neutralised, become formulas."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([number, text, ""] for number, text in enumerate(FORMULAS))

    rows = opened(text.getvalue(), separator)

    assert [cell for row in rows for cell in row if cell[2]] != []
