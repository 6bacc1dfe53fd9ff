"""Decides whether bytes are a recording, and turns them into samples without touching a disk."""

from __future__ import annotations

import io
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import av
import numpy as np
from av.stream import Disposition

from countersign.errors import AudioTooLong, EmptyInput, FileMissing, NotAudio, TruncatedAudio

if TYPE_CHECKING:
    from numpy.typing import NDArray

# What Whisper, the voice encoder and the voice-activity detector all listen at.
RATE = 16_000
_FULL_SCALE = 32_768.0

# Only containers of one recording. Playlists, and formats that name other files, stay closed:
# a "recording" must not be able to make the decoder open anything else.
_FORMATS = "wav,w64,aiff,au,caf,flac,mp3,aac,ogg,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,amr"
# Without an index, MP3 and ADTS lengths are guesses from the bit rate, and no reason to refuse.
_GUESSED_LENGTH = frozenset({"mp3", "aac"})
# Codecs pad and trim at the ends: less than this is not a missing piece.
_SLACK_SECONDS = 0.5
_SLACK_SHARE = 0.01
# Enough to find a WAV's data chunk behind its notes, and an MP3's length tag behind its picture.
_HEAD = 262_144
_SLACK_BYTES = 4_096
# RFC 3533: 27 bytes, 255 lacing values, 255 segments of 255 bytes.
_LARGEST_PAGE = 65_307
# Matroska (RFC 9559): the name of a cluster; browsers begin one every few seconds.
_CLUSTER = b"\x1f\x43\xb6\x75"
_LARGEST_CLUSTER = 4_194_304
# A recording survives a few damaged packets; beyond this share it is something else.
_DAMAGE_SHARE = 0.1

# The decoder's messages can quote a file's tags, and tags can hold a name.
av.logging.set_level(None)


@dataclass(frozen=True)
class Audio:
    """Samples at 16 kHz: `channels` is int16 of shape [1 or 2, samples]."""

    channels: NDArray[np.int16]

    @property
    def duration(self) -> float:
        """Seconds."""
        return int(self.channels.shape[1]) / RATE

    def mono(self) -> NDArray[np.float32]:
        """Both channels mixed to one, as floats in [-1, 1)."""
        if len(self.channels) == 1:
            return self.channel(0)
        mixed: NDArray[np.float32] = self.channels.sum(axis=0, dtype=np.float32)
        mixed /= len(self.channels) * _FULL_SCALE
        return mixed

    def channel(self, number: int) -> NDArray[np.float32]:
        """One channel as floats in [-1, 1)."""
        samples: NDArray[np.float32] = self.channels[number].astype(np.float32)
        samples /= _FULL_SCALE
        return samples


def decode(recording: bytes | Path, *, max_seconds: float, max_bytes: int) -> Audio:
    """The samples of a recording in any common format, resampled to 16 kHz.

    One and two channels are kept, more are mixed to one. Memory stays within the samples of
    `max_seconds`, whatever the file claims or expands to.

    Raises `FileMissing`, `EmptyInput` (no bytes, or a recording of no length), `AudioTooLong`,
    `TruncatedAudio` (less sound than the file declares, or broken off within a packet) and
    `NotAudio` for everything else that cannot be played.
    """
    with ExitStack() as stack:
        file: BinaryIO
        if isinstance(recording, Path):
            if not recording.is_file():
                raise FileMissing(f"{recording} is not a file")
            size = recording.stat().st_size
            file = stack.enter_context(recording.open("rb"))
        else:
            size = len(recording)
            file = io.BytesIO(recording)
        if not size:
            raise EmptyInput("the recording has no bytes")
        if size > max_bytes:
            raise AudioTooLong(f"the recording has {size:,} bytes, the limit is {max_bytes:,}")
        head = file.read(_HEAD)
        if _is_cut_short(file, head, size):
            raise TruncatedAudio("the recording ends before its own declared end")
        file.seek(0)
        try:
            container = av.open(
                file, "r", metadata_errors="replace", options={"format_whitelist": _FORMATS}
            )
        except (av.FFmpegError, OSError, ValueError) as error:
            # An MP4 that was not finished lacks the index that its end would hold.
            if head[4:8] == b"ftyp":
                raise TruncatedAudio("the recording ends before its index") from error
            raise NotAudio("the content is in no known audio format") from error
        stack.enter_context(container)
        indexed = container.format.name not in _GUESSED_LENGTH or b"Xing" in head or b"Info" in head
        return _samples(container, max_seconds, indexed)


