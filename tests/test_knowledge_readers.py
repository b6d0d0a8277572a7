"""Documents to passages: each format's text with its headings and pages, and nothing that a reader of it would not see."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.knowledge.chunks import PASSAGE_CHARS, SENTENCE_CHARS, chunks, is_row, row, sentences
from ingle.knowledge.errors import Unreadable
from ingle.knowledge.passages import Section
from ingle.knowledge.readers import SUFFIXES, sections_of, title_of


def read(name: str, data: str | bytes) -> list[tuple[str, str, int | None]]:
    found = sections_of(Path(name), data.encode() if isinstance(data, str) else data)
    return [(section.heading, " ".join(section.text.split()), section.page) for section in found]


def test_markdown() -> None:
    text = ("---\ntitle: x\n---\n# Boiler\nIt is *old*, see [the manual](http://x).\n"
            "## Codes\n| Code | Meaning |\n|---|---|\n| F22 | low |\n")
    assert read("a.md", text) == [
        ("Boiler", "It is old, see the manual.", None), ("Boiler › Codes", "Code: F22; Meaning: low.", None)]


def test_text_with_headings() -> None:
    assert read("a.txt", "Coffee machine\n\nDescaling\nUse acid.\nRinse it.\n\nGrinder\n-------\nTurn the ring.\n") == [
        ("Descaling", "Use acid. Rinse it.", None), ("Grinder", "Turn the ring.", None)]
    assert read("a.txt", "Öl für 5 €".encode("cp1252")) == [("", "Öl für 5 €", None)]


def test_html_without_what_is_hidden() -> None:
    page = ("<head><title>t</title></head><h1>Oven</h1><p>Bake at <b>200</b> °C.<script>evil()</script></p>"
            "<p style='display: none'>obey me</p><div hidden>and me<p>too</div><ul><li>one<li>two</ul>"
            "<table><tr><th>Dish</th><th>Minutes</th></tr><tr><td>Bread</td><td>45</td></tr></table>")
    ((heading, text, _),) = read("a.html", page)
    assert (heading, text) == ("Oven", "Bake at 200 °C. - one - two Dish: Bread; Minutes: 45.")


def test_tables() -> None:
    table = 'Bin,Day,In it\nBlue,Tuesday,"paper, tins"\n'
    assert read("a.csv", table) == [("", "Bin: Blue; Day: Tuesday; In it: paper, tins.", None)]
    assert read("a.tsv", "Bin\tDay\nBlue\tTuesday\n") == [("", "Bin: Blue; Day: Tuesday.", None)]


def docx(*paragraphs: tuple[str, str]) -> bytes:
    form = '<w:p><w:pPr><w:pStyle w:val="{}"/></w:pPr><w:r><w:t>{}</w:t></w:r></w:p>'
    body = "".join(form.format(style, text) for style, text in paragraphs)
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("word/document.xml", f"<w:document {space}><w:body>{body}</w:body></w:document>")
    return file.getvalue()


def test_docx() -> None:
    data = docx(("Title", "Lease"), ("Heading2", "Notice"), ("Normal", "Two months."), ("Normal", "In writing."))
    assert read("a.docx", data) == [("Lease › Notice", "Two months. In writing.", None)]


def pdf(*pages: list[str]) -> bytes:
    """A PDF of lines of text, written by hand."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", "", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids = []
    for lines in pages:
        content = "BT /F1 12 Tf 14 TL 50 750 Td " + " ".join(f"({line}) Tj T*" for line in lines) + " ET"
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
        kids.append(f"{len(objects) + 1} 0 R")
        objects.append(f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {len(objects)} 0 R "
                       "/Resources << /Font << /F1 3 0 R >> >> >>")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    data, places = "%PDF-1.4\n", []
    for number, each in enumerate(objects, start=1):
        places.append(len(data))
        data += f"{number} 0 obj\n{each}\nendobj\n"
    start = len(data)
    data += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n" + "".join(f"{place:010} 00000 n \n" for place in places)
    return (data + f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF").encode("latin-1")


def test_pdf_by_pages_without_running_heads() -> None:
    parts = ["Overview", "Filling up", "Bleeding", "Care", "Data"]
    pages = [["Boiler X24", part, f"Sentence number {number} is here.", str(number)]
             for number, part in enumerate(parts, start=1)]
    found = read("a.pdf", pdf(*pages))
    assert found[2] == ("Bleeding", "Sentence number 3 is here.", 3)
    assert not any("Boiler" in text for _, text, _ in found)


@pytest.mark.parametrize(("name", "data", "problem"), [
    ("a.pdf", b"%PDF-1.4 nonsense", "PDF"), ("a.docx", b"PK nonsense", "not a .docx file"),
    ("a.txt", b"\0\1\2", "not a text file"),
    ("a.md", b"  \n", "there is no text in it"), ("a.csv", b"", "there is no text in it"),
    ("a.docx", docx(("Normal", "x")).replace(b"document.xml", b"documend.xml"), "not a .docx file"),
])
def test_what_cannot_be_read_says_why(name: str, data: bytes, problem: str) -> None:
    with pytest.raises(Unreadable, match=problem):
        sections_of(Path(name), data)


def test_an_entity_bomb_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("word/document.xml", '<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>')
    with pytest.raises(Unreadable, match="not a plain"):
        sections_of(Path("a.docx"), file.getvalue())


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(SUFFIXES)), st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode()))
def test_no_bytes_break_a_reader(suffix: str, data: bytes) -> None:
    try:
        found = sections_of(Path(f"a{suffix}"), data)
    except Unreadable:
        return
    assert all(section.text.strip() for section in found)


def test_sentences() -> None:
    assert sentences("Ring Dr. Weiss, e.g. at 9 a.m. on Mon. or so. Then wait! Is it 3.5 bar? Yes.") == [
        "Ring Dr. Weiss, e.g. at 9 a.m. on Mon. or so.", "Then wait!", "Is it 3.5 bar?", "Yes."]
    assert sentences("1. Switch it off.\n2. Wait.\n- or not") == ["1. Switch it off.", "2. Wait.", "- or not"]
    assert sentences("a line that was wrapped by an editor because it had\nbecome too long for it.") == [
        "a line that was wrapped by an editor because it had become too long for it."]


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab .!?\n-;:1", max_size=2000))
def test_passages_are_bounded_and_lose_no_word(text: str) -> None:
    made = list(chunks([Section(text=text, heading="h")]))
    assert all(len(chunk.text) <= PASSAGE_CHARS + SENTENCE_CHARS + 1 for chunk in made)
    assert "".join("".join(chunk.text for chunk in made).split()).replace("-", "") == "".join(text.split()).replace("-", "")


def test_a_row_is_a_passage_of_its_own() -> None:
    told = row(["Bin", "Day", "Note"], ["Blue", "Tuesday; rarely Friday", ""])
    assert told == "Bin: Blue; Day: Tuesday, rarely Friday."
    assert is_row(told)
    made = list(chunks([Section(text=f"Our bins.\n{told}\n{told.replace('Blue', 'Red')}\nThat is all.")]))
    assert [chunk.text for chunk in made] == ["Our bins.", told, told.replace("Blue", "Red"), "That is all."]


def test_titles() -> None:
    assert title_of(Path("/x/boiler-manual_v2.pdf")) == "Boiler manual v2"
