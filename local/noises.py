"""Decides what a room sounds like while nobody speaks, for the count of phantom words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Random = np.random.Generator

RATE = 16_000
SECONDS = 24.0
# The vowels of sobs, moans and throats, as formant and bandwidth in hertz (Peterson and Barney
# 1952, rounded): an open "a", a neutral one, and a closed mouth's hum.
_OPEN = ((730, 90), (1090, 110), (2440, 160), (3400, 250))
_NEUTRAL = ((500, 80), (1500, 120), (2500, 160), (3500, 250))
_CLOSED = ((280, 60), (1000, 150), (2200, 200))


def clips() -> dict[str, NDArray[np.int16]]:
    """Over ten minutes of anything but speech: each clip 16 kHz mono, the same on every call."""
    made: dict[str, NDArray[np.int16]] = {}
    for seed, (name, make) in enumerate(_CLIPS.items()):
        samples = make(np.random.default_rng(seed))
        made[name] = np.round(np.clip(samples, -1, 1) * 32_767).astype(np.int16)
    return made


def _time(seconds: float = SECONDS) -> Floats:
    return np.arange(int(seconds * RATE)) / RATE


def _level(samples: Floats, decibels: float) -> Floats:
    """Scaled to a root mean square of so many decibels below full scale."""
    rms = float(np.sqrt(np.mean(np.square(samples))))
    return samples * (10 ** (decibels / 20) / max(rms, 1e-12))


def _peak(samples: Floats, decibels: float) -> Floats:
    return samples * (10 ** (decibels / 20) / max(float(np.abs(samples).max()), 1e-12))


def _noise(random: Random, slope: float = 0.0, band: tuple[float, float] = (20, 8000)) -> Floats:
    """Noise that falls by `slope` decibels an octave within a band of hertz, with soft edges."""
    count = int(SECONDS * RATE)
    frequency = np.fft.rfftfreq(count, 1 / RATE)
    shape = (np.maximum(frequency, 20) / 100) ** (-slope / 6.02)
    shape *= 1 / (1 + (band[0] / np.maximum(frequency, 1)) ** 8)
    shape *= 1 / (1 + (frequency / band[1]) ** 8)
    return _level(np.fft.irfft(np.fft.rfft(random.standard_normal(count)) * shape, count), -20)


def _room(random: Random, decibels: float) -> Floats:
    """What a microphone records of a still room: noise that falls with frequency."""
    return _level(_noise(random, slope=4), decibels)


def _place(onto: Floats, sound: Floats, seconds: float) -> None:
    first = int(seconds * RATE)
    last = min(len(onto), first + len(sound))
    onto[first:last] += sound[: last - first]


def _swell(seconds: float, attack: float = 0.3) -> Floats:
    """Rises within a share of its length and falls over the rest."""
    place = np.linspace(0, 1, int(seconds * RATE))
    rising = np.sin(np.pi / 2 * np.minimum(1, place / attack))
    falling = np.cos(np.pi / 2 * np.maximum(0, (place - attack) / (1 - attack)))
    return np.asarray(rising * falling)


def _voiced(
    random: Random, pitch: Floats, formants: Sequence[tuple[float, float]], breath: float = 0.05
) -> Floats:
    """A voice without words: harmonics of a pitch (hertz, a value each sample) through a vowel."""
    jitter = np.interp(
        np.arange(len(pitch)),
        np.arange(len(pitch) // 160 + 2) * 160,
        random.standard_normal(len(pitch) // 160 + 2),
    )
    pitch = pitch * (1 + 0.01 * jitter[: len(pitch)])
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    sound = np.zeros(len(pitch))
    for harmonic in range(1, int(5000 / pitch.min()) + 1):
        frequency = harmonic * pitch
        gain = sum(
            1 / (1 + ((frequency - centre) / width) ** 2) / (1 + index)
            for index, (centre, width) in enumerate(formants)
        )
        sound += np.where(frequency < 7000, gain, 0) * np.sin(harmonic * phase) / harmonic**0.5
    return _peak(sound, 0) + breath * random.standard_normal(len(pitch))


def _silence(random: Random) -> Floats:
    """A muted microphone: nothing but zeros."""
    return np.zeros(int(SECONDS * RATE))


def _quiet_room(random: Random) -> Floats:
    """A still room at -72 dBFS, about a good microphone's own noise."""
    return _room(random, -72)


