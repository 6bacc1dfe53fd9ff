from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import time
import wave
from pathlib import Path

import numpy as np
import pytest

from countersign.errors import (
    AudioTooLong,
    EmptyInput,
    FileMissing,
    NotAudio,
    Refusal,
    TruncatedAudio,
)
from inference.audio import RATE, Audio, decode
from tests.inference.recordings import encode, noise

SECONDS = 3.0
# As Chrome's and Firefox's MediaRecorder write: no length, clusters open until the next one.
LIVE_WEBM = {"live": "1", "cluster_time_limit": "1000"}
# As Safari's writes: no length in front, a fragment a second.
FRAGMENTS = {"movflags": "empty_moov+default_base_moof+skip_trailer", "frag_duration": "1000000"}
FORMATS = [
    ("webm", "libopus", 48_000, None),
    ("webm", "libopus", 48_000, LIVE_WEBM),
    ("ogg", "libopus", 48_000, None),
    ("mp4", "aac", 44_100, None),
    ("mp4", "aac", 48_000, FRAGMENTS),
    ("mp3", "libmp3lame", 44_100, None),
    ("adts", "aac", 44_100, None),
    ("flac", "flac", 16_000, None),
    ("wav", "pcm_s16le", 48_000, None),
    ("wav", "pcm_s24le", 48_000, None),
    ("wav", "pcm_f32le", 44_100, None),
    ("wav", "pcm_s16le", 8_000, None),
    ("wav", "pcm_mulaw", 8_000, None),
    ("wav", "pcm_alaw", 8_000, None),
]
IDS = [
    f"{container}-{codec}-{rate}{'-live' * bool(options)}"
    for container, codec, rate, options in FORMATS
]


def heard(recording: bytes | Path, max_seconds: float = 60.0) -> Audio:
    return decode(recording, max_seconds=max_seconds, max_bytes=10_000_000)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("container", "codec", "rate", "options"), FORMATS, ids=IDS)
def test_what_browsers_and_telephones_record_is_read(
    container: str, codec: str, rate: int, options: dict[str, str] | None, channels: int
) -> None:
    mono = noise(SECONDS, 0.1)
    samples = mono if channels == 1 else np.stack([mono, mono])
    audio = heard(encode(samples, container, codec, rate, options))
    assert audio.duration == pytest.approx(SECONDS, abs=0.1)
    assert len(audio.channels) == channels
    assert audio.mono().std() > 0.02


@pytest.mark.parametrize(("container", "codec", "rate", "options"), FORMATS, ids=IDS)
@pytest.mark.parametrize("share", [0.1, 0.3, 0.6, 0.85])
def test_a_recording_that_breaks_off_is_refused(
    container: str, codec: str, rate: int, options: dict[str, str] | None, share: float
) -> None:
    whole = encode(noise(4.0, 0.1), container, codec, rate, options)
    with pytest.raises(TruncatedAudio):
        heard(whole[: int(len(whole) * share)])


@pytest.mark.parametrize(("container", "codec", "rate", "options"), FORMATS, ids=IDS)
def test_bits_that_flipped_are_refused_or_survived(
    container: str, codec: str, rate: int, options: dict[str, str] | None
) -> None:
    whole = bytearray(encode(noise(1.0, 0.1), container, codec, rate, options))
    random = np.random.default_rng(5)
    for _ in range(20):
        damaged = bytearray(whole)
        for place in random.integers(0, len(whole), 30):
            damaged[place] ^= 1 << int(random.integers(8))
        with contextlib.suppress(Refusal):
            assert heard(bytes(damaged)).duration < 60


def test_the_name_of_a_file_says_nothing(tmp_path: Path) -> None:
    for name in ("session.wav", "session.txt", "session"):
        path = tmp_path / name
        path.write_bytes(encode(noise(1.0, 0.1), "webm", "libopus", 48_000))
        assert heard(path).duration == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(("container", "codec"), [("mp4", "aac"), ("matroska", "libopus")])
def test_a_video_is_refused_since_nobody_agreed_to_pictures(container: str, codec: str) -> None:
    with pytest.raises(NotAudio, match="video"):
        heard(encode(noise(1.0, 0.1), container, codec, 48_000, pictures=10))


def test_of_two_sound_tracks_none_is_lost_in_silence() -> None:
    with pytest.raises(NotAudio, match="2 sound tracks"):
        heard(encode(noise(1.0, 0.1), "mp4", "aac", 48_000, tracks=2))


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


def test_three_hours_that_say_so_are_refused_before_they_are_read() -> None:
    # Telephone sound: one byte a sample. Only the header is looked at.
    seconds = 3 * 3600
    header = bytearray(encode(np.zeros(160, np.int16), "wav", "pcm_mulaw", 8_000))
    place = header.index(b"data")
    header[place + 4 : place + 8] = (seconds * 8_000).to_bytes(4, "little")
    began = time.process_time()
    with pytest.raises(AudioTooLong):
        decode(
            bytes(header[: place + 8]) + bytes(seconds * 8_000),
            max_seconds=7_200,
            max_bytes=1 << 30,
        )
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize("declared", [True, False])
def test_a_bomb_of_silence_takes_no_more_memory_than_the_limit(
    declared: bool, tmp_path: Path
) -> None:
    bomb = encode(np.zeros(1_800 * RATE, np.int16), "flac", "flac")
    if not declared:
        # STREAMINFO's count of samples: 36 bits that a live writer leaves zero.
        place = 8 + 13
        bomb = bomb[:place] + bytes([bomb[place] & 0xF0]) + bytes(4) + bomb[place + 5 :]
    assert len(bomb) < 1_000_000
    path = tmp_path / "bomb.flac"
    path.write_bytes(bomb)
    run = subprocess.run(
        [sys.executable, "-c", _IN_ITS_OWN_PROCESS, str(path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    refusal, grown = run.stdout.split()
    assert refusal == "AudioTooLong"
    # Ten minutes are 19.2 MB of samples; whole, the silence is three times that.
    assert int(grown) < 30_000_000


# What the decoding adds to the largest memory of a process, in bytes.
_IN_ITS_OWN_PROCESS = """
import resource, sys
from pathlib import Path
from countersign.errors import Refusal
from inference.audio import decode

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

before, refusal = peak(), ""
try:
    decode(Path(sys.argv[1]), max_seconds=600, max_bytes=10_000_000)
except Refusal as error:
    refusal = error.code
sys.stdout.write(f"{refusal} {peak() - before}")
"""


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
