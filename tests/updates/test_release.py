"""`fedge release`: what is signed, by whom, and what is refused."""

import shutil
import stat
from pathlib import Path

import pytest
from model_file_lies import with_member
from releases import Maker, other_model
from support import fedge, one_line_error
from tuf.api.metadata import Metadata

from fedge.commands.device import release as work
from fedge.errors import FedgeError, ReleaseError
from fedge.model.file import GOLDEN
from fedge.model.shipped import shipped_models
from fedge.updates.keys import PASSPHRASE_VARIABLE, ROLES, Keys
from fedge.updates.repository import load

NANO, SMALL = (shipped_models()[name] for name in ("nano", "small"))


def require_signed(repo: Path) -> None:
    """Every role of what is published has the signatures that the root asks for."""
    published = load(repo)
    root = published.root.signed
    for role in ROLES:
        metadata = getattr(published, role)
        root.verify_delegate(role, metadata.signed_bytes, metadata.signatures)


def test_a_release_says_what_the_model_file_says(maker: Maker) -> None:
    maker.add(NANO, "1", 33, "beta")
    (release,) = work.status(maker.repo).releases
    assert (release.number, release.channel, release.version, release.percent) == (1, "beta", "1", 33)
    assert release.parity is not None and release.parity["drop_upper95_pp"] < 1 and release.model == "nano"
    assert (maker.repo / "targets" / release.stored_path).read_bytes() == NANO.read_bytes()
    require_signed(maker.repo)


def test_promote_changes_the_newest_and_withdraw_names_the_old_file_in_a_new_release(maker: Maker) -> None:
    old, bad = maker.add(NANO, "1"), maker.add(SMALL, "2", 33)
    assert work.promote(maker.repo, maker.keys, 30, "stable", 50).percent == 50
    with pytest.raises(ReleaseError, match="already the newest"):
        maker.add(SMALL, "2")
    release = work.withdraw(maker.repo, maker.keys, 30, "stable")
    assert (release.number, release.model_sha256, release.percent, release.notes) == (3, old, 100, "withdraws 2")
    assert bad not in {each.model_sha256 for each in work.status(maker.repo).releases}
    with pytest.raises(ReleaseError, match="no release before"):
        work.withdraw(maker.repo, maker.keys, 30, "stable")
    require_signed(maker.repo)


def test_the_channels_count_by_themselves(maker: Maker) -> None:
    maker.add(NANO, "1")
    maker.add(NANO, "1", channel="beta")
    assert [(each.channel, each.number) for each in work.status(maker.repo).releases] == [("stable", 1), ("beta", 1)]
    with pytest.raises(ReleaseError, match="beta has no release before"):
        work.withdraw(maker.repo, maker.keys, 30, "beta")


def test_a_model_that_fails_its_self_test_is_not_released(maker: Maker, tmp_path: Path) -> None:
    other = tmp_path / "other.tflite"
    other.write_bytes(with_member(NANO.read_bytes(), GOLDEN, b"no golden answers"))
    with pytest.raises(FedgeError, match="golden"):
        maker.add(other, "1")
    assert work.status(maker.repo).releases == ()


@pytest.mark.parametrize("role", [*ROLES, "online"])
def test_a_rotated_key_signs_and_the_old_one_does_not(maker: Maker, role: str) -> None:
    maker.add(NANO, "1")
    before = load(maker.repo).root.signed
    roles = work.rotate(maker.repo, maker.keys, 30, role)
    after = load(maker.repo).root.signed
    for each in ROLES:
        assert (before.roles[each].keyids == after.roles[each].keyids) == (each not in roles)
    # The chain: each root is signed as the one before asks for.
    chain = Metadata.from_file(str(maker.repo / f"metadata/{after.version}.root.json"))
    before.verify_delegate("root", chain.signed_bytes, chain.signatures)
    require_signed(maker.repo)
    maker.add(SMALL, "2")
    require_signed(maker.repo)


