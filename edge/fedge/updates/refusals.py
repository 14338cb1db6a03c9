"""What python-tuf refuses, in one line for the user."""

import errno

from tuf.api import exceptions

from fedge.errors import UpdateError

_GOES_ON = "the model at hand goes on"
_ASK = f"tell who releases; {_GOES_ON}"
_LATER = f"it is tried again with --watch; {_GOES_ON}"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def refusal(error: Exception, asked: str) -> UpdateError:
    """The error that a user sees for one of python-tuf's.

    Args:
        error: what was raised.
        asked: the name of the file that was fetched last.
    """
    asked = asked or "root.json"
    if isinstance(error, exceptions.DownloadError):
        return _not_fetched(error, asked)
    text, is_model = str(error), asked.endswith(".tflite")
    if isinstance(error, exceptions.UnsignedMetadataError):
        return UpdateError(f"{asked} is not signed by the keys that this device trusts, or by too few of them", _ASK)
    if isinstance(error, exceptions.ExpiredMetadataError):
        name = next((word for word in text.split() if word.endswith(".json")), asked)
        return UpdateError(
            f"{name} expired: this may be an old copy of the releases",
            f"whoever releases signs anew with `fedge release renew` or `rotate`; {_GOES_ON}",
        )
    if isinstance(error, exceptions.BadVersionNumberError) and (asked == "timestamp.json" or ".json version" in text):
        return UpdateError(f"{asked} is older than what this device has seen", _ASK)
    if isinstance(error, exceptions.LengthOrHashMismatchError) and is_model:
        return UpdateError(f"the model {asked} is cut off or altered: it is not the file that was signed", _LATER)
    if isinstance(error, exceptions.BadVersionNumberError | exceptions.LengthOrHashMismatchError) or "missing" in text:
        return UpdateError(f"{asked} does not belong to the others: old and new files are mixed", _ASK)
    return UpdateError(f"{asked} is damaged or of another kind", _ASK)


def no_room(error: OSError) -> UpdateError | None:
    """The error for a disk that takes no more; None for any other error of a file."""
    if error.errno not in _FULL:
        return None
    return UpdateError("the disk is full", f"make room, for example with `fedge models remove`; {_GOES_ON}")


def _not_fetched(error: exceptions.DownloadError, asked: str) -> UpdateError:
    if isinstance(error, exceptions.DownloadLengthMismatchError):
        return UpdateError(f"{asked} is larger than it may be", _ASK)
    if isinstance(error, exceptions.SlowRetrievalError):
        return UpdateError(f"the server is too slow with {asked}", f"check the network; {_LATER}")
    if isinstance(error, exceptions.DownloadHTTPError):
        return UpdateError(f"the server has no {asked} (status {error.status_code})", f"check --url; {_GOES_ON}")
    why = "the answer broke off" if "broke off" in str(error) else "it does not answer"
    return UpdateError(f"{asked} cannot be fetched from the server: {why}", f"check --url and the network; {_LATER}")
