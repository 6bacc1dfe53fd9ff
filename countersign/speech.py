"""Decides what a notice of the speech endpoint says about one session."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from countersign.errors import NotJson

# Refusals of the audio itself: trying again would change nothing.
FINAL = ("NotAudio", "TruncatedAudio", "EmptyInput", "NoSpeech", "AudioTooLong")
_FINAL = re.compile(rf'"code"\s*:\s*\\*"({"|".join(FINAL)})\\*"|\b({"|".join(FINAL)})\b')


class Notice(BaseModel):
    """The outcome of one inference: where its output is, or the code of its failure."""

    model_config = ConfigDict(frozen=True)

    session_id: str
    attempt: int
    output_key: str = ""
    failure: str | None = None


def read_notice(message: dict[str, Any]) -> Notice:
    """The notice in an SNS message of SageMaker asynchronous inference.

    Source of the shape: Amazon SageMaker Developer Guide, "Check prediction results". The
    inference id is `<session>.<attempt>`; a failure is the code of the container's refusal when
    its reason names one, else `SpeechFailed`, which may be tried again.
    """
    try:
        session_id, attempt = str(message["inferenceId"]).rsplit(".", 1)
        if message["invocationStatus"] == "Completed":
            where = urlsplit(str(message["responseParameters"]["outputLocation"]))
            return Notice(
                session_id=session_id, attempt=int(attempt), output_key=where.path.lstrip("/")
            )
    except (KeyError, ValueError):
        raise NotJson("the notice is not one of the speech endpoint's") from None
    named = _FINAL.search(str(message.get("failureReason", "")))
    code = (named[1] or named[2]) if named else "SpeechFailed"
    return Notice(session_id=session_id, attempt=int(attempt), failure=code)
