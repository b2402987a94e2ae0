"""What a long run measures of processes and of the loop, and how much of it a slope says."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path


def rss_mb(pid: int) -> float:
    """The memory of a process that is in RAM."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def descriptors(pid: int) -> int:
    """The files, sockets and pipes that a process holds open."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The growth for each minute of what was measured at seconds: the line of the least squares."""
    if len(points) < 2:
        return 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return 60 * sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


@dataclass
class Gauges:
    """Samples of this process and of a server, one a second, and how late the loop came."""

    client: int
    server: int
    client_rss: list[tuple[float, float]] = field(default_factory=list)
    server_rss: list[tuple[float, float]] = field(default_factory=list)
    open_files: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    worst_lag: float = 0.0  # seconds

    async def watch(self) -> None:
        """Sample until it is cancelled."""
        began = time.monotonic()
        due = began
        while True:
            due += 0.05
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            now = time.monotonic()
            self.worst_lag, due = max(self.worst_lag, now - due), max(due, now)
            if not self.client_rss or now - began - self.client_rss[-1][0] >= 1:
                self.sample(now - began)

    def sample(self, at: float) -> None:
        """Take one sample."""
        self.client_rss.append((at, rss_mb(self.client)))
        self.server_rss.append((at, rss_mb(self.server)))
        self.open_files.append(descriptors(self.client) + descriptors(self.server))
        self.threads.append(threading.active_count())


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far, without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
