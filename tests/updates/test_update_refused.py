"""What `fedge update` refuses, each with a message of its own, while a running model goes on answering."""

import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from subprocess import Popen
from threading import Thread

import pytest
from full_disk import no_room_for_more_than
from mjpeg_server import mjpeg_server
from release_server import ReleaseServer, broken_off, dripping, endless, instead, silent
from releases import Device, Maker
from running import next_line, running
from waiting import eventually

from fedge.commands.device import update as work
from fedge.errors import SelfTestFailed, UpdateError
from fedge.model.file import MAX_BYTES
from fedge.model.shipped import shipped_models
from fedge.store.store import Store
from fedge.system.state import STORE_VARIABLE
from fedge.updates import repository
from fedge.updates.memory import Memory, remember
from fedge.updates.release import to_target
from fedge.updates.repository import Published

Lie = Callable[[Maker, ReleaseServer, Device, Path], object]
MODEL = ".tflite"


class Runner:
    """A `fedge run` that answers a camera all the time.

    Args:
        process: it.
    """

    def __init__(self, process: Popen[str]) -> None:
        self._process, self.last = process, next_line(process)
        Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        try:
            while True:
                self.last = next_line(self._process)
        except ValueError:
            pass

    def goes_on_with(self, sha256: str | None) -> bool:
        """Whether it answers frames that come from now on with this model."""
        now = self.last["frame"]
        eventually(lambda: self.last["frame"] > now + 1)
        return bool(self.last["model_sha256"] == sha256)


@pytest.fixture(scope="module")
def running_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Runner]]:
    store = Store(tmp_path_factory.mktemp("running") / "models")
    store.use(store.add(shipped_models()["small"]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STORE_VARIABLE, str(store.folder))
        with mjpeg_server() as camera, running("run", "--source", camera.url, "--json") as process:
            yield store, Runner(process)


@pytest.fixture
def device(running_store: tuple[Store, Runner], maker: Maker, server: ReleaseServer) -> Device:
    store, _ = running_store
    shutil.rmtree(store.folder / "updates", ignore_errors=True)
    return Device(store.folder, server.url, maker.root)


def answering(end: str, answer: object) -> Lie:
    def lie(maker: Maker, server: ReleaseServer, device: Device, folder: Path) -> None:
        server.answers[end] = answer  # type: ignore[assignment]

    return lie


def flipped(data: bytes) -> bytes:
    return data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]


def expired(role: str) -> Lie:
    return lambda maker, *_: maker.change(lambda _: None, **{role: -1})


def signed_by_another(maker: Maker, server: ReleaseServer, device: Device, folder: Path) -> None:
    other = Maker(folder / "other")
    shutil.copytree(other.repo / "metadata", maker.repo / "metadata", dirs_exist_ok=True)


def too_few(maker: Maker, server: ReleaseServer, device: Device, folder: Path) -> None:
    """Two keys must sign the targets, and one does."""
    second = maker.keys.make("targets").public_key
    published = repository.load(maker.repo)
    root = published.root.signed
    signers = maker.keys.signers("root", root)
    root.add_key(second, "targets")
    root.roles["targets"].threshold = 2
    repository._sign_root(maker.repo, published.root, signers, 30)
    targets = maker.keys.signers("targets", root)[:1]
    with pytest.MonkeyPatch.context() as patch:
        signers_of = maker.keys.signers
        patch.setattr(
            maker.keys, "signers", lambda role, root: targets if role == "targets" else signers_of(role, root)
        )
        repository.publish(maker.repo, published, maker.keys, 30, published.releases)


def older(maker: Maker, server: ReleaseServer, device: Device, folder: Path) -> None:
    shutil.copytree(maker.repo / "metadata", folder / "old")
    maker.change(lambda _: None)
    device.update("beta")
    shutil.copytree(folder / "old", maker.repo / "metadata", dirs_exist_ok=True)


