"""What was shown of a text that is still arriving: enough to know it again in the whole, however long it is."""

from __future__ import annotations

import hashlib


class WrittenText:
    """A length and a digest in the place of the text itself."""

    def __init__(self) -> None:
        self.length = 0  # characters
        self._digest = hashlib.blake2b(digest_size=16)

    def append(self, piece: str) -> None:
        """One more piece was shown."""
        self.length += len(piece)
        self._digest.update(piece.encode("utf-8", "surrogatepass"))

    def begins(self, whole: str) -> bool:
        """Whether the whole text begins with what was shown."""
        start = hashlib.blake2b(whole[: self.length].encode("utf-8", "surrogatepass"), digest_size=16)
        return len(whole) >= self.length and start.digest() == self._digest.digest()