def _usual_room(random: Random) -> Floats:
    """A laptop's microphone in an office at -55 dBFS."""
    return _room(random, -55)


def _loud_room(random: Random) -> Floats:
    """A microphone turned up until the room itself is at -35 dBFS."""
    return _room(random, -35)


def _white_noise(random: Random) -> Floats:
    """The white-noise machine before a therapist's door, near the microphone."""
    return _level(_noise(random, slope=0), -26)


def _hum(random: Random) -> Floats:
    """Mains: 60 Hz and its odd harmonics, as a bad cable brings them in."""
    tones = sum(np.sin(2 * np.pi * 60 * n * _time()) / n for n in (1, 2, 3, 5, 7, 9, 11))
    return _level(np.asarray(tones), -32) + _room(random, -62)


def _fan(random: Random) -> Floats:
    """A desk fan: falling noise that beats with the blades, and a faint motor tone."""
    time = _time()
    air = _noise(random, slope=5) * (1 + 0.25 * np.sin(2 * np.pi * 23 * time))
    motor = np.sin(2 * np.pi * 118 * time) + 0.5 * np.sin(2 * np.pi * 236 * time)
    return _level(air, -32) + _level(motor, -50)


def _air_conditioner(random: Random) -> Floats:
    """A compressor that starts, rumbles for a while and stops."""
    time = _time()
    running = np.clip(np.minimum((time - 3) / 1.5, (20 - time) / 1.5), 0, 1)
    rumble = _noise(random, slope=7) + 0.15 * np.sin(2 * np.pi * 100 * time)
    return _level(rumble * running, -34) + _room(random, -60)


def _click(random: Random, seconds: float, tone: float) -> Floats:
    """A short knock: noise and a damped tone in hertz."""
    time = _time(seconds)
    decay = np.exp(-time * 5 / seconds)
    return np.asarray(
        decay * (random.standard_normal(len(time)) * 0.6 + np.sin(2 * np.pi * tone * time))
    )


def _typing(random: Random) -> Floats:
    """Bursts of keys, each a press and a softer release 80 ms later, with pauses to think."""
    sound, clock = _room(random, -58), 0.5
    while clock < SECONDS - 0.5:
        for _ in range(int(random.integers(4, 30))):
            loud = random.uniform(0.08, 0.25)
            tone = random.uniform(1200, 3500)
            _place(sound, loud * _click(random, 0.012, tone), clock)
            _place(sound, 0.4 * loud * _click(random, 0.01, tone * 0.8), clock + 0.08)
            clock += random.uniform(0.07, 0.26)
        clock += random.uniform(0.4, 2.0)
    return sound


def _mouse(random: Random) -> Floats:
    """Mouse clicks, single and double, and the wheel."""
    sound, clock = _room(random, -58), 0.4
    while clock < SECONDS - 1:
        for _ in range(int(random.integers(1, 6))):
            _place(sound, 0.15 * _click(random, 0.006, 4200), clock)
            _place(sound, 0.1 * _click(random, 0.006, 3600), clock + 0.09)
            clock += random.uniform(0.12, 0.3)
        clock += random.uniform(0.5, 2.5)
    return sound


def _breathing(random: Random) -> Floats:
    """Breath into a near microphone: in through the nose, out through the mouth, 15 a minute."""
    sound, air, clock = _room(random, -62), _noise(random, slope=3, band=(200, 5000)), 0.5
    while clock < SECONDS - 4:
        for length, loud in ((1.3, 0.12), (1.7, 0.2)):
            first = int(clock * RATE)
            swell = _swell(length, 0.4)
            _place(sound, loud * 3 * air[first : first + len(swell)] * swell, clock)
            clock += length + random.uniform(0.1, 0.5)
    return sound


