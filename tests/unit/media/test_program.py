"""The program end to end in virtual time: encoded RTP in, decoded program out, compared pixel by pixel and by ear."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from media.feed import KeyFrameWanted, Layout, Muted, Overlay, Participant, SizeWanted, Speaker, TrackRemoved
from media.layout import Rect, arrange_grid, arrange_large
from media.lettering import GROUND
from media.options import ProgramOptions, VideoRendition
from media.program import Program
from tests.support.rtp_source import solid
from tests.support.virtual_room import START, Camera, Microphone, Network, Source, Viewer, VirtualRoom, units_are_whole

WIDTH, HEIGHT, FPS = 640, 360, 15
COLOURS = {"ann": (81, 90, 240), "bob": (145, 54, 34), "carl": (41, 240, 110), "dora": (210, 16, 146)}


def options(**changes: object) -> ProgramOptions:
    values: dict[str, object] = {
        "renditions": (VideoRendition("main", WIDTH, HEIGHT, 2_000_000),),
        "frames_per_s": FPS,
        "preset": "ultrafast",
        "hardware": False,
    }
    return ProgramOptions(**{**values, **changes})  # type: ignore[arg-type]


def camera(track: int, user: str, **more: object) -> Camera:
    size = more.pop("size", (320, 180))
    ink = COLOURS.get(user, (120, 128, 128))
    return Camera(track, user, lambda t: solid(*size, ink), size=size, fps=15, **more)  # type: ignore[arg-type]


def tone(track: int, user: str, hz: float = 440.0, level: float = 0.3, **more: object) -> Microphone:
    def sound(moments: np.ndarray) -> np.ndarray:
        wave = level * np.sin(2 * np.pi * hz * moments)
        return np.stack([wave, wave]).astype(np.float32)

    return Microphone(track, user, sound, **more)  # type: ignore[arg-type]


def play(program: Program, sources: list[Source], seconds: float, news=(), network: Network | None = None) -> Viewer:
    room, viewer = VirtualRoom(program, sources, network), Viewer(program)
    viewer.take(room.run(seconds, list(news)))
    viewer.take(program.finish(START + seconds))
    viewer.asked = room.asked  # type: ignore[attr-defined]
    return viewer


def at(viewer: Viewer, seconds: float) -> np.ndarray:
    return min(viewer.pictures, key=lambda p: abs(p[0] - seconds))[1]


def mean(picture: np.ndarray, rect: Rect, height: int = HEIGHT) -> tuple[float, float, float]:
    """Mean colour of the middle of a rectangle."""
    width = picture.shape[1]
    x, y, w, h = rect.x + rect.width // 4, rect.y + rect.height // 4, rect.width // 2, rect.height // 2
    luma = picture[:height]
    chroma = picture[height:].reshape(2, height // 2, width // 2)
    half = np.s_[y // 2 : (y + h) // 2, x // 2 : (x + w) // 2]
    return float(luma[y : y + h, x : x + w].mean()), float(chroma[0][half].mean()), float(chroma[1][half].mean())


def looks(picture: np.ndarray, rect: Rect, ink: tuple[int, int, int]) -> bool:
    return all(abs(a - b) < 6 for a, b in zip(mean(picture, rect), ink, strict=True))


def cameras(*users: str) -> list[Source]:
    return [camera(n, user) for n, user in enumerate(users or COLOURS)]


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_the_right_participant_in_the_right_tile(codec: str) -> None:
    sources: list[Source] = [camera(n, user, codec=codec) for n, user in enumerate(COLOURS)]
    viewer = play(Program(options(), START), sources, 2.0)
    tiles = arrange_grid(list(COLOURS), WIDTH, HEIGHT)
    assert len(tiles) == 4
    for tile in tiles:
        assert looks(at(viewer, 1.5), tile.rect, COLOURS[tile.seat]), tile.seat


def test_pictures_come_at_a_constant_rate() -> None:
    program = Program(options(), START)
    room = VirtualRoom(program, cameras("ann"))
    packets = list(room.run(3.0)) + program.finish(START + 3.0)
    video = [p for p in packets if p.stream == "main"]
    assert [p.pts for p in video] == [n * 6_000 for n in range(len(video))] and len(video) in (45, 46)
    assert [n for n, p in enumerate(video) if p.key_frame] == [0, 30]
    assert all(units_are_whole(p.data) for p in video)
    sound = [p for p in packets if p.stream == "audio"]
    assert [p.pts for p in sound] == [n * 1_024 for n in range(len(sound))]
    assert len(sound) * 1_024 / 48_000 == pytest.approx(3.0, abs=0.06)


def test_names_and_the_mark_of_the_speaker_are_seen() -> None:
    viewer = play(Program(options(), START), cameras("ann", "bob"), 3.0, [(1.5, Speaker("bob"))])
    ann, bob = (t.rect for t in arrange_grid(["ann", "bob"], WIDTH, HEIGHT))
    before, after = at(viewer, 1.0), at(viewer, 2.5)

    def corner(picture: np.ndarray, rect: Rect) -> np.ndarray:
        return picture[rect.y + rect.height - 26 : rect.y + rect.height - 4, rect.x + 4 : rect.x + 60]

    for rect, user in ((ann, "ann"), (bob, "bob")):
        assert corner(before, rect).max() > 200, "white letters"
        assert corner(before, rect).min() < COLOURS[user][0] - 25, "on a dark ground"

    def edge(picture: np.ndarray, rect: Rect) -> float:
        return float(picture[rect.y : rect.y + 2, rect.x + 20 : rect.x + rect.width - 20].mean())

    assert abs(edge(before, bob) - COLOURS["bob"][0]) < 10
    assert edge(after, bob) == pytest.approx(148, abs=12) and abs(edge(after, ann) - COLOURS["ann"][0]) < 10
    nameless = play(Program(options(layout=Layout(show_names=False)), START), cameras("ann", "bob"), 1.5)
    assert corner(at(nameless, 1.2), ann).max() < 110


def test_a_change_of_layout_is_never_black_nor_torn() -> None:
    news = [(1.5, Layout("speaker", spotlight="bob")), (2.5, Layout("grid"))]
    viewer = play(Program(options(), START), cameras(), 3.5, news)
    inks = np.array([GROUND[0], *(c[0] for c in COLOURS.values())])
    large = arrange_large("bob", ["ann", "carl", "dora"], WIDTH, HEIGHT, crop=True)[0].rect
    assert looks(at(viewer, 2.2), large, COLOURS["bob"])
    for seconds, picture in viewer.pictures:
        if seconds < 0.5:
            continue
        luma = picture[:HEIGHT].astype(int)
        shown = np.abs(luma[..., None] - inks).min(axis=-1) < 10
        assert shown.mean() > 0.93, f"something strange at {seconds:.2f} s"
        assert (np.abs(luma - GROUND[0]) < 8).mean() < 0.62, f"nothing but ground at {seconds:.2f} s"
        for ink in inks[1:]:
            assert (np.abs(luma - ink) < 8).mean() > 0.015, f"somebody is missing at {seconds:.2f} s"


def test_a_muted_camera_shows_initials_and_a_screen_is_large_with_a_strip() -> None:
    screen = Camera(
        9, "bob", lambda t: solid(640, 480, (180, 128, 128)), size=(640, 480), fps=15, source="screen", begins=2.0
    )
    news = [(1.2, Muted(0, True)), (4.0, TrackRemoved(9))]
    screen.ends = 3.9
    viewer = play(Program(options(), START), [*cameras("ann", "bob"), screen], 5.0, news)
    ann, bob = (t.rect for t in arrange_grid(["ann", "bob"], WIDTH, HEIGHT))
    assert looks(at(viewer, 1.0), ann, COLOURS["ann"]) and not looks(at(viewer, 1.8), ann, COLOURS["ann"])
    assert at(viewer, 1.8)[ann.y : ann.y + ann.height, ann.x : ann.x + ann.width].max() > 200, "white initials"
    tiles = arrange_large("screen", ["ann", "bob"], WIDTH, HEIGHT, crop=False)
    large = at(viewer, 3.2)
    assert looks(large, tiles[0].rect, (180, 128, 128)) and looks(large, tiles[2].rect, COLOURS["bob"])
    # 4:3 in a tile that is wider: nothing of it is cut off, ground stands beside it.
    r = tiles[0].rect
    assert (
        abs(float(large[r.y + 50 : r.y + 60, r.x + 2 : r.x + 8].mean()) - GROUND[0]) < 6 or r.width * 3 <= r.height * 4
    )
    assert looks(at(viewer, 4.8), bob, COLOURS["bob"])
    kinds = [e.kind for e in viewer.program.take_events()]
    assert kinds == ["joined", "joined", "screen-started", "screen-stopped"]


def test_nobody_then_somebody_then_nobody() -> None:
    program = Program(options(overlay=Overlay(slate="Soon")), START)
    ann = camera(1, "ann", begins=1.0, ends=2.0)
    viewer = play(program, [ann], 3.5, [(2.0, TrackRemoved(1)), (2.0, Participant("ann", "Ann", present=False))])
    for seconds in (0.5, 3.0):
        slate = at(viewer, seconds)[:HEIGHT]
        assert slate.max() > 200 and float(np.median(slate)) == pytest.approx(GROUND[0], abs=3)
    assert looks(at(viewer, 1.7), Rect(0, 0, WIDTH, HEIGHT), COLOURS["ann"])
    assert [e.kind for e in program.take_events()] == ["joined", "left"]


def test_title_and_logo_lie_over_the_picture_and_go_again() -> None:
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.new("RGBA", (100, 50), (255, 255, 255, 255)).save(file, "PNG")
    news = [(2.0, Overlay())]
    viewer = play(
        Program(options(overlay=Overlay(title="Town hall", logo=file.getvalue())), START), cameras("ann"), 3.5, news
    )

    def corners(picture: np.ndarray) -> tuple[float, float]:
        return float(picture[14:20, WIDTH - 40 : WIDTH - 20].mean()), float(picture[8:34, 12:60].max())

    shown, gone = corners(at(viewer, 1.5)), corners(at(viewer, 3.0))
    assert shown[0] > 220 and shown[1] > 200 and gone[0] < 100 and gone[1] < 120
    broken = Program(options(overlay=Overlay(logo=b"no picture")), START)
    broken.tick(START + 1)


def test_renditions_show_the_same_and_bitrates_change() -> None:
    renditions = (VideoRendition("main", 640, 360, 900_000), VideoRendition("low", 320, 180, 200_000))
    noise = np.random.default_rng(1).integers(0, 255, (200, 270, 480), dtype=np.uint8)
    source = Camera(1, "ann", lambda t: noise[int(t * 15) % 200], size=(480, 180), fps=15, bitrate_bps=3_000_000)
    program = Program(options(renditions=renditions), START)
    room = VirtualRoom(program, [source])
    assert [(s.name, s.width) for s in program.streams] == [("main", 640), ("low", 320), ("audio", 0)]
    bits: dict[tuple[str, int], int] = {}
    for packet in room.run(12.0):
        if packet.stream != "audio":
            third = packet.pts // (90_000 * 4)
            bits[packet.stream, third] = bits.get((packet.stream, third), 0) + len(packet.data) * 8
            if third == 0 and packet.pts >= 90_000 * 3.9:
                program.set_bitrate("main", 300_000)
    assert bits["low", 0] < bits["main", 0] / 2
    assert bits["main", 0] > 4 * 700_000, bits
    assert bits["main", 2] < 4 * 390_000, bits


def test_renditions_come_and_go_on_the_grid_of_key_frames() -> None:
    main, low = VideoRendition("main", 640, 360, 900_000), VideoRendition("low", 320, 180, 200_000)
    program = Program(options(renditions=(main,), key_frame_interval_s=1.0), START)
    room = VirtualRoom(program, cameras("ann"))
    seen: dict[str, list[tuple[int, bool]]] = {"main": [], "low": []}
    for packet in room.run(6.0):
        if packet.stream != "audio":
            frame = packet.pts // 6_000
            seen[packet.stream].append((frame, packet.key_frame))
            if packet.stream == "main" and frame == 20:
                program.set_renditions((main, low))
                assert [s.name for s in program.streams] == ["main", "low", "audio"]
            if packet.stream == "main" and frame == 50:
                program.set_renditions((low,))
    assert [f for f, _ in seen["main"]] == list(range(52)) or [f for f, _ in seen["main"]] == list(range(51))
    assert [f for f, key in seen["main"] if key] == [0, 15, 30, 45]
    first, key = seen["low"][0]
    assert (first, key) == (30, True)
    assert [f for f, _ in seen["low"]] == list(range(30, 30 + len(seen["low"]))) and len(seen["low"]) > 45
    assert [f for f, key in seen["low"] if key] == [30, 45, 60, 75]
    for bad in ((), (low, low)):
        with pytest.raises(ValueError):
            program.set_renditions(bad)
    with pytest.raises(ValueError):
        Program(options(renditions=()), START).set_renditions((low,))


def test_a_key_frame_can_be_forced() -> None:
    program = Program(options(), START)
    room = VirtualRoom(program, cameras("ann"))
    keys = []
    for packet in room.run(2.0):
        if packet.stream == "main":
            if packet.pts == 10 * 6_000:
                program.force_key_frame()
            if packet.key_frame:
                keys.append(packet.pts // 6_000)
    assert keys[0] == 0 and len(keys) == 2 and 11 <= keys[1] <= 13


def test_after_a_crash_the_times_go_on() -> None:
    first = Program(options(), START)
    packets = list(VirtualRoom(first, cameras("ann")).run(2.0))
    second = Program(options(), START + 2.5, origin=START)
    assert second.streams[0].extradata == first.streams[0].extradata
    more = second.tick(START + 4.0)
    video = [p.pts for p in packets if p.stream == "main"], [p.pts for p in more if p.stream == "main"]
    assert video[1][0] == round(2.5 * FPS + 0.49) * 6_000 > video[0][-1]
    sound = [p.pts for p in more if p.stream == "audio"]
    assert sound[0] % 1_024 == 0 and 0 <= sound[0] / 48_000 - 2.5 < 0.05


# -- sound -----------------------------------------------------------------------------------------------------------


def spectrum(samples: np.ndarray) -> Callable[[float], float]:
    """The level of a frequency in these samples."""
    windowed = samples * np.hanning(len(samples)) * 2
    levels = np.abs(np.fft.rfft(windowed)) / (len(samples) / 2)
    return lambda hz: float(levels[max(0, int(hz * len(samples) / 48_000) - 3) :][:7].max())


def test_all_are_heard_and_a_mute_is_silent() -> None:
    sources: list[Source] = [
        tone(1, "ann", 500, 0.3),
        tone(2, "bob", 800, 0.2),
        tone(3, "carl", 1_200, 0.1, begins=1.5),
    ]
    program = Program(options(renditions=()), START)
    viewer = play(program, sources, 4.0, [(3.0, Muted(1, True))])
    samples = viewer.samples()
    assert len(samples) / 48_000 == pytest.approx(4.0, abs=0.06)
    early, later = spectrum(samples[24_000:67_200]), spectrum(samples[96_000:139_200])
    assert (early(500), early(800)) == (pytest.approx(0.3, abs=0.05), pytest.approx(0.2, abs=0.04)) and early(
        1_200
    ) < 0.01
    assert later(1_200) == pytest.approx(0.1, abs=0.03)
    muted = spectrum(samples[151_200:187_200])
    assert muted(500) < 0.01 and muted(800) > 0.15


def test_many_loud_ones_are_turned_down_and_not_clipped() -> None:
    sources: list[Source] = [tone(n, f"p{n}", 300 + 170 * n, 0.5) for n in range(6)]
    viewer = play(Program(options(renditions=()), START), sources, 3.0)
    samples = viewer.samples()[48_000:-9_600]
    assert 0.8 < np.abs(samples).max() <= 1.0
    assert (np.abs(samples) > 0.99).mean() < 0.001, "no flat tops"
    level = spectrum(samples[:48_000])
    assert min(level(300 + 170 * n) for n in range(6)) > 0.05, "all are heard"
    between = max(level(300 + 170 * n + 85) for n in range(5))
    assert between < 0.02, "no distortion between them"


def test_loss_holds_the_picture_and_asks_for_a_key_frame() -> None:
    rng = np.random.default_rng(2)
    noise = rng.integers(0, 255, (30, 270, 320), dtype=np.uint8)
    source = Camera(1, "ann", lambda t: noise[int(t * 15) % 30], fps=15, bitrate_bps=2_000_000)
    network = Network(loss=0.05)
    program = Program(options(), START)
    viewer = play(program, [source], 4.0, network=network)
    assert KeyFrameWanted(1) in viewer.asked  # type: ignore[attr-defined]
    assert program.status()["lost"] > 0 and len(viewer.pictures) >= 60
    assert all(p[:HEIGHT].std() > 8 for s, p in viewer.pictures if s > 1.0), "noise, moving or held, and never a card"


def test_only_who_is_wanted_is_taken_and_sizes_are_told() -> None:
    program = Program(options(only_users=frozenset({"ann"})), START)
    viewer = play(program, cameras("ann", "bob"), 1.5)
    assert looks(at(viewer, 1.2), Rect(0, 0, WIDTH, HEIGHT), COLOURS["ann"])
    sizes = [m for m in viewer.asked if isinstance(m, SizeWanted)]  # type: ignore[attr-defined]
    assert sizes == [SizeWanted(0, WIDTH, HEIGHT)]


def test_a_program_that_falls_behind_repeats_pictures_and_catches_up() -> None:
    program = Program(options(), START)
    program.tick(START)
    frames = 0
    for _ in range(8):
        frames += sum(p.stream == "main" for p in program.tick(START + 5.0))
    assert 64 <= frames <= 67 and program.repeated > 30


@pytest.mark.parametrize(
    "bad",
    [{"frames_per_s": 0}, {"renditions": (VideoRendition("a", 641, 360),)}, {"renditions": (VideoRendition("audio"),)}],
)
def test_options_that_cannot_be(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        options(**bad)
