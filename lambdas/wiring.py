"""The composition root: which adapter stands behind which port, from the environment."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from aws_lambda_powertools import Logger

from countersign import ports as p
from countersign.errors import Refusal

logger = Logger(service="countersign")


@dataclass(frozen=True)
class Ports:
    """The outside world as one handler sees it; a port it did not ask for raises on use."""

    clock: p.Clock
    _connected: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        try:
            return self._connected[name]
        except KeyError:
            raise AttributeError(f"this handler did not ask for the port {name!r}") from None


class Handler(Protocol):
    needs: tuple[str, ...]

    def __call__(
        self, event: dict[str, Any], context: Any, *, ports: Ports | None = None
    ) -> dict[str, Any]: ...


def connected(*needs: str) -> Callable[[Callable[..., dict[str, Any]]], Handler]:
    """Marks a Lambda handler with the ports it needs, and connects them when it is called bare.

    `infra/` reads these names from the source file and grants exactly them, so the list is also
    the function's permissions. Logs carry the handler's name, the session's id, the outcome and
    the duration: never the event, never the result.
    """

    def decorate(function: Callable[..., dict[str, Any]]) -> Handler:
        name = function.__module__.removeprefix("lambdas.")

        @functools.wraps(function)
        def handler(
            event: dict[str, Any], context: Any, *, ports: Ports | None = None
        ) -> dict[str, Any]:
            started = time.perf_counter()
            outcome = "done"
            try:
                return function(event, context, ports=ports or connect(needs))
            except Refusal as refusal:
                outcome = refusal.code
                raise
            except Exception as error:
                outcome = type(error).__name__
                raise
            finally:
                logger.info(
                    name,
                    extra={
                        "session_id": str(event.get("session_id", "")),
                        "outcome": outcome,
                        "milliseconds": round(1000 * (time.perf_counter() - started)),
                    },
                )

        handler.needs = needs  # type: ignore[attr-defined]
        return handler  # type: ignore[return-value]

    return decorate


@functools.cache
def connect(needs: tuple[str, ...]) -> Ports:
    """The named ports, built once per process from `Settings`."""
    from lambdas import adapters  # noqa: F401

    raise NotImplementedError
