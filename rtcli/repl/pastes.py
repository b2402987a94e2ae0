"""Large pastes and images: each stands at the prompt as one character, shown as a few words, and is sent as it is."""

from __future__ import annotations

from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput
from prompt_toolkit.layout.utils import explode_text_fragments

MIN_CHARACTERS, MIN_ROWS = 1_000, 100
"""From here on a text is large."""

_FIRST_SIGN = 0x10FF00
"""The signs are of a private area of Unicode that no font of icons uses."""


def is_large(text: str) -> bool:
    """Whether a text would flood the prompt and the scrollback."""
    return len(text) >= MIN_CHARACTERS or text.count("\n") >= MIN_ROWS


class Pastes:
    """The large pastes of the line that is being typed."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}  # by their signs
        self._labels: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"<Pastes {[_label('pasted', text) for text in self._texts.values()]}>"

    def fold(self, text: str) -> str:
        """The sign that stands for a text if it is large, else the text."""
        return self.stand_for(text, _label("pasted", text)) if is_large(text) else text

    def stand_for(self, text: str, label: str) -> str:
        """A sign that stands for a text, and is shown as a label."""
        sign = chr(_FIRST_SIGN + len(self._texts) % 0xF0)
        self._texts[sign], self._labels[sign] = text, label
        return sign

    def unfold(self, line: str) -> str:
        """A line with the texts in place of their signs."""
        return "".join(self._texts.get(letter, letter) for letter in line) if self._texts else line

    def label(self, letter: str) -> str | None:
        """What is shown for a sign; None for any other letter."""
        return self._labels.get(letter)

    def labeled(self, line: str) -> str:
        """A line as it is shown: a few words in place of each sign, and of itself if it is large without one."""
        shown = "".join(self.label(letter) or letter for letter in line) if self._texts else line
        return _label("text", line) if is_large(shown) else shown

    def are_in(self, line: str) -> bool:
        """Whether a line holds one, or is large itself: such a line is kept out of the history."""
        return is_large(line) or any(letter in line for letter in self._texts)

    def forget(self) -> None:
        """The line was sent."""
        self._texts.clear()
        self._labels.clear()


def _label(what: str, text: str) -> str:
    rows = text.count("\n") + 1
    size = len(text.encode(errors="replace"))
    amount = f"{size:,} bytes" if size < 10_000 else f"{size / 1000:,.0f} kB"
    return f"[{what} {amount}{f', {rows:,} lines' if rows > 1 else ''}]"


def paste_bindings(pastes: Pastes) -> KeyBindings:
    """What is pasted goes into the line, folded if it is large."""
    table = KeyBindings()

    @table.add(Keys.BracketedPaste)
    def _paste(event: KeyPressEvent) -> None:
        text = event.data.replace("\r\n", "\n").replace("\r", "\n")
        event.current_buffer.insert_text(pastes.fold(text))

    return table


class PasteLabels(Processor):
    """Shows the labels in the line."""

    def __init__(self, pastes: Pastes) -> None:
        self._pastes = pastes

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        """Each sign becomes its label; the cursor goes over it in one step."""
        fragments = transformation_input.fragments
        if not self._pastes.are_in(transformation_input.document.text):
            return Transformation(fragments)
        shown: StyleAndTextTuples = []
        places = [0]  # of each character of the line, in what is shown
        for style, letter, *_ in explode_text_fragments(fragments):
            label = self._pastes.label(letter)
            shown.append((style, letter) if label is None else (f"{style} italic", label))
            places.append(places[-1] + len(label or letter))
        last = len(places) - 1

        def to_display(index: int) -> int:
            return places[min(index, last)] + max(index - last, 0)

        def to_source(index: int) -> int:
            fitting = [place for place, column in enumerate(places) if column <= index]
            return fitting[-1] + max(index - places[-1], 0)

        return Transformation(shown, to_display, to_source)
