"""`fedge update`: which release a device takes, what it does not take again, and how trust goes on."""

import subprocess
import sys
from pathlib import Path

import pytest
from release_server import ReleaseServer
from releases import Device, Maker, other_model
from running import running
from support import fedge, one_line_error

from fedge.commands.device import release as release_work
from fedge.commands.device.update import UpdateOptions, _alone, update
from fedge.errors import UpdateError
from fedge.model.shipped import shipped_models
from fedge.store.prove import Proof
from fedge.store.store import Store
from fedge.store.trial import Trial, write_trial
from fedge.updates.memory import recall
from fedge.updates.repository import load
from fedge.updates.rollout import device_id, takes_part

NANO = shipped_models()["nano"]


@pytest.fixture(autouse=True)
def proved(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof takes a process and most of a second; tests of the command and of refusals have it."""
    monkeypatch.setattr("fedge.commands.device.update.prove", lambda path: Proof(True))


def test_a_release_is_taken_once_and_is_current(device: Device, server: ReleaseServer) -> None:
    before = device.store.current
    report = device.update()
    assert report.taken and device.store.path(report.current or "").read_bytes() == NANO.read_bytes()
    assert device.store.previous == before
    assert device.store.find("1").sha256 == report.current
    assert "release 1 of stable" in device.store.journal().history[-1].reason
    again = device.update()
    assert not again.taken and "current already" in again.reason
    assert sum(path.endswith(".tflite") for path in server.asked) == 1
    remembered = recall(device.store.folder / "updates").latest
    assert remembered is not None and remembered["version"] == "1"


def test_a_root_is_given_once(device: Device, maker: Maker, tmp_path: Path) -> None:
    device.update()
    options = UpdateOptions(device.url, "stable", "a", None, 20)
    assert "current already" in update(device.store, options).reason
    fresh = Store(tmp_path / "fresh")
    with pytest.raises(UpdateError, match="trusts nobody"):
        update(fresh, options)
    (fresh.folder / "root.json").write_bytes(maker.root.read_bytes())
    assert update(fresh, options).taken


@pytest.mark.parametrize("kind", ["path", "file URL"])
def test_a_plain_folder_is_as_good_as_a_server(device: Device, maker: Maker, kind: str) -> None:
    device.url = str(maker.repo) if kind == "path" else maker.repo.as_uri()
    assert device.update().taken


def test_the_channel_is_the_device_s(device: Device, maker: Maker, tmp_path: Path) -> None:
    assert "beta has no release for this device" in device.update("beta").reason
    sha = maker.add(other_model(tmp_path / "beta.tflite", 1), "2", channel="beta")
    assert device.update().current != sha
    assert device.update("beta").current == sha


def test_a_rollout_takes_in_each_device_by_its_number_and_none_leaves_it() -> None:
    devices = [f"device {number}" for number in range(2000)]
    taking = {percent: {d for d in devices if takes_part(d, "2", percent)} for percent in (0, 33, 50, 100)}
    assert not taking[0] and taking[33] < taking[50] < taking[100] == set(devices)
    # The share of 2000 draws lies within 33% +- 5 points but once in 10**6 cases (5 standard deviations of 1.05).
    assert abs(len(taking[33]) / 2000 - 0.33) < 0.0526
    other = {d for d in devices if takes_part(d, "3", 33)}
    assert other != taking[33]


def test_who_is_not_in_a_rollout_keeps_the_release_before_until_all_may(
    device: Device, maker: Maker, tmp_path: Path
) -> None:
    old = device.update().current
    sha = maker.add(other_model(tmp_path / "new.tflite", 1), "2", percent=0)
    assert device.update().current == old
    release_work.promote(maker.repo, maker.keys, 30, "stable", 100)
    assert device.update().current == sha
    release_work.promote(maker.repo, maker.keys, 30, "stable", 0)
    assert "older than what this device took" in device.update().reason and device.store.current == sha


def test_a_withdrawn_release_gives_way_to_the_old_file(device: Device, maker: Maker, tmp_path: Path) -> None:
    old = device.update().current
    assert maker.add(other_model(tmp_path / "bad.tflite", 1), "2") == device.update().current
    release_work.withdraw(maker.repo, maker.keys, 30, "stable")
    assert device.update().current == old


def test_what_failed_here_is_not_taken_again_unless_a_person_chose_it(
    device: Device, maker: Maker, tmp_path: Path
) -> None:
    before = device.store.current
    bad = device.update().current
    device.store.rollback("unknown answers rose")
    report = device.update()
    assert not report.taken and "failed here (unknown answers rose)" in report.reason
    assert device.store.current == before
    device.store.use(device.store.find(bad or ""))
    assert "current already" in device.update().reason
    device.store.rollback()
    assert maker.add(other_model(tmp_path / "better.tflite", 1), "2") == device.update().current


def test_a_trial_is_not_cut_short_but_by_going_back(device: Device, maker: Maker, tmp_path: Path) -> None:
    old = device.update().current
    bad = maker.add(other_model(tmp_path / "bad.tflite", 1), "2")
    device.update()
    write_trial(device.store, Trial(bad, 60))
    maker.add(other_model(tmp_path / "next.tflite", 2), "3")
    assert "until the trial" in device.update().reason and device.store.current == bad
    for _ in range(2):
        release_work.withdraw(maker.repo, maker.keys, 30, "stable")
    assert device.update().current == old


def test_old_models_that_updates_brought_are_removed(device: Device, maker: Maker, tmp_path: Path) -> None:
    own = device.store.current
    for number in range(4):
        maker.add(other_model(tmp_path / "m.tflite", number), str(number))
        device.update()
    assert {each.version for each in device.store.journal().entries} == {"2", "3", own and own[:12]}


def test_rotated_keys_are_followed_over_many_steps(device: Device, maker: Maker, tmp_path: Path) -> None:
    device.update()
    for role in ("root", "targets", "online", "root", "timestamp"):
        release_work.rotate(maker.repo, maker.keys, 30, role)
    sha = maker.add(other_model(tmp_path / "new.tflite", 1), "2")
    assert device.update().current == sha
    assert load(maker.repo).root.signed.version == 6


def test_a_stolen_key_that_was_replaced_signs_nothing_any_more(device: Device, maker: Maker, tmp_path: Path) -> None:
    stolen = maker.keys.signers("timestamp", load(maker.repo).root.signed)
    release_work.rotate(maker.repo, maker.keys, 30, "timestamp")
    published = load(maker.repo)
    published.timestamp.signatures.clear()
    published.timestamp.sign(stolen[0])
    published.timestamp.to_file(str(maker.repo / "metadata/timestamp.json"))
    with pytest.raises(UpdateError, match="not signed"):
        device.update()


def test_two_clients_do_not_mix(device: Device) -> None:
    with _alone(device.store.folder / "updates"), pytest.raises(UpdateError, match="another fedge update"):
        device.update()


@pytest.mark.parametrize(
    ("url", "why"),
    [("ftp://host/x", "ftp"), ("https://me:secret@host/x", "password"), ("/nowhere/at/all", "no folder")],
)
def test_an_address_that_is_none_is_refused(device: Device, url: str, why: str) -> None:
    device.url = url
    with pytest.raises(UpdateError, match=why) as told:
        device.update()
    assert "secret" not in str(told.value)


def test_the_command_says_what_it_did(device: Device, maker: Maker) -> None:
    options = ("--url", device.url, "--store", device.store.folder)
    assert "--root FILE" in one_line_error(fedge("update", *options))
    done = fedge("update", *options, "--root", maker.root, "--json")
    assert done.code == 0 and done.json()["taken"] and done.json()["release"]["version"] == "1"
    assert fedge("update", *options, "--once", "--watch", 9).code == 2


def test_a_watch_goes_on_after_a_refusal(device: Device, maker: Maker, server: ReleaseServer) -> None:
    server.answers["timestamp.json"] = lambda handler, _: handler.send_error(503)
    options = ("--url", device.url, "--store", device.store.folder, "--root", maker.root, "--watch", 1)
    with running("update", *options) as process:
        assert process.stderr is not None and process.stdout is not None
        assert "status 503" in process.stderr.readline()
        server.answers.clear()
        assert "is current now" in process.stdout.readline()


def test_a_run_knows_nothing_of_updates() -> None:
    imports = "import sys, fedge.commands.run.run, fedge.runner.swap"
    code = f"{imports}; print([m for m in sys.modules if 'tuf' in m.split('.')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_a_device_has_a_number_that_stays_and_tells_nothing() -> None:
    assert device_id() == device_id() and len(device_id()) == 16
