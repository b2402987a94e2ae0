"""All views in one name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from rtcli.protocol.occurrences import Occurrence
from rtcli.protocol.record import Frame
from rtcli.views.charts import Chart
from rtcli.views.notices import Notice, Quit, Text
from rtcli.views.shown import FrameRows, ImagePreview, Json, Labeled, SpeechDelta, SpeechDone, Table

View: TypeAlias = (
    Notice
    | Text
    | Table
    | Json
    | Chart
    | FrameRows
    | ImagePreview
    | Frame
    | Occurrence
    | SpeechDelta
    | SpeechDone
    | Labeled
    | Quit
)

Views: TypeAlias = View | Sequence[View] | None
"""What a command answers: one view, several or none. None itself: what it sent is named, if it sent anything."""