def _sighing(random: Random) -> Floats:
    """Sighs: a long breath out with a trace of voice that sinks."""
    sound, clock = _room(random, -60), 1.0
    while clock < SECONDS - 3:
        length = random.uniform(1.2, 2.0)
        pitch = np.linspace(170, 110, int(length * RATE))
        _place(sound, 0.06 * _voiced(random, pitch, _NEUTRAL, 0.5) * _swell(length, 0.2), clock)
        clock += length + random.uniform(1.5, 3.0)
    return sound


def _sobbing(random: Random) -> Floats:
    """Sobs: trains of short voiced bursts at four a second, an open vowel, then a gasp of air."""
    sound, clock = _room(random, -58), 0.8
    while clock < SECONDS - 4:
        base = random.uniform(260, 380)
        for number in range(int(random.integers(3, 8))):
            length = random.uniform(0.12, 0.2)
            pitch = np.linspace(base * 1.1, base * 0.85, int(length * RATE)) * 0.97**number
            burst = _voiced(random, pitch, _OPEN, 0.12) * _swell(length)
            _place(sound, 0.3 * burst, clock)
            clock += random.uniform(0.22, 0.3)
        gasp = random.standard_normal(int(0.5 * RATE)) * _swell(0.5, 0.7)
        _place(sound, 0.04 * gasp, clock + 0.1)
        clock += random.uniform(1.2, 2.2)
    return sound


def _whimper(random: Random) -> Floats:
    """Whimpers: high, thin and trembling, mouth nearly closed, each sinking at its end."""
    sound, clock = _room(random, -60), 0.7
    while clock < SECONDS - 3:
        length = random.uniform(0.4, 1.1)
        time = _time(length)
        pitch = random.uniform(400, 560) * (1 - 0.25 * (time / length) ** 2)
        pitch = pitch * (1 + 0.03 * np.sin(2 * np.pi * 7 * time))
        tremble = 1 + 0.35 * np.sin(2 * np.pi * 7 * time)
        burst = _voiced(random, pitch, _CLOSED, 0.04) * _swell(length) * tremble
        _place(sound, 0.12 * burst, clock)
        clock += length + random.uniform(0.3, 1.4)
    return sound


def _crying(random: Random) -> Floats:
    """Crying aloud: long wails that rise, tremble and fall, with wet breaths in between."""
    sound, clock = _room(random, -58), 0.6
    while clock < SECONDS - 4:
        length = random.uniform(1.0, 2.2)
        time = _time(length)
        bow = 1 + 0.3 * np.sin(np.pi * time / length)
        pitch = random.uniform(300, 420) * bow * (1 + 0.02 * np.sin(2 * np.pi * 6 * time))
        _place(sound, 0.3 * _voiced(random, pitch, _OPEN, 0.08) * _swell(length, 0.2), clock)
        breath = random.standard_normal(int(0.6 * RATE)) * _swell(0.6, 0.6)
        _place(sound, 0.05 * breath, clock + length + 0.15)
        clock += length + random.uniform(1.0, 1.8)
    return sound


def _deep_sobbing(random: Random) -> Floats:
    """A man's sobs: low, pressed, more air than voice, five a second, the vowel closing."""
    sound, clock = _room(random, -56), 0.8
    while clock < SECONDS - 4:
        base = random.uniform(120, 170)
        for number in range(int(random.integers(4, 9))):
            length = random.uniform(0.09, 0.16)
            pitch = np.linspace(base * 1.15, base * 0.8, int(length * RATE)) * 0.98**number
            vowel = _OPEN if number < 3 else _NEUTRAL
            _place(sound, 0.3 * _voiced(random, pitch, vowel, 0.3) * _swell(length), clock)
            clock += random.uniform(0.17, 0.24)
        pitch = np.linspace(300, 420, int(0.35 * RATE))
        _place(sound, 0.06 * _voiced(random, pitch, _OPEN, 0.9) * _swell(0.35, 0.6), clock + 0.1)
        clock += random.uniform(1.0, 2.0)
    return sound


