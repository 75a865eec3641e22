"""Texts of data act nowhere: not on a terminal, not in Markdown, not in a figure."""

import io
import json
import logging
import re
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from matplotlib.cbook import is_math_text
from rich.table import Table

from lgsid import terminal
from lgsid.console import DataConsole
from lgsid.escaping import in_figure, in_json, markdown, one_line, printable
from lgsid.report.report_table import ReportTable

HOSTILE = (
    "\x1b]0;owned\x07\x1b[2J\x9b31m red \u202egnp.exe\u2066 [red]x[/red] :smile: <b>&amp;<script>alert(1)</script> "
    "[a](http://evil) ![i](//e) **b** _c_ `d` ~~e~~ | f \\ g $h$ <!-- i --> www.evil.example me@evil.example \r\n# j"
)
MARKS = st.sampled_from("\\`*_[](){}#+-.!|~<>&;:/@$=1) \n\t\x00\x1b\x9b\u202e\u2028aé漢")
TEXTS = st.one_of(st.text(MARKS, max_size=40), st.text(max_size=40))


OVERRIDES = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def may_act(text: str) -> set[str]:
    """Return the characters that a terminal may obey: controls, ends of lines, overrides, halves of pairs."""
    return {
        c
        for c in text
        if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(c) in OVERRIDES
    }


@given(st.text(max_size=60))
def test_nothing_acts_on_a_terminal(text):
    assert may_act(one_line(text)) == set()
    assert may_act(printable(text)) <= set("\n\t")
    assert len(one_line(text)) == len(text)


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=3))
def test_json_keeps_its_values_and_does_nothing(values):
    shown = in_json(json.dumps(values, indent=2, ensure_ascii=False))
    assert may_act(shown) <= {"\n"}
    assert printable(shown) == shown
    assert json.loads(shown) == values


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), max_size=60))
def test_all_other_texts_stay(text):
    assert printable(text) == one_line(text) == text


def test_emojis_and_scripts_that_join_letters_stay():
    for text in ("👩\u200d🍳", "ק\u05b8", "क्\u200dष"):
        assert one_line(text) == text


PLAIN = ("", "paragraph", "heading", "table", "thead", "tbody", "tr", "th", "td")


def rendered(source: str) -> str:
    """Return what a reader of Markdown sees, where nothing but plain paragraphs, headings and tables is in it."""
    seen = []
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(source):
        assert token.type.rpartition("_")[0] in (
            "paragraph",
            "heading",
            "table",
            "thead",
            "tbody",
            "tr",
            "td",
            "th",
            "",
        )
        for child in token.children or ():
            assert child.type == "text", child
            seen.append(child.content)
    return "".join(seen)


def squeezed(text: str) -> str:
    return " ".join(one_line(text).split())


@settings(max_examples=300)
@given(
    TEXTS.filter(lambda text: one_line(text.strip()).strip() not in ("", "-"))
)  # a dash is a cell with nothing, as it is
def test_markdown_shows_a_text_as_it_is(text):
    assert squeezed(rendered(markdown(text.strip()))) == squeezed(text.strip())
    assert squeezed(rendered(f"# a{markdown(text)}z")) == squeezed(f"a{text}z")
    table = ReportTable("t", ("a", "b"), ((f"a{text}z", "1"),)).markdown_rows()
    assert squeezed(rendered(table)) == squeezed(f"aba{text}z1")


def test_markdown_of_a_hostile_name_has_no_link_or_element():
    shown = markdown(HOSTILE)
    assert "<" not in shown
    assert "://" not in shown
    assert "www." not in shown
    assert not re.search(r"\w@\w", shown)
    assert squeezed(rendered(shown)) == squeezed(HOSTILE)


def test_markdown_leaves_names_of_stages_readable():
    for text in ("align_tokens", "Res-KMeans, 3 codes", "coverage@5, region_1", "-", "-0.05 (-0.08 to -0.03)", "0.5"):
        assert markdown(text) == text


@given(TEXTS)
def test_a_figure_takes_nothing_for_mathematics(text):
    shown = in_figure(text, 20)
    assert not is_math_text(shown)
    assert len(shown.replace("\\$", "$")) <= 21
    assert "\n" not in shown
    assert not shown.startswith("_")


def test_a_console_shows_markup_and_codes_as_text():
    buffer = io.StringIO()
    table = Table("name", title="[bold]title[/bold]")
    table.add_row("[red]x[/red] :smile: \x1b[31m")
    DataConsole(file=buffer, width=80, force_terminal=True, color_system="truecolor").print(table)
    text = re.sub(r"\x1b\[[0-9;]*m", "", buffer.getvalue())
    assert "[red]x[/red] :smile: ␛[3" in text
    assert "[bold]title[/bold]" in text
    assert "\x1b[31m" not in buffer.getvalue()


def test_what_the_command_prints_is_plain(capsys):
    terminal.show(f"a\n{HOSTILE}")
    terminal.tell(HOSTILE)
    terminal.complain(HOSTILE)
    terminal.show(Table(HOSTILE))
    terminal.show(terminal.columns([("a", HOSTILE), (HOSTILE, "b")]))
    found = capsys.readouterr()
    assert may_act(found.out + found.err) == {"\n"}
    assert len(found.err.splitlines()) == 1


def test_log_lines_are_plain():
    record = logging.LogRecord("lgsid.x", logging.INFO, "", 1, "place %s", (HOSTILE,), None)
    assert may_act(terminal.PrintableFormatter("%(message)s").format(record)) == {"\n"}


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_name_that_the_terminal_cannot_write_ends_nothing(encoding, monkeypatch):
    code = "from lgsid.terminal import *; prepare_output(); tell('漢 \\udc80 é'); complain('漢')"
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(b"\n") == 1