def _samples(container: av.container.InputContainer, max_seconds: float, has_length: bool) -> Audio:
    # A cover is one picture, not what a camera saw.
    if any(not track.disposition & Disposition.attached_pic for track in container.streams.video):
        raise NotAudio("the file is a video: a patient agrees to sound, send the sound alone")
    if not container.streams.audio:
        raise NotAudio("the file has no sound track")
    if len(container.streams.audio) > 1:
        # Which of them is the session, or whether each is one person's, the file does not say.
        raise NotAudio(f"the file has {len(container.streams.audio)} sound tracks: send one")
    stream = container.streams.audio[0]
    if stream.codec_context is None:
        raise NotAudio("the sound is in no known coding")
    declared = _declared_seconds(container, stream) if has_length else None
    if declared is not None and declared > max_seconds:
        raise AudioTooLong(_too_long(declared, max_seconds))
    count = 2 if stream.codec_context.channels == 2 else 1
    layout = "stereo" if count == 2 else "mono"
    resampler = av.AudioResampler(format="s16", layout=layout, rate=RATE)
    samples = bytearray()
    width = 2 * count
    limit = int(max_seconds * RATE) * width
    packets = damaged = 0
    broken_off = False
    try:
        for packet in container.demux(stream):
            try:
                frames = [frame for frame in packet.decode() if isinstance(frame, av.AudioFrame)]
            except av.FFmpegError:
                damaged += 1
                broken_off = True
                continue
            if packet.size:
                packets += 1
                # What follows the damaged packet was readable, so the file goes on after it.
                broken_off = broken_off and not frames
            for frame in frames:
                for ready in resampler.resample(frame):
                    samples += bytes(ready.planes[0])[: ready.samples * width]
                if len(samples) > limit:
                    raise AudioTooLong(_too_long(len(samples) / (width * RATE), max_seconds))
        if samples:
            for ready in resampler.resample(None):
                samples += bytes(ready.planes[0])[: ready.samples * width]
    except (av.FFmpegError, ValueError) as error:
        kind = TruncatedAudio if samples else NotAudio
        raise kind("the sound cannot be read to its end") from error
    audio = Audio(np.frombuffer(samples, dtype="<i2").reshape(-1, count).T)
    if not samples and not damaged and not declared:
        raise EmptyInput("the recording has no length")
    length = declared or audio.duration
    if samples and (
        broken_off or length - audio.duration > max(_SLACK_SECONDS, _SLACK_SHARE * length)
    ):
        raise TruncatedAudio(
            f"the recording declares {length:.1f} s and holds {audio.duration:.1f} s"
        )
    if not samples or damaged > max(1, packets) * _DAMAGE_SHARE:
        raise NotAudio("the sound cannot be decoded")
    return audio


def _declared_seconds(
    container: av.container.InputContainer, stream: av.AudioStream
) -> float | None:
    """The length that the file itself states, if it states one."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    if container.duration is not None:
        return float(container.duration / av.time_base)
    return None


def _is_cut_short(file: BinaryIO, head: bytes, size: int) -> bool:
    """Whether a WAV's data, an Ogg's last page or a WebM's last block ends beyond the file.

    FFmpeg trusts the file's size over what these say of themselves. Sources: RIFF (Microsoft
    and IBM 1991), of which writers that cannot seek leave the sizes 0 or all ones; RFC 3533,
    section 6.
    """
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        place = 12
        while place + 8 <= len(head):
            name = head[place : place + 4]
            length = int.from_bytes(head[place + 4 : place + 8], "little")
            if name == b"data":
                return length not in (0, 0xFFFFFFFF) and place + 8 + length > size + _SLACK_BYTES
            place += 8 + length + length % 2
        return False
    if head[:4] == b"OggS":
        start = max(0, size - _LARGEST_PAGE)
        file.seek(start)
        tail = file.read(_LARGEST_PAGE)
        page = tail.rfind(b"OggS")
        if page < 0:
            return True
        lacing = tail[page + 27 : page + 27 + tail[page + 26]] if len(tail) > page + 26 else b""
        whole = len(tail) > page + 26 and len(lacing) == tail[page + 26]
        return not whole or page + 27 + len(lacing) + sum(lacing) > len(tail)
    if head[:4] == b"\x1a\x45\xdf\xa3":
        file.seek(max(0, size - _LARGEST_CLUSTER))
        return _is_cluster_cut(file.read(_LARGEST_CLUSTER))
    return False


def _is_cluster_cut(tail: bytes) -> bool:
    """Whether the last cluster of a WebM file ends within one of its elements (RFC 8794, 9559)."""
    place = tail.rfind(_CLUSTER)
    if place < 0:
        return False
    while place < len(tail):
        name = 9 - tail[place].bit_length()
        if name > 4 or place + name >= len(tail):
            # What is no element is not ours to judge; what ends within its own name is cut.
            return name <= 4
        width = 9 - tail[place + name].bit_length()
        end = place + name + width
        if width > 8 or end > len(tail):
            return width <= 8
        length = int.from_bytes(tail[place + name : end], "big") - (1 << 7 * width)
        # All ones: the writer did not know, and the content follows at once.
        is_open = tail[place : place + name] == _CLUSTER or length == (1 << 7 * width) - 1
        place = end if is_open else end + length
    return place > len(tail)


def _too_long(seconds: float, limit: float) -> str:
    return f"the recording is longer than {limit / 60:.0f} minutes ({seconds / 60:.0f} so far)"
