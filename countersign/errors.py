"""Every refusal the product can give: one exception each, whose class name is its stable code."""

from __future__ import annotations

from typing import ClassVar


class Refusal(Exception):
    """A typed refusal: `code` for machines, a sentence for people, a hint on what to do next.

    The class name is the code, because that is the error name a workflow's `Catch` and `Retry`
    see. Messages carry ids, counts and names of fields, never what a person said.
    """

    hint: ClassVar[str] = "Correct the input and try again."
    status: ClassVar[int] = 422

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.advice = hint or self.hint

    @property
    def code(self) -> str:
        return type(self).__name__

    def as_document(self) -> dict[str, dict[str, str]]:
        """The wire form shared by the command line and the API."""
        return {"error": {"code": self.code, "message": self.message, "hint": self.advice}}


# Consent and session ------------------------------------------------------------------------


class ConsentMissing(Refusal):
    hint = "Ask the patient, store the consent for this purpose, then request the upload again."
    status = 403


class ConsentExpired(ConsentMissing):
    hint = "The consent has run out: ask the patient again and store the new consent."


class ConsentRevoked(ConsentMissing):
    hint = "The patient withdrew consent: nothing is recorded. Write the note by hand."


class ParticipantsUnconsented(ConsentMissing):
    hint = "Pause until only people who have agreed to the recording are in the room."


class IllegalMove(Refusal):
    """A session was asked to go from one state to another that does not follow it."""

    hint = "Reload the session: somebody or something else has moved it on."
    status = 409


class SessionUnknown(Refusal):
    hint = "Check the session id; register the session first."
    status = 404


class AlreadyExists(Refusal):
    hint = "Use the one that is there, or choose another id."
    status = 409


# Audio and speech ---------------------------------------------------------------------------


class FileMissing(Refusal):
    hint = "Check the path."


class CannotWrite(Refusal):
    hint = "Choose a place that you may write to and where nothing else lies."


class EmptyInput(Refusal):
    hint = "The file has no content: choose the right file."


class NotAudio(Refusal):
    hint = "Send a recording that ffmpeg can read: WAV, FLAC, MP3, MP4/AAC or WebM/Opus."


class TruncatedAudio(NotAudio):
    hint = "The recording stops in the middle of the file: send it again."


class NoSpeech(Refusal):
    hint = "Nothing was heard: check the microphone's level, and write this part by hand."


class VoiceUnclear(Refusal):
    """A recording from which no good voice print can be made."""

    hint = "Record it again: read the whole text, alone, in a quiet room."


class TooQuiet(NoSpeech):
    """Somebody speaks, and the microphone caught hardly any of it."""

    hint = "Move the microphone nearer or turn its level up, and write this part by hand."


class TooNoisy(NoSpeech):
    """The room is as loud as whoever speaks in it, or louder."""

    hint = "Move the microphone nearer and stop what hums or plays; write this part by hand."


class AudioTooLong(Refusal):
    hint = "Split the recording; one session may last up to the limit in policies/speech.toml."


class SpeechBusy(Refusal):
    hint = "The endpoint's queue is full: try again in a moment."
    status = 429


class BadAttributes(Refusal):
    """The speech endpoint was asked for something in a way that it does not understand."""

    hint = "Send `session=ID;speakers=2;channels=auto;vocabulary=clinic`; each part is optional."
    status = 400


class SpeechFailed(Refusal):
    """The speech endpoint failed on its own account; the audio may be tried again."""

    hint = "The recording is tried again by itself; if that fails, you will be told."
    status = 503


class ModelMissing(Refusal):
    hint = "Run `make models`, or set the model's path."
    status = 503


class AudioMissing(Refusal):
    """A part of the recording was announced and never came."""

    hint = "A part of the recording never arrived: write that part of the note by hand."


class AudioLimit(Refusal):
    """Audio was kept as long as it ever may be, and erased before it was transcribed."""

    hint = "The audio was erased at its time limit: write that part of the note by hand."


class RecordingEnded(Refusal):
    hint = "The recording has ended with the number of segments that was named first."
    status = 409


class SessionStopped(Refusal):
    """Somebody stopped the session, or consent ended: nothing more is made of it."""

    hint = "The recording was stopped and erased: write the note by hand."
    status = 409


class UploadRepeated(Refusal):
    hint = "This segment was already received: continue with the next one."
    status = 409


class AudioNotErased(Refusal):
    """Audio, a version of it or a delete marker is still there after an erasure."""

    hint = "The sweeper tries again; if the alarm stays, follow docs/runbook.md."
    status = 500


# Text and documents -------------------------------------------------------------------------


class NotJson(Refusal):
    hint = "Send valid UTF-8 JSON in the form that docs/cli.md gives."


class NotUtf8(NotJson):
    hint = "Save the file as UTF-8."


class BadTranscript(Refusal):
    hint = "A transcript needs turns with ids, text and times that neither overlap nor run back."


class BadRoster(Refusal):
    hint = "See docs/redaction.md for the roster's form."


class BadNote(Refusal):
    hint = 'Send a note as `countersign draft --json` prints it, or {"text": "…"}.'


class TemplateUnknown(Refusal):
    hint = "Choose one of soap, dap, birp, girp, sirp, or add a template to policies/templates/."


class BadPolicy(Refusal):
    """A file in policies/ is broken; the message names the file and the line."""

    hint = "Correct the line that the message names."
    status = 500


class BadQuestion(Refusal):
    """A number that was asked about cannot be; the message names it and its limits."""

    hint = "Ask with a number within the limits that the message names."


