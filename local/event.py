"""Decides how the emulator's events are made those that AWS sends, before a handler sees them.

An HTTP API puts a request's cookies into the `cookies` field (payload format 2.0); the
emulator leaves them in a header. `local/bootstrap` names `handler` to the runtime client, which
keeps the template's handler in `_HANDLER`.
"""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Callable
from functools import cache
from typing import Any


def as_sent_by_aws(event: Any) -> Any:
    """The event with its cookie header, if any, moved to where an HTTP API has it."""
    if not isinstance(event, dict) or event.get("version") != "2.0" or "headers" not in event:
        return event
    headers = dict(event["headers"])
    cookies = [part.strip() for part in headers.pop("cookie", "").split(";") if part.strip()]
    changed = {**event, "headers": headers}
    if cookies:
        changed["cookies"] = cookies
    return changed


# The name that AWS gives to this failure, in a call instead of while starting: the emulator calls
# every failure while starting `Runtime.Unknown` and keeps its cause to itself.
ImportFailed = type("Runtime.ImportModuleError", (Exception,), {})


@cache
def _deployed() -> Callable[[Any, Any], Any]:
    module, _, name = os.environ["_HANDLER"].rpartition(".")
    function: Callable[[Any, Any], Any] = getattr(importlib.import_module(module), name)
    return function


def handler(event: Any, context: Any) -> Any:
    """Calls the template's handler; its errors pass unchanged."""
    try:
        function = _deployed()
    except ImportError as error:
        raise ImportFailed(f"Unable to import module {os.environ['_HANDLER']}: {error}") from None
    return function(as_sent_by_aws(event), context)


if "_HANDLER" in os.environ:
    # While the function starts, as on AWS, and not within its first call.
    with contextlib.suppress(ImportError):
        _deployed()