def older_named_by_a_new_timestamp(name: str) -> Lie:
    """Whoever has the online keys only names an older snapshot, or older targets."""

    def lie(maker: Maker, server: ReleaseServer, device: Device, folder: Path) -> None:
        maker.change(lambda _: None)
        device.update("beta")

        def lower(published: Published) -> None:
            if name == "snapshot":
                published.snapshot.signed.version = 1
            else:
                published.snapshot.signed.meta["targets.json"].version = 1

        published = repository.load(maker.repo)
        lower(published)
        repository.publish(maker.repo, published, maker.keys, 30)

    return lie


def mixed(role: str) -> Lie:
    """The newest file of a role is replaced by an older one of the same role."""

    def lie(maker: Maker, server: ReleaseServer, device: Device, folder: Path) -> None:
        maker.change(lambda _: None)
        number, before = repository.load(maker.repo), maker.repo / "metadata"
        version = getattr(number, role).signed.version
        shutil.copy(before / f"{version - 1}.{role}.json", before / f"{version}.{role}.json")

    return lie


def claiming(**values: object) -> Lie:
    """The maker signs something else of the release."""

    def lie(maker: Maker, server: ReleaseServer, device: Device, folder: Path) -> None:
        def change(published: Published) -> None:
            (release,) = published.releases
            target = to_target(replace(release, **values))  # type: ignore[arg-type]
            published.targets.signed.targets = {target.path: target}

        maker.change(change)

    return lie


def foreign_fields(maker: Maker, server: ReleaseServer, device: Device, folder: Path) -> None:
    published = repository.load(maker.repo)
    (target,) = published.targets.signed.targets.values()
    target.unrecognized_fields["custom"]["percent"] = "all"
    repository.publish(maker.repo, published, maker.keys, 30)