class BadX12(Refusal):
    """Not an X12 interchange, or not one that holds an eligibility answer."""

    hint = "Send the payer's 271 exactly as it arrived, from its ISA segment to its IEA segment."


class DrafterUnknown(Refusal):
    hint = "Choose a drafter that is configured for this site."


class RedactionUnavailable(Refusal):
    """The redaction engine cannot do its work; nothing passes unredacted."""

    hint = "Nothing was passed on. Repair the engine and run the step again."
    status = 503


class SurrogateCollision(Refusal):
    """The text already holds something that looks like one of our surrogates."""

    hint = "The text holds a token such as [PATIENT_1]: remove it and try again."


class SurrogateUnknown(Refusal):
    """A token that the vault does not know: altered or invented after redaction."""

    hint = "Correct the altered token in the draft; the evidence beside it shows the original."


class LeakFound(Refusal):
    """An identifier was found where none may be; kind and place only, never the value."""

    hint = "The step was stopped and the compliance officer told; see docs/runbook.md."
    status = 500


# Review, access, delivery -------------------------------------------------------------------


class NotSignedIn(Refusal):
    hint = "Sign in."
    status = 401


class SignInFailed(NotSignedIn):
    hint = "Start again from the sign-in page."


class CrossSiteRequest(Refusal):
    """A change that was asked for from another site, or from a page that is out of date."""

    hint = "Reload the page and try again."
    status = 403


class BadRequest(Refusal):
    hint = "Correct the field that the message names."
    status = 400


class PageUnknown(Refusal):
    hint = "Check the address, or go back to your drafts."
    status = 404


class AccessDenied(Refusal):
    hint = "Only the clinician who is assigned to this patient may do this."
    status = 403


class PatientUnknown(Refusal):
    hint = "Check the patient's id; the appointment system registers patients."
    status = 404


class SentenceUnknown(Refusal):
    hint = "Reload the draft: this sentence is not in it."
    status = 404


class AlertUnknown(Refusal):
    hint = "Reload the list of alerts."
    status = 404


class PathBroken(Refusal):
    """An alert that was sent to prove the way did not arrive."""

    hint = "Watch the alerts board, tell the clinician on duty, and follow docs/runbook.md."
    status = 500


class AlertBusy(Refusal):
    hint = "Try again at once; the alert is still open."
    status = 409


class DraftNotReady(Refusal):
    """The session has no draft to review, not yet or not any more."""

    hint = "Wait for the draft; you will be told when it is there."
    status = 409


class ReviewClosed(Refusal):
    """The 24 hours are over: the draft is locked."""

    hint = "The draft is locked. Your supervisor can see it and reopen it as a late entry."
    status = 409


class ReviewIncomplete(Refusal):
    hint = "Fill or strike each placeholder and resolve each flag, then sign."
    status = 409


class SectionUnseen(ReviewIncomplete):
    hint = "Read the sections that are named, then sign."


class ReviewTooFast(ReviewIncomplete):
    hint = "Read the note, then sign. Who signs is responsible for every sentence of it."


class SignInStale(Refusal):
    hint = "Sign in once more to show that it is you; your draft stays as it is. Then sign."
    status = 403


class DraftChanged(Refusal):
    """The bytes to be signed are not the bytes that were shown."""

    hint = "Reload the draft, read what changed, and sign again."
    status = 409


class DraftEdited(Refusal):
    """The draft would be made anew, and the clinician has already worked on it."""

    hint = 'Confirm that your changes to the draft are discarded: send {"redraft": true}.'
    status = 409


class SignatureMismatch(Refusal):
    """The note about to leave is not the note that was signed."""

    hint = "Nothing was sent. The compliance officer has been told."
    status = 500


class EhrUnavailable(Refusal):
    hint = "Delivery is tried again by itself; the signed note is safe."
    status = 503


class EhrRefused(Refusal):
    hint = "A person must look: the record system refused the note with the given reason."
    status = 502


# Ledger -------------------------------------------------------------------------------------


class LedgerUnavailable(Refusal):
    """No entry could be written, so nothing was changed."""

    hint = "Nothing was changed. Try again; if it persists, see docs/runbook.md."
    status = 503


class LedgerConflict(Refusal):
    """The same event id was used for two different events."""

    hint = "An event cannot be rewritten; record a new one."
    status = 409


class LedgerBroken(Refusal):
    """The published log contradicts itself or its database: somebody or something altered it."""

    hint = "Nothing was published. Run `countersign audit verify` and follow docs/runbook.md."
    status = 500


class BadCheckpoint(Refusal):
    """Not a checkpoint as C2SP tlog-checkpoint and signed-note define it."""

    hint = "Send the checkpoint exactly as it was published, every byte of it."


class CheckpointUnsigned(BadCheckpoint):
    """A well-formed checkpoint without a valid signature by the log's key."""

    hint = "Check that this is the log's own key; if it is, the checkpoint is not the log's."


class BadLogKey(Refusal):
    hint = "A log's key is one line, name+id+key, as the log's file `vkey` holds it."


class BadProof(Refusal):
    hint = "Send the proof file exactly as `countersign audit prove` printed it."


class EventUnknown(Refusal):
    hint = "Check the event's id, and that the export is newer than the event."
    status = 404


class KeyDestroyed(Refusal):
    """The session's data key is gone, and with it everything it encrypted."""

    hint = "The content was erased on purpose and cannot be brought back."
    status = 410
