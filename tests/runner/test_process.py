"""`fedge run` as a process: signals, exit codes, faults on standard error, recording and replaying."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from mjpeg_server import mjpeg_server
from pictures_for_tests import jpeg, scene, write_video
from running import finish, next_line, running
from waiting import PATIENCE_SECONDS

from fedge.errors import ProbeFailed
from fedge.model.file import read
from fedge.model.interpreter import probe


def wait(process: subprocess.Popen[str]) -> int:
    """The exit code. On an idle machine it comes within two seconds of the signal, which no busy one can show."""
    return process.wait(PATIENCE_SECONDS)


def test_a_line_has_the_answer_and_the_decision(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(scene(0)))
    code, out, err = finish("run", "--source", tmp_path / "a.jpg", "--json")
    assert (code, err) == (0, "")
    line = json.loads(out)
    answer = ["frame", "source", "time", "label", "score", "top", "age_ms", "preprocess_ms", "infer_ms"]
    rejected = ["rejected"] if line["label"] is None else []
    empty = ["empty"] if line.get("empty") else []
    assert list(line) == [*answer, "decision", "changed", "model_sha256", "quality", *rejected, *empty]
    assert line["changed"] == (line["decision"] is not None)


@pytest.mark.parametrize("json_option", [["--json"], []])
def test_sigterm_ends_cleanly_while_frames_come(json_option: list[str]) -> None:
    with mjpeg_server() as server, running("run", "--source", server.url, *json_option) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert wait(process) == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_it_while_a_read_blocks(number: signal.Signals, code: int) -> None:
    with mjpeg_server() as server, running("run", "--source", server.url, "--json", "--stall-after", 60) as process:
        next_line(process)
        server.stalled.set()
        # What was on its way is read; then the read blocks.
        while server.sent_at and process.poll() is None and _another_line_within_a_second(process):
            pass
        process.send_signal(number)
        assert wait(process) == code


def _another_line_within_a_second(process: subprocess.Popen[str]) -> bool:
    import select

    assert process.stdout is not None
    ready = bool(select.select([process.stdout], [], [], 1.0)[0])
    return ready and bool(process.stdout.readline())


def test_sigterm_ends_it_while_it_waits_for_a_camera() -> None:
    with mjpeg_server() as server:
        server.die()
        with running("run", "--source", server.url, "--wait") as process:
            assert process.stderr is not None
            assert "cannot be opened" in process.stderr.readline()
            process.send_signal(signal.SIGTERM)
            assert wait(process) == 0


def test_a_camera_that_is_not_there_is_one_line_and_exit_code_1() -> None:
    with mjpeg_server() as server:
        server.die()
        code, out, err = finish("run", "--source", server.url, "--json")
    assert (code, out) == (1, "")
    assert err == f"fedge: {server.url} cannot be opened; check the address and the network\n"


def test_faults_and_recoveries_are_said() -> None:
    with mjpeg_server() as server, running("run", "--source", server.url, "--json", "--stall-after", 0.5) as process:
        next_line(process)
        server.die()
        assert process.stderr is not None
        assert "stopped after" in process.stderr.readline()
        server.start()
        while (line := process.stderr.readline()) and "frames come again" not in line:
            assert "cannot be opened" in line
        assert "frames come again" in line
        process.send_signal(signal.SIGTERM)
        process.communicate()
        assert process.returncode == 0


def test_a_recorded_run_replays_and_says_where_it_differs(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.avi", 30)
    assert finish("run", "--source", video, "--json", "--record", tmp_path / "kept")[0] == 0
    code, out, _ = finish("replay", tmp_path / "kept", "--json")
    assert code == 0
    assert json.loads(out)["frames"] == 30
    lines = tmp_path / "kept" / "segment-000001" / "frames.jsonl"
    lines.write_text(lines.read_text().replace('"changed": false', '"changed": true', 1))
    code, out, err = finish("replay", tmp_path / "kept")
    assert code == 3
    assert "segment-000001 frame 0: changed was True, is False" in out
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--rotate", "45"], 2),
        (["--enter", "0.3", "--leave", "0.5"], 2),
        (["--region", "0,0,9999,1"], 1),
        (["--region", "what"], 1),
        (["--camera"], 2),
    ],
)
def test_options_that_make_no_sense_are_refused(tmp_path: Path, arguments: list[str], code: int) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(scene(0)))
    done, out, err = finish("run", "--source", tmp_path / "a.jpg", *arguments)
    assert (done, out) == (code, "")
    assert err.startswith("fedge: ")


def test_a_module_in_the_current_folder_is_not_imported(tmp_path: Path, model_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit('imported from the current folder')")
    (tmp_path / "a.jpg").write_bytes(jpeg(scene(0)))
    # A model from elsewhere, so that the process that tries it out is started too.
    shutil.copy(model_path, tmp_path / "mine.tflite")
    # As the `fedge` script does it, which has no current folder in its path.
    command = [sys.executable, "-P", "-m", "fedge", "run", "mine.tflite", "--source", "a.jpg", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["frame"] == 0


def test_a_module_in_the_current_folder_does_not_try_out_a_network(
    model_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit(0)")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProbeFailed):
        probe(b"no network")
    probe(read(model_path).flatbuffer)


def test_a_reader_that_goes_away_ends_it() -> None:
    with mjpeg_server() as server, running("run", "--source", server.url, "--json") as process:
        next_line(process)
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(60) == 0