def test_a_rotation_that_was_cut_off_is_mended_by_the_next_change(maker: Maker, tmp_path: Path) -> None:
    maker.add(NANO, "1")
    shutil.copytree(maker.repo, tmp_path / "before")
    work.rotate(maker.repo, maker.keys, 30, "targets")
    newest = max((maker.repo / "metadata").glob("*.root.json"))
    shutil.copy(newest, tmp_path / "before/metadata")
    work.renew(tmp_path / "before", maker.keys, 30)
    require_signed(tmp_path / "before")


def test_the_online_keys_alone_renew_and_the_offline_ones_are_named_where_they_are_missing(
    maker: Maker, tmp_path: Path
) -> None:
    maker.add(NANO, "1")
    online, offline = maker.keys.folders[0], tmp_path / "stick"
    offline.mkdir()
    for path in [*online.glob("root-*"), *online.glob("targets-*")]:
        path.rename(offline / path.name)
    state = {path: path.read_bytes() for path in (maker.repo / "metadata").iterdir()}
    for change in (
        lambda keys: work.promote(maker.repo, keys, 30, "stable", 50),
        lambda keys: work.rotate(maker.repo, keys, 30, "root"),
    ):
        with pytest.raises(ReleaseError, match="name its folder with --keys"):
            change(maker.keys)
        assert state == {path: path.read_bytes() for path in (maker.repo / "metadata").iterdir()}
    work.renew(maker.repo, maker.keys, 7)
    assert {role.name: role.days_left for role in work.status(maker.repo).roles}["timestamp"] == 6
    work.promote(maker.repo, Keys([online, offline]), 30, "stable", 50)
    require_signed(maker.repo)


def test_keys_are_their_owner_s_alone(maker: Maker) -> None:
    paths = list(maker.keys.folders[0].iterdir())
    assert len(paths) == 4 and {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
    paths[0].chmod(0o644)
    with pytest.raises(ReleaseError, match="chmod 600"):
        work.rotate(maker.repo, maker.keys, 30, "root")
        maker.add(NANO, "1")


def test_a_passphrase_encrypts_the_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSPHRASE_VARIABLE, "open sesame")
    maker = Maker(tmp_path)
    assert all(b"ENCRYPTED" in path.read_bytes() for path in maker.keys.folders[0].iterdir())
    maker.add(NANO, "1")
    for secret, why in (("wrong", "cannot be read"), ("", "is encrypted")):
        monkeypatch.setenv(PASSPHRASE_VARIABLE, secret)
        with pytest.raises(ReleaseError, match=why):
            maker.add(SMALL, "2")
    assert len(work.status(maker.repo).releases) == 1


def test_what_is_no_repository_is_refused_and_none_is_made_over_another(maker: Maker, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="no repository"):
        work.status(tmp_path / "nothing")
    with pytest.raises(ReleaseError, match="a repository already"):
        work.init(maker.repo, maker.keys, 30)
    with pytest.raises(ReleaseError, match="would be served"):
        work.init(tmp_path / "other", Keys([tmp_path / "other/keys"]), 30)
    (maker.repo / "metadata/timestamp.json").write_text("{}")
    with pytest.raises(ReleaseError, match="damaged"):
        work.status(maker.repo)


def test_a_channel_keeps_a_bounded_number_of_releases(
    maker: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "KEPT", 2)
    for number in range(4):
        maker.add(other_model(tmp_path / "model.tflite", number), str(number))
    assert [each.number for each in work.status(maker.repo).releases] == [4, 3]


def test_the_commands_say_what_they_did(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    assert "root.json" in fedge("release", "init", "--repo", repo).out
    assert one_line_error(fedge("release", "add", tmp_path / "no.tflite", "--repo", repo))
    done = fedge("release", "add", NANO, "--repo", repo, "--percent", 33, "--notes", "new", "--version", "1")
    assert "nano 1 is release 1 in stable, for 33% of the devices" in done.out
    report = fedge("release", "status", "--repo", repo, "--json").json()
    assert {role["name"] for role in report["roles"]} == set(ROLES)
    assert report["releases"][0]["notes"] == "new" and report["repo"] == str(repo)
    assert (tmp_path / "repo.keys").is_dir()
