"""Decides what a clinician's own voice print is, when it is good enough, and where it is kept."""

from __future__ import annotations

import hashlib
import re
import tomllib

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from countersign.errors import BadPolicy, BadRequest, BadTranscript, VoiceUnclear
from countersign.voiceprint import resemblance

# A print has a pseudo session of its own, and with it a data key of its own: `voice-<person>-<n>`.
# The number grows with each enrolment, because a destroyed key is never made again.
_PREFIX = "voice-"
_NAME = re.compile(r"voice-([A-Za-z0-9_-]{1,44})-([1-9][0-9]{0,5})")


class Enrolment(BaseModel):
    """The rules of policies/enrolment.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    consent: str = Field(min_length=1)
    read_aloud: str = Field(min_length=1)
    record_seconds: int = Field(ge=5, le=120)
    least_seconds: float = Field(gt=0, le=120)

    @classmethod
    def from_toml(cls, text: str) -> Enrolment:
        """The rules in `text`; raises `BadPolicy`, which names the line or the field."""
        try:
            return cls.model_validate(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise BadPolicy(f"policies/enrolment.toml: {error}") from None
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise BadPolicy(f"policies/enrolment.toml: {where}: {first['msg']}") from None

    @property
    def consent_digest(self) -> str:
        """SHA-256 of the consent's text, in hexadecimal: what exactly was agreed to."""
        return hashlib.sha256(self.consent.encode()).hexdigest()


class VoicePrint(BaseModel):
    """What the speech endpoint answers to `task=enrol`: a print, and the speech it is made of."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    voice: str = Field(min_length=1, max_length=2048)
    seconds: float = Field(ge=0, allow_inf_nan=False)


def read_print(raw: bytes, rules: Enrolment) -> VoicePrint:
    """The print in the endpoint's answer; raises `VoiceUnclear` when it is none, or too short."""
    try:
        found = VoicePrint.model_validate_json(raw)
        resemblance(found.voice, found.voice)
    except (ValidationError, BadTranscript):
        raise VoiceUnclear("the recording gave no voice print") from None
    if found.seconds < rules.least_seconds:
        raise VoiceUnclear(f"the recording holds less than {rules.least_seconds:g} s of speech")
    return found


def pseudo_session(person_id: str, number: int) -> str:
    """Where the person's enrolment of that number is kept; raises `BadRequest` for an odd id."""
    name = f"{_PREFIX}{person_id}-{number}"
    if not _NAME.fullmatch(name):
        raise BadRequest("this person's id cannot name an enrolment")
    return name


def is_enrolment(session_id: str) -> bool:
    """Whether the id is an enrolment's, not a session's."""
    return session_id.startswith(_PREFIX)


def whose(session_id: str) -> tuple[str, int]:
    """The person and the number of an enrolment's id; raises `BadRequest` for any other id."""
    found = _NAME.fullmatch(session_id)
    if found is None:
        raise BadRequest("not the id of an enrolment")
    return found[1], int(found[2])
