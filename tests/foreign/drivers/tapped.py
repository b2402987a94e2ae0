"""Reads events of the server, one a line, from a file, and prints what the typed models say of them as one object."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.foreign.drivers.typed_models import TypedModels


def main(path: str) -> None:
    models = TypedModels()
    with Path(path).open(encoding="utf-8") as lines:
        for line in lines:
            models.read(json.loads(line))
    json.dump({"counts": models.counts, "problems": sorted(set(models.problems))}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
