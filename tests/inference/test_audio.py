from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import pytest

from countersign.errors import AudioTooLong, EmptyInput, FileMissing, NotAudio, TruncatedAudio
from inference.audio import RATE, Audio, decode
from tests.inference.recordings import encode, noise

SECONDS = 3.0
FORMATS = [
    ("webm", "libopus", 48_000),
    ("ogg", "libopus", 48_000),
    ("mp4", "aac", 44_100),
    ("mp3", "libmp3lame", 44_100),
    ("adts", "aac", 44_100),
    ("flac", "flac", 16_000),
    ("wav", "pcm_s16le", 48_000),
    ("wav", "pcm_mulaw", 8_000),
]


def heard(recording: bytes | Path, max_seconds: float = 60.0) -> Audio:
    return decode(recording, max_seconds=max_seconds, max_bytes=10_000_000)


@pytest.mark.parametrize(("container", "codec", "rate"), FORMATS)
def test_what_browsers_and_telephones_record_is_read(container: str, codec: str, rate: int) -> None:
    audio = heard(encode(noise(SECONDS, 0.1), container, codec, rate))
    assert audio.duration == pytest.approx(SECONDS, abs=0.1)
    assert audio.mono().std() > 0.02


@pytest.mark.parametrize(("container", "codec", "rate"), FORMATS)
@pytest.mark.parametrize("share", [0.3, 0.6])
def test_a_recording_that_breaks_off_is_refused(
    container: str, codec: str, rate: int, share: float
) -> None:
    whole = encode(noise(SECONDS, 0.1), container, codec, rate)
    with pytest.raises(TruncatedAudio):
        heard(whole[: int(len(whole) * share)])


@pytest.mark.parametrize(
    "content",
    [
        b"This is a text file that somebody has named session.wav.\n" * 50,
        b"\x89PNG\r\n\x1a\n" + bytes(500),
        b"RIFF\x24\x00\x00\x00WAVEfmt ",
        bytes(4000),
        b"PK\x03\x04" + bytes(range(256)) * 20,
        b'{"turns": []}',
    ],
    ids=["text", "picture", "header", "zeros", "zip", "json"],
)
def test_what_is_no_audio_is_refused(content: bytes) -> None:
    with pytest.raises(NotAudio):
        heard(content)


def test_a_list_of_other_files_opens_none_of_them(tmp_path: Path) -> None:
    other = tmp_path / "other.wav"
    other.write_bytes(encode(noise(1.0)))
    for text in (f"ffconcat version 1.0\nfile '{other}'\n", f"#EXTM3U\n#EXTINF:1,\n{other}\n"):
        with pytest.raises(NotAudio):
            heard(text.encode())


def test_nothing_at_all_is_refused_as_empty(tmp_path: Path) -> None:
    with pytest.raises(EmptyInput):
        heard(b"")
    empty = tmp_path / "empty.wav"
    empty.touch()
    with pytest.raises(EmptyInput):
        heard(empty)


def test_a_wav_without_samples_is_refused() -> None:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
    with pytest.raises(EmptyInput):
        heard(out.getvalue())


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.wav", tmp_path):
        with pytest.raises(FileMissing):
            heard(path)


@pytest.mark.parametrize(("container", "codec"), [("flac", "flac"), ("ogg", "libopus")])
def test_a_long_silence_in_a_small_file_stops_at_the_limit(container: str, codec: str) -> None:
    bomb = encode(np.zeros(30 * RATE, np.int16), container, codec, 48_000)
    assert len(bomb) < 60_000
    with pytest.raises(AudioTooLong):
        heard(bomb, max_seconds=10)


def test_a_file_of_too_many_bytes_is_refused() -> None:
    with pytest.raises(AudioTooLong):
        decode(encode(noise(1.0)), max_seconds=60, max_bytes=1_000)


def test_two_channels_stay_apart() -> None:
    left, right = noise(1.0, 0.1), np.zeros(RATE, np.int16)
    audio = heard(encode(np.stack([left, right])))
    assert audio.channels.shape == (2, RATE)
    assert np.array_equal(audio.channels[0], left)
    assert not audio.channel(1).any()
    assert audio.mono() == pytest.approx(audio.channel(0) / 2, abs=1e-4)
