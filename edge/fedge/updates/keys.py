"""The keys that sign releases: Ed25519, a PEM file each that its owner alone may read."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Root

from fedge.errors import ReleaseError
from fedge.system.files import write_bytes

PASSPHRASE_VARIABLE = "FEDGE_RELEASE_PASSPHRASE"
ROLES = ("root", "targets", "snapshot", "timestamp")
_MODE = 0o600
_DIGITS = 8


class Keys:
    """Folders of keys, `ROLE-DIGITS.pem` each; those kept offline may be in a folder that is only there when needed.

    Args:
        folders: where keys are looked for; new ones are made in the first.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = tuple(folders)

    def make(self, role: str) -> CryptoSigner:
        """Makes a key and keeps it, encrypted where a passphrase is set."""
        private = Ed25519PrivateKey.generate()
        signer = CryptoSigner(private)
        secret = _passphrase()
        protection: KeySerializationEncryption = BestAvailableEncryption(secret) if secret else NoEncryption()
        data = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)
        self.folders[0].mkdir(mode=0o700, parents=True, exist_ok=True)
        write_bytes(self.folders[0] / _name(role, signer.public_key.keyid), data, _MODE)
        return signer

    def signers(self, role: str, root: Root) -> list[CryptoSigner]:
        """The keys that sign for a role. Raises ReleaseError where they are not all here."""
        keyids = root.roles[role].keyids
        return [self._load(role, keyid) for keyid in keyids]

    def _load(self, role: str, keyid: str) -> CryptoSigner:
        if not re.fullmatch("[0-9a-f]{8,128}", keyid):
            raise ReleaseError(f"the {role} key has the odd name {keyid!r}", "make the repository with `fedge release`")
        name = _name(role, keyid)
        path = next((folder / name for folder in self.folders if (folder / name).is_file()), None)
        if path is None:
            where = " or ".join(map(str, self.folders))
            raise ReleaseError(f"the {role} key {name} is not in {where}", "name its folder with --keys")
        if path.stat().st_mode & 0o077:
            raise ReleaseError(f"others may read the key {path}", f"run `chmod 600 {path}`")
        return CryptoSigner(_read(path))


def _read(path: Path) -> Ed25519PrivateKey:
    data, secret = path.read_bytes(), _passphrase()
    is_encrypted = b"ENCRYPTED" in data
    if is_encrypted and secret is None:
        raise ReleaseError(f"the key {path} is encrypted", f"give its passphrase in ${PASSPHRASE_VARIABLE}")
    try:
        key = load_pem_private_key(data, secret if is_encrypted else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        mend = f"check ${PASSPHRASE_VARIABLE}" if is_encrypted else "take it from a copy, or rotate the key"
        raise ReleaseError(f"the key {path} cannot be read", mend) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ReleaseError(f"the key {path} is no Ed25519 key", "take the one that `fedge release` made")
    return key


def _passphrase() -> bytes | None:
    return os.environ.get(PASSPHRASE_VARIABLE, "").encode() or None


def _name(role: str, keyid: str) -> str:
    return f"{role}-{keyid[:_DIGITS]}.pem"
