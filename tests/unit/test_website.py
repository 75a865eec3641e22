"""What the documentation site is made with: links, docstrings, and the check of what was built."""

import pytest
from website.checked_site import problems_of
from website.copied_pages import CopiedPages
from website.docstring import Docstring, sources_in

PARTS = {"TIGER": "parts/recommenders/TIGER"}


@pytest.fixture
def root(tmp_path):
    for name in (
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "benchmarks/README.md",
        "docs/method.md",
        "docs/rules.md",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"# {name}\n")
    (tmp_path / "docs" / "map.png").write_bytes(b"png")
    (tmp_path / "Makefile").write_text("all:\n")
    return tmp_path


def copied(root, text, name="docs/rules.md"):
    (root / name).write_text(text)
    pages = CopiedPages(root, root / "out", PARTS)
    pages.write()
    return (root / "out" / f"{pages.pages[root / name]}.md").read_text()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[all](../benchmarks/README.md#a-b)", "[all](../results.md#a-b)"),
        ("[how](method.md) and [x](#own)", "[how](../method.md) and [x](#own)"),
        ("[a](https://example.org/b)", "[a](https://example.org/b)"),
        ("[make](../Makefile) it", "make it"),
        ("![Map](map.png)", "![Map](../files/map.png)"),
        ("`TIGER` or `Tiger`", "[`TIGER`](../parts/recommenders/TIGER.md) or `Tiger`"),
        ("# On `TIGER`", "# On `TIGER`"),
        ("```text\n`TIGER` [a](method.md)\n```", "```text\n`TIGER` [a](method.md)\n```"),
        ("    `TIGER` [a](b)\n", "    `TIGER` [a](b)\n"),
    ],
)
def test_links_lead_to_pages_of_the_site(root, before, after):
    assert copied(root, before) == after


def test_a_link_that_leads_nowhere_is_told(root):
    with pytest.raises(ValueError, match=r"rules.md: the link to lost.md leads nowhere"):
        copied(root, "[a](lost.md)")


def test_a_docstring_becomes_paragraphs_and_arguments():
    def made(a, b):
        """Add *things* to `x*y`.

        See <there>.

        Args:
            a: The | first,
                on two lines.
            b: `c|d`.

        Returns:
            Nothing.
        """

    found = Docstring.of(made)
    assert found.text == "Add \\*things\\* to `x*y`.\n\nSee \\<there>."
    assert found.arguments == {"a": "The \\| first, on two lines.", "b": "`c\\|d`."}


def test_papers_are_found_by_author_and_year_or_number():
    text = "As in (Cao et al. 2007), Roy and Vetterli 2007, Efron 1979 and arXiv 2309.15505; not in 2024 or Table 2."
    assert sources_in(text) == ["Cao et al. 2007", "Roy and Vetterli 2007", "Efron 1979", "arXiv 2309.15505"]


def test_a_built_site_is_checked(tmp_path):
    (tmp_path / "a.html").write_text(
        '<p id="here"></p><a href="b.html#there">x</a><a href="#here">x</a><a href="b.html#no">x</a>'
        '<a href="c.html">x</a><a href="https://example.org">x</a>'
        '<script src="https://cdn.example.org/x.js"></script><link rel="canonical" href="https://example.org/a">'
    )
    (tmp_path / "b.html").write_text('<p id="there"></p>')
    assert problems_of(tmp_path) == [
        "a.html: b.html#no has no such anchor",
        "a.html: c.html leads nowhere",
        "a.html: loads https://cdn.example.org/x.js from elsewhere",
    ]