def _laughing(random: Random) -> Floats:
    """Laughter: "ha ha ha" of five a second that sinks in pitch and loudness, then a breath."""
    sound, clock = _room(random, -58), 0.8
    while clock < SECONDS - 4:
        base = random.uniform(180, 320)
        for number in range(int(random.integers(4, 10))):
            puff = random.standard_normal(int(0.06 * RATE)) * _swell(0.06)
            _place(sound, 0.04 * puff, clock)
            pitch = np.linspace(base, base * 0.9, int(0.11 * RATE)) * 0.95**number
            burst = _voiced(random, pitch, _OPEN, 0.15) * _swell(0.11)
            _place(sound, 0.3 * 0.93**number * burst, clock + 0.05)
            clock += random.uniform(0.18, 0.23)
        clock += random.uniform(1.2, 2.5)
    return sound


def _moaning(random: Random) -> Floats:
    """Moans: a low voice that holds one vowel for a second or two and lets it fall."""
    sound, clock = _room(random, -58), 0.8
    while clock < SECONDS - 4:
        length = random.uniform(0.9, 2.0)
        time = _time(length)
        pitch = random.uniform(110, 210) * (1 + 0.12 * np.sin(np.pi * time / length) - 0.1 * time)
        vowel = (_OPEN, _NEUTRAL, _CLOSED)[int(random.integers(3))]
        _place(sound, 0.22 * _voiced(random, pitch, vowel, 0.08) * _swell(length), clock)
        clock += length + random.uniform(0.6, 1.8)
    return sound


def _choir(random: Random) -> Floats:
    """Voices that sing "ah" in chords without a word, as film music has them."""
    sound = _room(random, -60)
    for number, chord in enumerate(((57, 60, 64, 69), (53, 57, 60, 65), (55, 59, 62, 67)) * 2):
        time = _time(3.6)
        for note in chord:
            bend = 1 + 0.012 * np.sin(2 * np.pi * random.uniform(5, 6) * time)
            pitch = 440 * 2 ** ((note - 69) / 12) * bend
            _place(sound, 0.08 * _voiced(random, pitch, _OPEN, 0.02) * _swell(3.6), number * 3.9)
    return sound


def _sniffing(random: Random) -> Floats:
    """Sniffs: a third of a second of high noise, singly and in twos."""
    sound, air, clock = _room(random, -60), _noise(random, slope=-2, band=(800, 6000)), 0.6
    while clock < SECONDS - 2:
        for _ in range(int(random.integers(1, 4))):
            length = random.uniform(0.2, 0.45)
            first, swell = int(clock * RATE), _swell(length, 0.7)
            _place(sound, random.uniform(0.3, 0.9) * air[first : first + len(swell)] * swell, clock)
            clock += length + random.uniform(0.1, 0.3)
        clock += random.uniform(0.8, 2.5)
    return sound


def _coughing(random: Random) -> Floats:
    """Coughs: a burst of air, then a short rough voiced end, in fits of two to four."""
    sound, clock = _room(random, -58), 0.8
    while clock < SECONDS - 3:
        for _ in range(int(random.integers(2, 5))):
            burst = random.standard_normal(int(0.09 * RATE)) * _swell(0.09, 0.1)
            _place(sound, 0.35 * burst, clock)
            pitch = np.linspace(190, 130, int(0.18 * RATE)) * (
                1 + 0.08 * random.standard_normal(int(0.18 * RATE)).cumsum() / 100
            )
            _place(sound, 0.2 * _voiced(random, pitch, _OPEN, 0.6) * _swell(0.18), clock + 0.07)
            clock += random.uniform(0.35, 0.55)
        clock += random.uniform(1.5, 3.0)
    return sound


