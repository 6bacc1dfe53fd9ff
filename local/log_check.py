"""Decides whether a log line could carry what a person said: ids, counts and durations only."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("countersign", "lambdas", "inference", "local")

_LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
_LOGGERS = {"logger", "log", "logging", "_logger", "_log"}

# The fields a log line may have, and nothing else. `outcome` and `code` are names of classes.
ALLOWED = {
    "attempt", "bytes", "code", "count", "flow", "handler", "inference_id", "milliseconds",
    "name", "outcome", "policy", "port", "queue", "request_id", "run", "seconds", "session_id",
    "signal", "site", "size", "status", "turns", "version", "warnings", "where", "words",
}  # fmt: skip


def complaints(path: Path, source: str) -> list[str]:
    """One line for each log call of `source` that may carry more than `ALLOWED` names."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _is_log(node.func):
            why = _why(node)
            if why:
                found.append(f"{path}:{node.lineno}: {why}")
    return found


def _is_log(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and function.attr in _LEVELS
        and isinstance(function.value, ast.Name)
        and function.value.id in _LOGGERS
    )


def _why(call: ast.Call) -> str | None:
    function = call.func
    if isinstance(function, ast.Attribute) and function.attr == "exception":
        return "an exception's message may quote its input: log its type"
    for argument in call.args:
        if not _is_plain(argument):
            return "a log message is constant, and its values are of the allowed names"
    for keyword in call.keywords:
        if keyword.arg == "extra":
            if not isinstance(keyword.value, ast.Dict):
                return "extra is written out, so that its fields can be read here"
            for key in keyword.value.keys:
                if not isinstance(key, ast.Constant) or key.value not in ALLOWED:
                    return f"{ast.unparse(key) if key else '**'} is not an allowed log field"
        elif keyword.arg in ("exc_info", "stack_info"):
            return "an exception's message may quote its input: log its type"
        elif keyword.arg not in ALLOWED:
            return f"{keyword.arg} is not an allowed log field"
    return None


def _is_plain(argument: ast.expr) -> bool:
    if isinstance(argument, ast.Name):
        return argument.id in ALLOWED
    if isinstance(argument, ast.Attribute):
        return argument.attr in ALLOWED
    return isinstance(argument, ast.Constant)


def main() -> int:
    """Checks every room; the complaints go to standard error, and the exit code is 1 if any."""
    found = [
        complaint
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        for complaint in complaints(path.relative_to(ROOT), path.read_text(encoding="utf-8"))
    ]
    sys.stderr.writelines(f"{complaint}\n" for complaint in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
