"""Large pastes are one character of the line, shown as a few words."""

from __future__ import annotations

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.layout.controls import BufferControl
from prompt_toolkit.layout.processors import TransformationInput

from rtcli.repl.pastes import MIN_CHARACTERS, MIN_ROWS, PasteLabels, Pastes

LARGE = "x" * 200_000


def test_a_small_text_stays_as_it_is() -> None:
    """And so does a line without any paste."""
    pastes = Pastes()
    small = "a\n" * (MIN_ROWS - 1)

    assert pastes.fold(small) == small
    assert pastes.unfold(small) == pastes.labeled(small) == small
    assert not pastes.are_in(small)


def test_a_large_text_is_one_character_and_comes_back_whole() -> None:
    """Two of them in one line, of the same size, are not confused."""
    pastes = Pastes()
    rows = "b\n" * MIN_ROWS
    line = f"compare {pastes.fold(LARGE)} and {pastes.fold(rows)}{pastes.fold('y' * MIN_CHARACTERS)}"

    assert len(line) == len("compare  and ") + 3
    assert pastes.unfold(line) == f"compare {LARGE} and {rows}{'y' * MIN_CHARACTERS}"
    assert pastes.labeled(line) == "compare [pasted 200 kB] and [pasted 200 bytes, 101 lines][pasted 1,000 bytes]"
    assert pastes.are_in(line)


def test_a_line_that_is_large_without_a_paste_is_shown_by_its_size() -> None:
    """One that came from an editor, or key by key."""
    pastes = Pastes()

    assert pastes.labeled(LARGE) == "[text 200 kB]"
    assert pastes.are_in(LARGE)


def test_the_cursor_goes_over_a_label_in_one_step() -> None:
    """Every position of the line has its place on the screen, and the other way round."""
    pastes = Pastes()
    text = f"ab{pastes.fold(LARGE)}c"
    buffer = Buffer(document=Document(text))
    shown = PasteLabels(pastes).apply_transformation(
        TransformationInput(BufferControl(buffer), buffer.document, 0, lambda i: i, [("", text)], 80, 24)
    )
    label = "[pasted 200 kB]"

    assert "".join(fragment[1] for fragment in shown.fragments) == f"ab{label}c"
    assert [shown.source_to_display(index) for index in range(6)] == [0, 1, 2, 2 + len(label), 3 + len(label), 19]
    assert [shown.display_to_source(column) for column in (0, 1, 2, 3, 16, 17, 18, 19)] == [0, 1, 2, 2, 2, 3, 4, 5]
