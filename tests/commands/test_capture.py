"""`fedge capture`: what is kept and where, what is refused, bounds, and how it ends."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from full_disk import no_room_for_more_than
from mjpeg_server import mjpeg_server
from pictures_for_tests import room
from running import finish, next_line, running

from fedge.commands.capture import class_folder as folder_module
from fedge.commands.capture.class_folder import ClassFolder
from fedge.commands.capture.reporter import CaptureReporter, Tally
from fedge.commands.capture.session import collect
from fedge.data.folders import list_folder
from fedge.data.label_map import LabelMap
from fedge.errors import CaptureError
from fedge.images.cutout import CutOut
from fedge.images.picture import Picture
from fedge.images.preprocess import Recipe, apply
from fedge.options import LEAST_SHARPNESS, CollectOptions
from fedge.sources.backends.in_memory import Corrupt, InMemoryCamera, Step
from fedge.sources.base import Fault, Frame

LARGE = 10**9
RECIPE = Recipe(28, 28)
CUTTING = Recipe(28, 28, color="rgb", cut_out=CutOut())
DARK = room(0) // 6


def options(root: Path, **changes: Any) -> CollectOptions:
    usual = CollectOptions("cup", root, None, None, 100, 0.0, 0.0, LARGE, LEAST_SHARPNESS, as_json=True)
    return replace(usual, **changes)


def gather(source: Any, asked: CollectOptions, recipe: Recipe = RECIPE) -> Tally:
    kept, tally = ClassFolder(asked.out, asked.label, asked.limit_bytes, recipe), Tally()
    collect(source, kept, CaptureReporter(asked.label, str(kept.path), asked.count, asked.as_json), tally, asked)
    return tally


def noise() -> Picture:
    """Its file is larger than that of any other picture of this size."""
    return np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)


def files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_good_pictures_are_kept_and_the_others_refused_for_their_reasons(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blurred = np.asarray(cv2.GaussianBlur(room(1), (0, 0), 8), dtype=np.uint8)
    script: list[Step] = [room(0), room(0), DARK, Corrupt(), blurred, room(1)]
    tally = gather(InMemoryCamera(script), options(tmp_path))
    assert tally.kept == 2
    assert tally.refusals == {"like one before": 1, "too dark": 1, "blurred": 1}
    out, err = capsys.readouterr()
    told = lines(out)
    assert [line["picture"] for line in told] == [0, 1, 2, 3, 4]
    assert [line["refused"] for line in told] == [None, "like one before", "too dark", "blurred", None]
    assert [Path(line["file"]) for line in told if line["file"]] == files(tmp_path)
    assert "refused: too dark; give it more light" in err
    assert "a frame in memory cannot be decoded" in err


def test_a_kept_frame_is_the_cameras_own(tmp_path: Path) -> None:
    gather(InMemoryCamera([room(0)]), options(tmp_path))
    (path,) = files(tmp_path)
    assert path.read_bytes() == cv2.imencode(".jpg", room(0), [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def test_earlier_sessions_count_as_before(tmp_path: Path) -> None:
    (tmp_path / "cup" / "deeper").mkdir(parents=True)
    (tmp_path / "cup" / "deeper" / "by-hand.png").write_bytes(cv2.imencode(".png", room(0))[1].tobytes())
    (tmp_path / "cup" / "broken.jpg").write_bytes(b"no picture")
    assert gather(InMemoryCamera([room(0), room(1)]), options(tmp_path)).refusals == {"like one before": 1}
    assert gather(InMemoryCamera([room(0), room(1), room(2)]), options(tmp_path)).kept == 1
    # Another class is another matter.
    assert gather(InMemoryCamera([room(0)]), options(tmp_path, label="plate")).kept == 1


def test_the_folder_trains_as_it_is_and_has_the_cut_outs_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for label, numbers in (("cup", (0, 1)), ("plate", (2, 3))):
        gather(InMemoryCamera([room(i) for i in numbers]), options(tmp_path, label=label), CUTTING)
    told = lines(capsys.readouterr().out)
    listed = list_folder(tmp_path, LabelMap()).splits["all"]
    assert [(str(path), *right) for path, right in listed] == [
        (line["file"], Path(line["file"]).parent.name) for line in told
    ]
    for number, line in enumerate(told):
        assert 0 <= line["quality"] <= 1
        seen = cv2.imread(line["cut_out"])
        assert seen is not None
        assert np.array_equal(seen[:, :, ::-1], apply(CUTTING, room(number)))
    assert len(files(tmp_path)) == 8


def test_a_scene_without_an_object_is_kept_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grid = np.kron(np.indices((24, 32)).sum(axis=0) % 2, np.ones((20, 20))).astype(np.uint8) * 90 + 80
    tally = gather(InMemoryCamera([cv2.cvtColor(grid, cv2.COLOR_GRAY2BGR)]), options(tmp_path), CUTTING)  # type: ignore[list-item]
    assert tally.kept == 1
    assert "no object stands out" in capsys.readouterr().err


def test_it_ends_when_there_are_enough_and_closes_the_source(tmp_path: Path) -> None:
    camera = InMemoryCamera([room(i) for i in range(9)])
    assert gather(camera, options(tmp_path, count=3)).looked_at == 3
    assert camera.closed


class Clocked:
    """A source with a frame at each of these moments, the first of which may be any."""

    live = moving = True
    picture: Picture | None = None

    def __init__(self, *moments: float) -> None:
        self._moments = moments

    def frames(self) -> Iterator[Frame | Fault | None]:
        for number, moment in enumerate(self._moments):
            yield None
            picture = room(number) if self.picture is None else self.picture
            yield Frame(picture, f"frame {number}", captured=moment)

    def close(self) -> None: ...


def test_pictures_are_taken_so_often_and_the_first_after_a_countdown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = Clocked(50.0, 50.5, 51.5, 52.1, 52.2, 53.5, 54.0, 55.0, 59.0)
    gather(source, options(tmp_path, every=2.0, countdown=2.0))
    out, err = capsys.readouterr()
    assert [line["source"] for line in lines(out)] == ["frame 3", "frame 7", "frame 8"]
    assert [text for text in err.splitlines() if "first picture" in text] == [
        "cup: first picture in 2",
        "cup: first picture in 1",
    ]


def test_the_same_refusal_is_said_once_a_second_and_counted_each_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = Clocked(0.0, 0.1, 0.5, 0.9, 1.1, 1.2)
    source.picture = DARK
    tally = gather(source, options(tmp_path))
    out, err = capsys.readouterr()
    assert tally.refusals == {"too dark": 6}
    assert len(lines(out)) == 6
    assert err.count("too dark") == 2


def test_pictures_that_do_not_move_are_all_looked_at_and_at_once(tmp_path: Path) -> None:
    source = Clocked(0.0, 0.0, 0.0)
    source.live = source.moving = False
    assert gather(source, options(tmp_path, every=2.0, countdown=2.0)).kept == 3


def test_pictures_of_one_moment_get_names_of_their_own(tmp_path: Path) -> None:
    kept = ClassFolder(tmp_path, "cup", LARGE, RECIPE)
    frame = Frame(room(0), "memory")
    names = {kept.keep(frame.picture, frame.time).file.name for _ in range(3)}
    assert len(names) == len(files(tmp_path)) == 3


@pytest.mark.parametrize(
    "label", ["", ".", "..", "a/b", "../cup", "a\\b", ".hidden", " cup", "cup\n", "a\0b", "ä" * 200, "train", "val"]
)
def test_a_label_that_is_no_class_folders_name_is_refused(tmp_path: Path, label: str) -> None:
    with pytest.raises(CaptureError):
        ClassFolder(tmp_path, label, LARGE, RECIPE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("label", ["cup", "T-shirt top", "Übergröße", "trainings", "…", "a.b"])
def test_other_labels_are_taken(tmp_path: Path, label: str) -> None:
    assert ClassFolder(tmp_path, label, LARGE, RECIPE).keep(room(0), Frame(room(0), "").time).file.exists()


def test_a_folder_with_splits_wants_the_split_named(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    with pytest.raises(CaptureError, match=f"--out {tmp_path}/train"):
        ClassFolder(tmp_path, "cup", LARGE, RECIPE)
    assert ClassFolder(tmp_path / "train", "cup", LARGE, RECIPE).pictures() == []


def test_the_class_has_a_bound_that_earlier_sessions_count_for(tmp_path: Path) -> None:
    limit = 3 * len(cv2.imencode(".png", room(0))[1])
    with pytest.raises(CaptureError, match="--max-mb"):
        gather(InMemoryCamera([room(i) for i in range(200)]), options(tmp_path, limit_bytes=limit))
    there = files(tmp_path)
    assert there
    assert sum(path.stat().st_size for path in there) <= limit
    with pytest.raises(CaptureError, match="--max-mb"):
        ClassFolder(tmp_path, "cup", limit, RECIPE).keep(noise(), Frame(noise(), "memory").time)
    assert files(tmp_path) == there
    # In an empty folder there is room for it.
    assert ClassFolder(tmp_path, "plate", limit, RECIPE).keep(noise(), Frame(noise(), "memory").time).file.exists()


def test_it_stops_before_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # No disk has so much room: this one counts as nearly full.
    monkeypatch.setattr(folder_module, "RESERVE_BYTES", 10**18)
    with pytest.raises(CaptureError, match="less than"):
        gather(InMemoryCamera([room(0)]), options(tmp_path))
    assert files(tmp_path) == []


def test_a_picture_that_cannot_be_written_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    with no_room_for_more_than(1000), pytest.raises(CaptureError, match="cannot be written"):
        gather(InMemoryCamera([room(0)]), options(tmp_path))
    assert files(tmp_path) == []


def test_a_cut_out_that_cannot_be_written_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / ".cut-outs").mkdir()
    (tmp_path / ".cut-outs" / "cup").write_text("not a folder")
    kept = ClassFolder(tmp_path, "cup", LARGE, CUTTING)
    with pytest.raises(CaptureError, match=f"{tmp_path}/.cut-outs/cup/.* cannot be written"):
        kept.keep(room(0), Frame(room(0), "memory").time)
    assert files(tmp_path) == [tmp_path / ".cut-outs" / "cup"]
    (tmp_path / ".cut-outs" / "cup").unlink()
    again = kept.keep(room(0), Frame(room(0), "memory").time)
    assert files(tmp_path) == sorted(filter(None, [again.cut_out, again.file]))


def write_seconds(path: Path, *pictures: Picture) -> Path:
    """A video that shows each picture for a second."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (640, 480))
    for picture in pictures:
        for _ in range(10):
            writer.write(picture)
    writer.release()
    return path


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four rooms, a second each, and a second in the dark."""
    return write_seconds(tmp_path_factory.mktemp("video") / "rooms.avi", room(0), room(1), DARK, room(2), room(3))


def test_a_video_gives_json_lines_and_a_summary(video: Path, tmp_path: Path) -> None:
    code, out, err = finish("capture", "cup", "--source", video, "--out", tmp_path, "--every", 0.5, "--json")
    *pictures, summary = lines(out)
    assert code == 0
    # A frame every half second of five: the second of each room is like the first.
    assert len(pictures) == summary["looked_at"] == 10
    assert summary["kept"] == summary["in_folder"] == len(files(tmp_path / "cup")) == 4
    assert summary["refusals"] == {"like one before": 4, "too dark": 2}
    assert err.splitlines()[-1] == f"4 kept, 6 refused (4 like one before, 2 too dark); {tmp_path}/cup has 4 pictures"
    again, out, _ = finish("capture", "cup", "--source", video, "--out", tmp_path)
    assert again == 0
    assert out.splitlines()[-1].startswith("0 kept, 5 refused (4 like one before, 1 too dark)")


def test_ctrl_c_ends_it_with_the_counts_and_130(tmp_path: Path) -> None:
    asked = ["--out", tmp_path, "--every", 0, "--countdown", 0, "--count", 100_000, "--json"]
    with mjpeg_server() as server, running("capture", "cup", "--source", server.url, *asked) as process:
        next_line(process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert lines(out)[-1].keys() >= {"looked_at", "kept", "refusals", "in_folder"}
    assert "kept" in err.splitlines()[-1]
    assert "Traceback" not in err


def test_who_reads_no_further_ends_it_quietly(video: Path, tmp_path: Path) -> None:
    asked = ["--out", tmp_path, "--every", 0, "--json"]
    with running("capture", "cup", "--source", video, *asked) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(60) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["cup"], 2, "either --camera or --source"),
        (["cup", "--camera", "--source", "a.avi"], 2, "either --camera or --source"),
        (["cup", "--source", "a.avi", "--device", "0"], 2, "--device goes with --camera"),
        (["--camera"], 2, "label"),
        (["a/b", "--camera"], 1, "cannot be the name of a class folder"),
        (["cup", "--camera", "--device", "97"], 1, "camera 97 cannot be opened"),
        (["cup", "--source", "nothing.avi"], 1, "there is no file, folder or picture"),
        (["cup", "--camera", "--model", "nothing"], 1, "there is no model nothing"),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, arguments: list[str], code: int, message: str) -> None:
    done, out, err = finish("capture", *arguments, "--out", tmp_path)
    assert (done, out) == (code, "")
    assert len(err.splitlines()) == 1
    assert message in err
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_ends_it_with_one_line_and_the_counts(tmp_path: Path) -> None:
    video, photos = write_seconds(tmp_path / "rooms.avi", DARK, room(0)), tmp_path / "photos"
    code = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (9, 9)); from fedge.__main__ import main; main()"
    command = ["capture", "cup", "--source", str(video), "--out", str(photos)]
    done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout.splitlines()[-1] == f"0 kept, 1 refused (1 too dark); {photos}/cup has 0 pictures"
    assert files(photos) == []
