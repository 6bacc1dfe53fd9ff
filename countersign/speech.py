"""Decides what a notice of the speech endpoint says about one session."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from countersign.errors import NotJson

# Refusals of the audio, or of how it was sent: trying again would change nothing.
FINAL = (
    "NotAudio", "TruncatedAudio", "EmptyInput", "NoSpeech", "TooQuiet", "TooNoisy", "AudioTooLong",
    "BadAttributes",
)  # fmt: skip
_INFERENCE = re.compile(r"(?P<session>[^.]+)(?:\.(?P<segment>\d+))?\.(?P<attempt>\d+)")
_FINAL = re.compile(rf'"code"\s*:\s*\\*"({"|".join(FINAL)})\\*"|\b({"|".join(FINAL)})\b')


class Notice(BaseModel):
    """The outcome of one inference: where its output is, or the code of its failure."""

    model_config = ConfigDict(frozen=True)

    session_id: str
    segment: int = 0
    attempt: int
    output_key: str = ""
    failure: str | None = None


def read_notice(message: dict[str, Any]) -> Notice:
    """The notice in an SNS message of SageMaker asynchronous inference.

    Source of the shape: Amazon SageMaker Developer Guide, "Check prediction results". The
    inference id is `<session>.<segment>.<attempt>`, without a segment for an enrolment; a failure
    is the code of the container's refusal when its reason names one, else `SpeechFailed`, which
    may be tried again.
    """
    try:
        named = _INFERENCE.fullmatch(str(message["inferenceId"]))
        if named is None:
            raise ValueError("no inference of ours")
        whose = {
            "session_id": named["session"],
            "segment": int(named["segment"] or 0),
            "attempt": int(named["attempt"]),
        }
        if message["invocationStatus"] == "Completed":
            where = urlsplit(str(message["responseParameters"]["outputLocation"]))
            return Notice.model_validate({**whose, "output_key": where.path.lstrip("/")})
    except (KeyError, ValueError):
        raise NotJson("the notice is not one of the speech endpoint's") from None
    refused = _FINAL.search(str(message.get("failureReason", "")))
    code = (refused[1] or refused[2]) if refused else "SpeechFailed"
    return Notice.model_validate({**whose, "failure": code})
