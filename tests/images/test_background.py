"""The empty scene before a still camera."""

import io
import weakref
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from full_disk import no_room_for_more_than
from pictures_for_tests import write_video
from support import fedge, one_line_error

from fedge.errors import OutputError, SourceError
from fedge.images import cutout
from fedge.images.background import (
    MOST_BYTES,
    Background,
    evidence,
    learn_background,
    load_background,
    require_writable,
    save_background,
)
from fedge.images.cutout import CutOut, Pixels
from fedge.sources.backends.in_memory import Corrupt, InMemoryCamera
from fedge.sources.base import Frame
from fedge.sources.learn_background import FRAMES, BackgroundLearner


def scene(seed: int, brighter: int = 0) -> Pixels:
    """A cluttered but still scene, with a camera's noise."""
    blocks = np.random.default_rng(0).integers(40, 200, (12, 16, 3), dtype=np.uint8)
    still = cv2.resize(blocks, (320, 240), interpolation=cv2.INTER_NEAREST).astype(int)
    return np.clip(still + brighter + np.random.default_rng(seed).normal(0, 3, still.shape), 0, 255).astype(np.uint8)


def with_object(picture: Pixels) -> tuple[Pixels, np.ndarray]:
    inside = np.zeros(picture.shape[:2], np.uint8)
    cv2.ellipse(inside, (160, 120), (50, 80), 0, 0, 360, 1, cv2.FILLED)
    picture = picture.copy()
    picture[inside > 0] = (90, 30, 220)
    return picture, inside > 0


@pytest.fixture
def background() -> Background:
    return learn_background(scene(seed) for seed in range(1, 11))


@pytest.mark.parametrize("brighter", [0, 15])
def test_what_differs_from_the_empty_scene_is_the_object(background: Background, brighter: int) -> None:
    picture, inside = with_object(scene(99, brighter))
    found = cutout.find(CutOut(), picture, background)
    truth = cv2.resize(inside.astype(np.uint8) * 255, found.mask.shape[::-1], interpolation=cv2.INTER_AREA) > 127
    mask = found.mask > 0
    # An ellipse of 30 x 48 of the mask's pixels has a rim of about a tenth of its area: one pixel off gives 0.85.
    assert (mask & truth).sum() / (mask | truth).sum() > 0.85


def test_the_empty_scene_itself_is_no_object(background: Background) -> None:
    found = cutout.find(CutOut(), scene(98), background)
    assert found.quality < CutOut().least_quality