def nobody_listens(maker: Maker, server: ReleaseServer, device: Device, folder: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        device.url = f"http://127.0.0.1:{probe.getsockname()[1]}"


def in_the_past(maker: Maker, server: ReleaseServer, device: Device, folder: Path) -> None:
    remember_at = device.store.folder / "updates"
    remember_at.mkdir()
    remember(remember_at, Memory(seen="2099-01-01T00:00:00Z"))


def trusting(data: bytes) -> Lie:
    def lie(maker: Maker, server: ReleaseServer, device: Device, folder: Path) -> None:
        device.root = folder / "root.json"
        device.root.write_bytes(data)

    return lie


def skipped_root(maker: Maker, server: ReleaseServer, device: Device, folder: Path) -> None:
    for _ in range(2):
        repository.rotate(maker.repo, repository.load(maker.repo), maker.keys, ["root"], 30)
    (maker.repo / "metadata/3.root.json").rename(maker.repo / "metadata/2.root.json")


REFUSED: dict[str, tuple[Lie, str]] = {
    "a changed timestamp": (answering("timestamp.json", instead(flipped)), "timestamp.json is (not signed|damaged)"),
    "another's signatures": (signed_by_another, "timestamp.json is not signed by the keys"),
    "too few signatures": (too_few, "targets.json is not signed by the keys that this device trusts, or by too few"),
    "an expired root": (expired("root"), "root.json expired"),
    "an expired timestamp": (expired("timestamp"), "timestamp.json expired"),
    "an expired snapshot": (expired("snapshot"), "snapshot.json expired"),
    "expired targets": (expired("targets"), "expired"),
    "an older timestamp": (older, "timestamp.json is older than what this device has seen"),
    "an older snapshot": (older_named_by_a_new_timestamp("snapshot"), "timestamp.json is older"),
    "older targets": (older_named_by_a_new_timestamp("targets"), "snapshot.json is older"),
    "a mixed snapshot": (mixed("snapshot"), "snapshot.json does not belong to the others"),
    "mixed targets": (mixed("targets"), "targets.json does not belong to the others"),
    "a root that was left out": (skipped_root, "2.root.json"),
    "no root": (trusting(b"{}"), "root.json is damaged or of another kind"),
    "another role as root": (trusting(b'{"signed": {"_type": "timestamp"}, "signatures": []}'), "root.json is damaged"),
    "metadata that is none": (answering("timestamp.json", instead(lambda _: b"[" * 9000)), "timestamp.json is damaged"),
    "endless metadata": (answering("timestamp.json", endless), "timestamp.json is larger than it may be"),
    "a missing file": (answering("targets.json", lambda handler, _: handler.send_error(404)), "has no 2.targets.json"),
    "a broken server": (answering("timestamp.json", lambda handler, _: handler.send_error(503)), "status 503"),
    "a cut model": (answering(MODEL, instead(lambda data: data[:-1])), "is cut off or altered"),
    "an altered model": (answering(MODEL, instead(flipped)), "is cut off or altered"),
    "an answer that breaks off": (answering(MODEL, broken_off), "the answer broke off"),
    "an endless model": (answering(MODEL, endless), "tflite is larger than it may be"),
    "an oversized model": (claiming(bytes=MAX_BYTES + 1), f"more than {MAX_BYTES} bytes"),
    "a dead server": (nobody_listens, "it does not answer"),
    "a later fedge": (claiming(least_fedge="99.1"), "needs fedge 99.1 or later"),
    "a version that is none": (claiming(least_fedge="soon"), "needs fedge soon or later"),
    "fields of another kind": (foreign_fields, "stable/1.tflite cannot be read"),
    "a clock in the past": (in_the_past, "the clock says .* before 2099-01-01"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_may_not_be_trusted_is_refused_and_the_running_model_goes_on(
    case: str,
    maker: Maker,
    server: ReleaseServer,
    device: Device,
    running_store: tuple[Store, Runner],
    tmp_path: Path,
) -> None:
    lie, message = REFUSED[case]
    store, runner = running_store
    lie(maker, server, device, tmp_path)
    current, models = store.current, store.journal()
    with pytest.raises(UpdateError, match=message) as told:
        device.update()
    assert told.value.exit_code == 1 and "\n" not in str(told.value)
    assert store.current == current and store.journal() == models
    assert not (store.folder / "updates/download.tflite").exists()
    assert runner.goes_on_with(current)


@pytest.mark.parametrize("answer", [silent, dripping], ids=["silent", "dripping"])
@pytest.mark.parametrize("end", ["timestamp.json", MODEL])
def test_a_slow_server_is_given_up(
    answer: Callable[..., None],
    end: str,
    device: Device,
    server: ReleaseServer,
    running_store: tuple[Store, Runner],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store, runner = running_store
    monkeypatch.setattr("fedge.updates.client._LEAST_BYTES_A_SECOND", 1e6)
    server.answers[end] = answer
    with pytest.raises(UpdateError, match="the server is too slow with .*" + end):
        device.update(seconds=0.5)
    assert runner.goes_on_with(store.current)


@pytest.mark.parametrize("room", [1500, 20_000], ids=["for metadata", "for the model"])
def test_a_full_disk_is_told(room: int, device: Device, running_store: tuple[Store, Runner]) -> None:
    store, runner = running_store
    with no_room_for_more_than(room), pytest.raises(UpdateError, match="the disk is full"):
        device.update()
    assert not (store.folder / "updates/download.tflite").exists()
    assert runner.goes_on_with(store.current)


def test_a_disk_without_room_for_the_model_is_told_before_it_is_fetched(
    device: Device, server: ReleaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "_ROOM", 1 << 60)
    with pytest.raises(UpdateError, match="no room"):
        device.update()
    assert not any(path.endswith(MODEL) for path in server.asked)


def test_a_model_that_fails_its_self_test_here_is_refused_by_the_gate_and_not_fetched_again(
    maker: Maker, server: ReleaseServer, device: Device, wrong_golden: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fedge.commands.device.release.require_passed", lambda found: None)
    current = device.store.current
    sha = maker.add(wrong_golden, "wrong")
    for _ in range(2):
        with pytest.raises(SelfTestFailed, match="failed its self-test here") as told:
            device.update()
        assert told.value.exit_code == 3 and device.store.current == current
        assert not device.store.path(sha).exists()
    assert sum(path.endswith(MODEL) for path in server.asked) == 1