def _throat(random: Random) -> Floats:
    """Clearing the throat: a creak at 80 Hz with the mouth closed, twice."""
    sound, clock = _room(random, -58), 0.8
    while clock < SECONDS - 3:
        for length in (0.25, 0.45):
            pitch = np.full(int(length * RATE), random.uniform(75, 95))
            creak = _voiced(random, pitch, _CLOSED, 0.35) * _swell(length)
            _place(sound, 0.2 * creak, clock)
            clock += length + 0.12
        clock += random.uniform(1.8, 3.5)
    return sound


def _chair(random: Random) -> Floats:
    """A chair that creaks: stick-slip pulses whose rate glides, through wooden resonances."""
    sound, clock = _room(random, -56), 0.7
    wood = ((420, 60), (1150, 90), (2600, 200))
    while clock < SECONDS - 3:
        length = random.uniform(0.5, 1.2)
        pitch = np.linspace(random.uniform(40, 90), random.uniform(60, 160), int(length * RATE))
        _place(sound, 0.12 * _voiced(random, pitch, wood, 0.1) * _swell(length), clock)
        clock += length + random.uniform(0.8, 2.5)
    return sound


def _door(random: Random) -> Floats:
    """A door: handle, hinge, a thud of low tones, and steps that go away."""
    sound, clock = _room(random, -56), 0.5
    while clock < SECONDS - 5:
        _place(sound, 0.15 * _click(random, 0.03, 1800), clock)
        _place(sound, 0.8 * _peak(_click(random, 0.3, 70), 0), clock + 1.0)
        for step in range(5):
            _place(sound, 0.2 * 0.7**step * _click(random, 0.09, 110), clock + 1.8 + 0.55 * step)
        clock += random.uniform(5.0, 6.5)
    return sound


def _rustling(random: Random) -> Floats:
    """Paper and cloth: crackles at random within swells of high noise."""
    crackle = _noise(random, slope=-3, band=(1000, 7500)) * (
        random.random(int(SECONDS * RATE)) < 0.1
    )
    sound, clock = _room(random, -58), 0.5
    while clock < SECONDS - 2:
        length = random.uniform(0.3, 1.5)
        first, swell = int(clock * RATE), _swell(length)
        _place(sound, 2.0 * crackle[first : first + len(swell)] * swell, clock)
        clock += length + random.uniform(0.2, 1.5)
    return sound


def _hold_tone(random: Random) -> Floats:
    """A dial tone, 350 and 440 Hz, broken off now and then."""
    time = _time()
    on = (time % 6) < 5
    return (np.sin(2 * np.pi * 350 * time) + np.sin(2 * np.pi * 440 * time)) * 0.08 * on


def _ringing(random: Random) -> Floats:
    """A telephone in the room: two bells that warble at 20 Hz, two seconds of each six."""
    time = _time()
    warble = np.where(np.sin(2 * np.pi * 20 * time) > 0, 1400, 1100)
    bell = np.sin(2 * np.pi * np.cumsum(warble) / RATE) * ((time % 6) < 2)
    return _peak(bell, -14) + _room(random, -58)


def _ringtone(random: Random) -> Floats:
    """A mobile's ringtone and buzz: a jingle of eight notes, and the table under it."""
    time = _time()
    sound = _room(random, -58)
    jingle = (76, 74, 66, 68, 73, 71, 62, 64)
    for start in np.arange(1, SECONDS - 3, 4.0):
        for number, note in enumerate(jingle):
            _place(sound, 0.12 * _note(note, 0.2, 4), float(start) + 0.16 * number)
    buzz = np.sign(np.sin(2 * np.pi * 155 * time)) * ((time % 4) > 2.6)
    return sound + 0.02 * buzz


def _note(midi: float, seconds: float, overtones: int = 6) -> Floats:
    """A struck note of the tempered scale with falling overtones."""
    time = _time(seconds)
    pitch = 440 * 2 ** ((midi - 69) / 12)
    tones = sum(
        np.sin(2 * np.pi * pitch * n * time) * np.exp(-time * (2 + n)) / n
        for n in range(1, overtones + 1)
        if pitch * n < 7500
    )
    return np.asarray(tones * np.minimum(1, time / 0.005))