def test_evidence_is_low_where_nothing_changed_and_high_where_something_did(background: Background) -> None:
    picture, inside = with_object(scene(97))
    lab = np.asarray(cv2.cvtColor(cv2.resize(picture, (96, 72), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2LAB))
    small = cv2.resize(inside.astype(np.uint8) * 255, (96, 72), interpolation=cv2.INTER_AREA)
    difference = evidence(background, lab.astype(np.uint8))
    assert difference[small == 255].mean() > 0.9 and difference[small == 0].mean() < -0.5


def test_a_background_is_saved_and_read_again(background: Background, tmp_path: Path) -> None:
    save_background(background, tmp_path / "empty.npz")
    again = load_background(tmp_path / "empty.npz")
    assert again is not None
    # Stored as float32, whose step at 255 is 1.5e-5.
    assert np.abs(again.lab - background.lab).max() < 1.6e-5
    assert np.abs(again.spread - background.spread).max() < 1.6e-5


def test_frames_of_two_sizes_are_refused() -> None:
    with pytest.raises(SourceError, match="differ in size"):
        learn_background([scene(1), scene(2), scene(3)[:100]])


def archive(content: bytes) -> bytes:
    """An .npz file with this as the array `lab`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as members:
        members.writestr("lab.npy", content)
    return buffer.getvalue()


def saved(save: Callable[..., None], **arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    save(buffer, **arrays)
    return buffer.getvalue()


def well_formed(save: Callable[..., None] = np.savez, side: int = 8) -> bytes:
    noise = np.random.default_rng(0).random((side, side, 3), dtype=np.float32)
    return saved(save, lab=noise, spread=np.ones((side, side), np.float32))


def damaged() -> bytes:
    """Half of what was compressed is something else."""
    data = well_formed(np.savez_compressed)
    return data[:200] + bytes(b ^ 255 for b in data[200:400]) + data[400:]


def of_twelve_tebibytes() -> bytes:
    header = io.BytesIO()
    shape = (1 << 20, 1 << 20, 3)
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return archive(header.getvalue())


def lone_array() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((8, 8, 3), np.float32))
    return buffer.getvalue()


NOT_SCENES = {
    "text": b"text",
    "nothing": b"",
    "one array": lone_array(),
    "damaged": damaged(),
    "cut short": well_formed()[:-30],
    "a huge claim": of_twelve_tebibytes(),
    "a bomb": saved(np.savez_compressed, lab=np.zeros((MOST_BYTES, 3), np.float32)),
    "a large file": bytes(MOST_BYTES + 1),
    "another header": archive(b"\x93NUMPY\x01\x00\x05\x00((((\n"),
    "objects": saved(np.savez, lab=np.array([{}], dtype=object)),
    "no spread": saved(np.savez, lab=np.zeros((8, 8, 3), np.float32)),
    "two sizes": saved(np.savez, lab=np.zeros((5, 5, 3), np.float32), spread=np.zeros((4, 5), np.float32)),
    "too many pixels": well_formed(side=97),
    "no pixels": well_formed(side=0),
    "not a number": saved(np.savez, lab=np.full((8, 8, 3), np.nan, np.float32), spread=np.ones((8, 8), np.float32)),
}


@pytest.mark.parametrize("kind", NOT_SCENES)
def test_a_file_that_is_no_empty_scene_is_refused_and_the_mend_says_what_learns_it_anew(
    kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "empty.npz"
    path.write_bytes(NOT_SCENES[kind])
    with pytest.raises(SourceError, match=r"is not an empty scene's file|does not hold an empty scene") as refused:
        load_background(path)
    assert refused.value.mend.startswith(f"remove it and run again with `--background {path}`")
    assert "\n" not in str(refused.value)


def test_the_files_that_are_refused_differ_from_a_right_one_in_what_they_are_named_for(tmp_path: Path) -> None:
    for save in (np.savez, np.savez_compressed):
        (tmp_path / "empty.npz").write_bytes(well_formed(save))
        assert load_background(tmp_path / "empty.npz") is not None


def test_a_file_that_is_not_there_yet_is_no_error_and_a_folder_is_one(tmp_path: Path) -> None:
    assert load_background(tmp_path / "none.npz") is None
    with pytest.raises(SourceError, match="cannot be read"):
        load_background(tmp_path)


def test_it_is_known_before_whether_a_file_can_be_written(tmp_path: Path) -> None:
    require_writable(tmp_path / "deep" / "deeper" / "empty.npz")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    for path in (Path("/proc/empty.npz"), tmp_path / "file" / "empty.npz"):
        with pytest.raises(OutputError, match="cannot be written"):
            require_writable(path)


def test_a_full_disk_is_one_clear_error_and_leaves_nothing(background: Background, tmp_path: Path) -> None:
    with no_room_for_more_than(1000), pytest.raises(OutputError, match="cannot be written"):
        save_background(background, tmp_path / "empty.npz")
    assert list(tmp_path.iterdir()) == []


class Watched:
    """A camera that counts how many of its frames are held at once."""

    live = moving = True
    most = 0

    def frames(self) -> Iterator[Frame]:
        given: list[weakref.ref[Pixels]] = []
        for number in range(FRAMES):
            frame = Frame(scene(number), "a camera")
            given.append(weakref.ref(frame.picture))
            yield frame
            del frame
            self.most = max(self.most, sum(picture() is not None for picture in given))

    def close(self) -> None: ...


def test_the_frames_are_shrunk_as_they_come_and_the_scene_is_that_of_the_whole_ones() -> None:
    camera, learned = Watched(), list[Background]()
    assert list(BackgroundLearner(camera, learned.append).frames()) == [None] * FRAMES
    # The one that is being looked at.
    assert camera.most <= 1
    expected = learn_background(scene(number) for number in range(FRAMES))
    assert np.array_equal(learned[0].lab, expected.lab)
    assert np.array_equal(learned[0].spread, expected.spread)


def test_it_is_said_when_the_scene_must_be_empty_and_until_when(capsys: pytest.CaptureFixture[str]) -> None:
    camera = InMemoryCamera([Corrupt(), *(scene(number) for number in range(FRAMES + 2))])
    items = BackgroundLearner(camera, lambda background: None).frames()
    next(items)
    assert capsys.readouterr().err == ""
    next(items)
    begun = capsys.readouterr().err
    rest = list(items)
    assert begun == f"fedge: learning the empty scene from {FRAMES} frames: keep it empty\n"
    assert sum(isinstance(item, Frame) for item in rest) == 2
    assert capsys.readouterr().err == "fedge: the empty scene is learned\n"


@pytest.mark.parametrize("count", [0, 1, FRAMES - 1])
def test_a_source_that_ends_too_soon_is_refused_and_nothing_is_learned(count: int) -> None:
    learned: list[Background] = []
    learning = BackgroundLearner(InMemoryCamera([scene(number) for number in range(count)]), learned.append)
    with pytest.raises(SourceError, match=f"after {count} of the {FRAMES} frames"):
        list(learning.frames())
    assert learned == []


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("video") / "short.avi", FRAMES - 20)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(3):
        cv2.imwrite(str(folder / f"{number}.png"), scene(number))
    return folder


@pytest.mark.parametrize("where", ["/proc/empty.npz", "folder", "folder/file/empty.npz"])
def test_run_says_that_a_scene_cannot_be_kept_before_it_learns_one(where: str, video: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_text("")
    done = fedge("run", "--source", video, "--background", tmp_path / where)
    # Nothing else is said: learning has not begun.
    assert done.code == 1 and "give --background another file" in one_line_error(done)


@pytest.mark.parametrize("name", ["learn", "new.npz"])
def test_run_learns_no_scene_from_a_few_single_pictures(name: str, pictures: Path, tmp_path: Path) -> None:
    done = fedge("run", "--source", pictures, "--background", name, cwd=tmp_path)
    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines()[-1].startswith(f"fedge: the source ended after 3 of the {FRAMES} frames")
    assert list(tmp_path.iterdir()) == []


def test_run_classifies_single_pictures_with_a_scene_that_is_there(
    background: Background, pictures: Path, tmp_path: Path
) -> None:
    save_background(background, tmp_path / "empty.npz")
    done = fedge("run", "--source", pictures, "--background", tmp_path / "empty.npz", "--json")
    assert done.code == 0 and [line["label"] for line in done.lines()] == [None] * 3


def test_run_writes_no_scene_of_a_video_that_is_too_short(video: Path, tmp_path: Path) -> None:
    done = fedge("run", "--source", video, "--background", "new.npz", cwd=tmp_path)
    assert (done.code, done.out) == (1, "")
    *told, error = done.err.splitlines()
    assert [line.split(":")[1] for line in told] == [f" learning the empty scene from {FRAMES} frames"]
    assert error.startswith(f"fedge: the source ended after 10 of the {FRAMES} frames")
    assert list(tmp_path.iterdir()) == []
