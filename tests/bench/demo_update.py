"""A model that arrives by itself: three devices, signed releases, a staged rollout, and a bad release that goes back.

    make demo-update
    python tests/bench/demo_update.py [--fps 30] [--shadow 2] [--trial 0.2]

A broker, a static server, and for each device a `fedge run` on a looped video and a `fedge update --watch`, all as
processes. Printed are the frames that were answered around each swap, and those that a camera would have lost in the
pause between the last answer of one model and the first of the other.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

import bench_common  # noqa: F401  (makes the tests' helpers importable)
import cv2
from broker import Mosquitto, Subscriber, mosquitto
from model_file_lies import setting, with_member
from release_server import release_server

from fedge.model.shipped import shipped_models
from fedge.store.store import Store
from fedge.system.files import sha256_file
from fedge.updates.rollout import takes_part

FEDGE = [sys.executable, "-m", "fedge"]
PATIENCE_SECONDS = 60.0
# Around a swap, on both sides.
WINDOW_SECONDS = 2.0
SIDE = 96
PICTURE_SECONDS = 0.2


@dataclass
class Device:
    """A device: its store, and what it answered and said.

    Attributes:
        name: which stands for the machine's id.
        folder: of its store.
        answers: when, and by which model's SHA-256.
        said: the lines that it said.
    """

    name: str
    folder: Path
    answers: list[tuple[float, str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def model(self) -> str:
        """The SHA-256 of the model that answered last; empty before the first answer."""
        return self.answers[-1][1] if self.answers else ""

    def swaps(self) -> Iterator[tuple[float, str]]:
        """When another model answered first, and which."""
        for (_, before), (at, now) in zip(self.answers, self.answers[1:], strict=False):
            if now != before:
                yield at, now


def release(*arguments: object) -> None:
    """Runs `fedge release` and shows it."""
    words = ["release", *map(str, arguments)]
    print("\n$ fedge", *(Path(word).name if "/" in word else word for word in words), flush=True)
    print(subprocess.run([*FEDGE, *words], check=True, capture_output=True, text=True).stdout, end="", flush=True)


def wait_until(what: str, holds: Callable[[], bool], devices: list[Device]) -> None:
    """Waits until it holds; ends the demonstration, with what the devices said, where it never does."""
    deadline = monotonic() + PATIENCE_SECONDS
    while not holds():
        if monotonic() > deadline:
            print(*(f"{device.name}: {line}" for device in devices for line in device.said[-12:]), sep="\n")
            sys.exit(f"it did not happen within {PATIENCE_SECONDS:.0f} s: {what}")
        sleep(0.05)
    print(f"  {what}", flush=True)


def write_video(path: Path, pictures: Path, fps: float) -> None:
    """A moment of each picture."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, (SIDE, SIDE))
    for picture in sorted(pictures.rglob("*.png")):
        image = cv2.imread(str(picture))
        assert image is not None
        for _ in range(round(fps * PICTURE_SECONDS)):
            writer.write(cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC))
    writer.release()


