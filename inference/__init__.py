"""The speech endpoint: audio in, attributed turns out, nothing kept."""

import os

# ONNX Runtime from 1.29 on reports its use to its maker and keeps a database of it under the home
# folder, unless this is set before it is loaded. `disable_telemetry_events()` comes too late.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
