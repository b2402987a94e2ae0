"""The image of the clipboard, kept in a file of ours until the program ends."""

from __future__ import annotations

import tempfile
from pathlib import Path

from rtcli.files import write_file


class ClipboardImages:
    """Takes images out of the clipboard, as it is at that moment: what is sent later may not be there any more."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None  # private to the user; made with the first image
        self._count = 0

    def __repr__(self) -> str:
        return f"<ClipboardImages {self._count}>"

    async def take(self) -> tuple[Path, str]:
        """A file with the image, and what it is in a few words.

        Raises InputError where there is none, or where the tool that reads the clipboard is missing.
        """
        from rtcli.protocol.audio_formats import decode_base64
        from rtcli.session.images import load_image

        image = await load_image("clipboard")
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="rtcli-")
        self._count += 1
        kind = image.media_type.removeprefix("image/")
        path = Path(self._folder.name, f"clipboard-{self._count}.{kind}")
        write_file(path, decode_base64(image.data_uri.partition(",")[2]))
        return path, f"[image {self._count}: {kind.upper()} {image.width}x{image.height}]"

    def close(self) -> None:
        """Delete the files."""
        if self._folder is not None:
            self._folder.cleanup()