@contextmanager
def process(device: Device, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A `fedge` of a device, ended at the end."""
    environment = os.environ | {"FEDGE_STORE": str(device.folder)}
    with subprocess.Popen(
        [*FEDGE, *map(str, arguments)],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as started:  # fmt: skip
        try:
            yield started
        finally:
            started.terminate()


def listen(device: Device, run: subprocess.Popen[str]) -> None:
    """Notes what a process of a device answers and says, in threads of their own."""

    def answers() -> None:
        for line in run.stdout or ():
            if line.startswith("{"):
                device.answers.append((monotonic(), json.loads(line)["model_sha256"]))
            elif not device.said or device.said[-1] != line.strip():
                device.said.append(line.strip())

    def words() -> None:
        for line in run.stderr or ():
            device.said.append(line.strip())

    for work in (answers, words):
        Thread(target=work, daemon=True).start()


def names_of_devices(versions: dict[str, int]) -> list[str]:
    """Three devices of which the first alone takes part in the rollouts with these percents by version."""
    taking, others = [], []
    for number in range(1000):
        name = f"device-{number}"
        parts = {takes_part(name, version, percent) for version, percent in versions.items()}
        (taking if parts == {True} else others if parts == {False} else []).append(name)
    return [taking[0], *others[:2]]


def print_swaps(devices: list[Device], names: dict[str, str], fps: float) -> bool:
    """The table of all swaps; gives whether none lost more than the frame of the swap itself."""
    around = round(2 * WINDOW_SECONDS * fps)
    print(f"\n| device | to | answered of {around} frames around it | pause at the swap | frames lost |")
    print("|---|---|---|---|---|")
    whole = True
    for device in devices:
        times = [at for at, _ in device.answers]
        for at, now in device.swaps():
            answered = sum(abs(each - at) <= WINDOW_SECONDS for each in times)
            index = times.index(at)
            pause = times[index] - times[index - 1]
            lost = max(0, round(pause * fps) - 1)
            whole &= lost <= 1
            print(f"| {device.name} | {names[now]} | {answered} | {pause * 1000:.0f} ms | {lost} |")
    return whole


def main() -> None:
    """Runs the demonstration."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fps", type=float, default=30)
    parser.add_argument("--shadow", type=float, default=2, help="seconds")
    parser.add_argument("--trial", type=float, default=0.2, help="minutes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        repo = folder / "releases"
        subprocess.run([*FEDGE, "samples", str(folder / "samples"), "--count", "10"], check=True, capture_output=True)
        write_video(folder / "video.avi", folder / "samples", options.fps)
        small, better, bad = shipped_models()["small"], folder / "better.tflite", folder / "bad.tflite"
        better.write_bytes(with_member(small.read_bytes(), "README.md", b"The same network, with another card."))
        strict = setting({"normal": 0.999999, "strict": 0.9999999}, "confidence", "reject_below")
        bad.write_bytes(strict(small.read_bytes()))
        names = {sha256_file(small): "version 1", sha256_file(better): "version 2", sha256_file(bad): "version 3, bad"}
        one, two, three = names
        release("init", "--repo", repo)
        release("add", small, "--repo", repo, "--version", 1)

        server = stack.enter_context(release_server(repo))
        broker = Mosquitto(folder) if mosquitto() else None
        subscriber = None
        if broker:
            stack.callback(broker.stop)
            subscriber = Subscriber(broker.port)
            stack.callback(subscriber.close)
        devices = [Device(each, folder / each) for each in names_of_devices({"2": 33})]
        update = ("update", "--url", server.url, "--root", repo / "root.json")
        for number, device in enumerate(devices):
            with process(device, *update, "--device", device.name) as first:
                first.communicate()
            mqtt = ("--mqtt", f"mqtt://127.0.0.1:{broker.port}/test/{number}") if broker else ()
            run = stack.enter_context(
                process(
                    device, "run", "--source", folder / "video.avi", "--loop", "--realtime", "--json",
                    "--shadow", options.shadow, "--trial", options.trial, *mqtt,
                )
            )  # fmt: skip
            listen(device, run)
            watcher = stack.enter_context(process(device, *update, "--device", device.name, "--watch", 1))
            listen(device, watcher)

        def all_have(version: str, count: int = 3) -> Callable[[], bool]:
            return lambda: sum(device.model == version for device in devices) == count

        def all_said(what: str, count: int = 3) -> Callable[[], bool]:
            return lambda: sum(any(what in line for line in device.said) for device in devices) == count

        wait_until("all three answer with version 1", all_have(one), devices)
        wait_until(
            "all have answered 150 frames", lambda: min(len(device.answers) for device in devices) > 150, devices
        )
        release("add", better, "--repo", repo, "--version", 2, "--percent", 33)
        wait_until(f"{devices[0].name} answers with version 2, the others do not", all_have(two, 1), devices)
        wait_until("it passed its trial", all_said("passed its trial", 1), devices)
        release("promote", "--repo", repo, "--percent", 100)
        wait_until("all answer with version 2", all_have(two), devices)
        wait_until("all passed their trial", all_said("passed its trial"), devices)
        release("add", bad, "--repo", repo, "--version", "3")
        wait_until(
            "each has tried version 3", lambda: all(three in {sha for _, sha in d.answers} for d in devices), devices
        )
        wait_until("each went back by itself", lambda: all_said("failed its trial")() and all_have(two)(), devices)
        reasons = {line.partition("failed its trial: ")[2] for d in devices for line in d.said if "failed its" in line}
        print("  because " + "; ".join(sorted(reasons)), flush=True)
        last = {device.name: Store(device.folder).journal().history[-1].action for device in devices}
        print(f"  the last event of each store: {last}", flush=True)
        release("withdraw", "--repo", repo)
        sleep(WINDOW_SECONDS)
        if subscriber:
            print(f"  the broker had {len(subscriber.all())} messages", flush=True)
        whole = print_swaps(devices, names, options.fps)
    sys.exit(0 if whole else "a swap lost more than a frame")


if __name__ == "__main__":
    main()
