"""Markdown, styled while it streams."""

from __future__ import annotations

from rtcli.render.markdown import MarkdownRows
from rtcli.render.styles import Line, Span, plain


def styled(*rows: str) -> list[Line]:
    markdown = MarkdownRows()
    return [markdown.style(row, starts_line=True, ends_line=True) for row in rows]


def test_marks_are_muted_and_their_text_is_styled() -> None:
    """Bold, italic and code; the characters stay as the model wrote them."""
    (row,) = styled("a **bold** and `x*y` and _so_")

    assert row == (
        Span("", "a "),
        Span("muted", "**"),
        Span("bold", "bold"),
        Span("muted", "**"),
        Span("", " and "),
        Span("muted", "`"),
        Span("code", "x*y"),
        Span("muted", "`"),
        Span("", " and "),
        Span("muted", "_"),
        Span("italic", "so"),
        Span("muted", "_"),
    )


def test_what_is_no_markdown_is_left_alone() -> None:
    """Stars that multiply, arguments, names with underscores."""
    for text in ("2 * 3 * 4", "f(**kwargs)", "snake_case_name", "5 ** 2", "an * alone"):
        assert styled(text) == [(Span("", text),)]


def test_headings_lists_and_quotes_are_seen_at_the_start_of_a_line() -> None:
    """And only there."""
    heading, bullet, number, quoted, none = styled("# Title", "- one", "12. two", "> said", "a - b")

    assert heading == (Span("heading", "# Title"),)
    assert bullet[0] == Span("accent", "- ")
    assert number[0] == Span("accent", "12. ")
    assert quoted[0] == Span("accent", "> ")
    assert none == (Span("", "a - b"),)


def test_a_fence_holds_its_lines_as_they_are() -> None:
    """Code is code until the fence ends."""
    rows = styled("```python", "x = **y", "```", "after")

    assert [row[0].style for row in rows] == ["muted", "code", "muted", ""]
    assert [plain(row) for row in rows] == ["```python", "x = **y", "```", "after"]


def test_a_style_goes_on_in_the_next_row_of_its_line_and_ends_with_it() -> None:
    """A wrapped line is one line; a mark that was never closed does not reach the next."""
    markdown = MarkdownRows()
    first = markdown.style("see **this", starts_line=True, ends_line=False)
    second = markdown.style("one** there", starts_line=False, ends_line=True)
    third = markdown.style("plain", starts_line=True, ends_line=True)

    assert first[-1] == Span("bold", "this")
    assert second[0] == Span("bold", "one")
    assert third == (Span("", "plain"),)
