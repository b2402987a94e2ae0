"""The speech engines that the built-in server hears and speaks with."""

import os

# onnxruntime reports every process to its maker, and keeps a device id for that below ~/.cache. It reads this when it
# is imported, which is too early for its own switch: so it is set before any module of this package can import it.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