def _music(random: Random) -> Floats:
    """A pop song without a singer: four chords, a melody, a bass, kick, snare and hi-hat."""
    sound, beat = np.zeros(int(SECONDS * RATE)), 0.5
    chords = ((60, 64, 67), (57, 60, 64), (65, 69, 72), (55, 59, 62))
    melody = (72, 74, 76, 79, 76, 74, 72, 69)
    for number in range(int(SECONDS / beat) - 1):
        chord = chords[number // 4 % 4]
        if number % 2 == 0:
            for note in chord:
                _place(sound, 0.05 * _note(note, 1.0), number * beat)
        _place(sound, 0.12 * _note(chord[0] - 24, 0.5, 3), number * beat)
        _place(sound, 0.1 * _note(random.choice(melody), 0.45), number * beat)
        drum = _click(random, 0.15, 60) if number % 2 == 0 else _click(random, 0.12, 190)
        _place(sound, 0.2 * drum, number * beat)
        for half in (0.0, 0.25):
            _place(sound, 0.04 * random.standard_normal(600) * _swell(600 / RATE, 0.05),
                   number * beat + half)  # fmt: skip
    return sound


def _piano(random: Random) -> Floats:
    """A slow piano: broken chords over long basses, as waiting rooms play it."""
    sound = np.zeros(int(SECONDS * RATE))
    for bar, chord in enumerate(((48, 60, 64, 67), (45, 57, 60, 64), (41, 57, 60, 65)) * 4):
        start = bar * 2.2
        if start > SECONDS - 2:
            break
        _place(sound, 0.2 * _note(chord[0], 2.2, 8), start)
        for number, index in enumerate((1, 2, 3, 2, 1)):
            _place(sound, 0.16 * _note(chord[index] + 12, 1.2, 8), start + 0.4 * number)
    return sound + _room(random, -62)


def _strings(random: Random) -> Floats:
    """Held strings with vibrato: the film music that subtitles are full of."""
    sound = np.zeros(int(SECONDS * RATE))
    for number, chord in enumerate(((55, 62, 70, 74), (53, 60, 69, 72), (51, 58, 67, 70)) * 2):
        time = _time(4.4)
        for note in chord:
            bend = 1 + 0.006 * np.sin(2 * np.pi * 5.5 * time + note)
            phase = 2 * np.pi * np.cumsum(440 * 2 ** ((note - 69) / 12) * bend) / RATE
            bowed = sum(np.sin(n * phase) / n for n in range(1, 12))
            _place(sound, 0.04 * np.asarray(bowed) * _swell(4.4), number * 4.0)
    return sound


def _hold_music(random: Random) -> Floats:
    """The same song on hold: the telephone's band, 300 to 3400 Hz, and its noise."""
    sound = _music(random)
    spectrum = np.fft.rfft(sound)
    frequency = np.fft.rfftfreq(len(sound), 1 / RATE)
    spectrum[(frequency < 300) | (frequency > 3400)] = 0
    return _level(np.fft.irfft(spectrum, len(sound)), -24) + _room(random, -50)


def _humming(random: Random) -> Floats:
    """A person who hums a tune with the mouth closed: a voice, and not a word."""
    sound = _room(random, -58)
    for number, note in enumerate((57, 59, 60, 64, 62, 60, 59, 57) * 4):
        start = 0.5 + 0.7 * number
        if start > SECONDS - 1:
            break
        time = _time(0.62)
        pitch = 440 * 2 ** ((note - 69) / 12) * (1 + 0.008 * np.sin(2 * np.pi * 5 * time))
        _place(sound, 0.15 * _voiced(random, pitch, _CLOSED, 0.02) * _swell(0.62), start)
    return sound


def _traffic(random: Random) -> Floats:
    """A road behind the window: rumble, and cars that swell and fade."""
    sound, passing = _level(_noise(random, slope=6), -40), _noise(random, slope=4, band=(60, 1500))
    clock = 1.0
    while clock < SECONDS - 6:
        first, swell = int(clock * RATE), _swell(5.0, 0.5)
        _place(sound, random.uniform(0.3, 0.9) * passing[first : first + len(swell)] * swell, clock)
        clock += random.uniform(2.5, 5.0)
    return sound


def _siren(random: Random) -> Floats:
    """A siren in the street that wails between 500 and 1300 Hz and passes."""
    time = _time()
    pitch = 900 + 400 * np.sin(2 * np.pi * 0.25 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    tones = np.sin(phase) + 0.3 * np.sin(2 * phase) + 0.15 * np.sin(3 * phase)
    return _peak(tones * _swell(SECONDS, 0.5), -16) + _level(_noise(random, slope=6), -46)


def _rain(random: Random) -> Floats:
    """Rain on a window: a hiss, and drops that tap on the sill."""
    sound = _level(_noise(random, slope=1, band=(400, 8000)), -40)
    for start in random.uniform(0, SECONDS - 0.1, 400):
        loud = random.uniform(0.01, 0.08)
        _place(sound, loud * _click(random, 0.01, random.uniform(1500, 5000)), float(start))
    return sound


def _bird(random: Random) -> Floats:
    """A bird before the window: chirps that glide between 2 and 5 kHz."""
    sound, clock = _room(random, -56), 0.5
    while clock < SECONDS - 2:
        for _ in range(int(random.integers(2, 7))):
            length = random.uniform(0.05, 0.16)
            glide = np.linspace(random.uniform(2000, 5000), random.uniform(2000, 5000),
                                int(length * RATE))  # fmt: skip
            chirp = np.sin(2 * np.pi * np.cumsum(glide) / RATE) * _swell(length)
            _place(sound, 0.08 * chirp, clock)
            clock += length + random.uniform(0.04, 0.12)
        clock += random.uniform(0.5, 2.0)
    return sound


def _dog(random: Random) -> Floats:
    """A dog next door: barks with a rough voice that falls from 500 Hz, through a wall."""
    sound, clock = _room(random, -54), 0.8
    while clock < SECONDS - 2:
        for _ in range(int(random.integers(1, 5))):
            pitch = np.linspace(520, 340, int(0.18 * RATE))
            _place(sound, 0.12 * _voiced(random, pitch, _OPEN, 0.25) * _swell(0.18, 0.15), clock)
            clock += random.uniform(0.3, 0.5)
        clock += random.uniform(1.0, 3.0)
    return sound


def _clock(random: Random) -> Floats:
    """A wall clock: tick and tock, one a second, two pitches."""
    sound = _room(random, -60)
    for second in range(int(SECONDS)):
        tone = 2400 if second % 2 else 1900
        _place(sound, 0.12 * _click(random, 0.015, tone), second + 0.2)
    return sound


_CLIPS: dict[str, Callable[[Random], Floats]] = {
    "silence": _silence,
    "quiet_room": _quiet_room,
    "usual_room": _usual_room,
    "loud_room": _loud_room,
    "white_noise": _white_noise,
    "hum": _hum,
    "fan": _fan,
    "air_conditioner": _air_conditioner,
    "typing": _typing,
    "mouse": _mouse,
    "breathing": _breathing,
    "sighing": _sighing,
    "sobbing": _sobbing,
    "whimper": _whimper,
    "crying": _crying,
    "deep_sobbing": _deep_sobbing,
    "laughing": _laughing,
    "moaning": _moaning,
    "choir": _choir,
    "sniffing": _sniffing,
    "coughing": _coughing,
    "throat": _throat,
    "chair": _chair,
    "door": _door,
    "rustling": _rustling,
    "hold_tone": _hold_tone,
    "ringing": _ringing,
    "ringtone": _ringtone,
    "music": _music,
    "piano": _piano,
    "strings": _strings,
    "hold_music": _hold_music,
    "humming": _humming,
    "traffic": _traffic,
    "siren": _siren,
    "rain": _rain,
    "bird": _bird,
    "dog": _dog,
    "clock": _clock,
}
