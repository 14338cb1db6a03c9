"""Every error that fedge raises on purpose.

FedgeError                    exit code 1: the user can mend it
├── DataError                 a data set is missing, damaged or does not fit
├── MissingExtra              a command needs an optional part of fedge
├── ModelFileError            a model file is not what it says
│   ├── NotAModelFile         no flatbuffer, or no ZIP behind it
│   ├── TooLarge              over a size, count or compression cap
│   ├── ArchiveError          the ZIP breaks the format's rules
│   ├── HashMismatch          the bytes are not those that the manifest names
│   ├── ManifestError         fedge.json breaks its schema
│   ├── TooNew                made for a later fedge
│   ├── Contradiction         manifest, labels and flatbuffer disagree
│   └── ProbeFailed           the interpreter could not load the flatbuffer
├── RunError                  a training run's folder is missing or damaged
├── SourceError               a camera, file or stream gives no pictures
├── OutputError               an output cannot be opened, or does not take an answer
├── CaptureError              a picture cannot be collected
├── ConfigError               a configuration file cannot be read, or has a key or a value that is none
├── ServiceError              the service cannot be installed, asked or removed
├── StoreError                the device's model store does not hold what is asked for
├── ReleaseError              a release cannot be made, signed or changed
├── UpdateError               no update can be taken: the model at hand goes on
├── BulkError                 a cluster cannot be used, or a folder of results holds something else
└── GateRefused               exit code 3: a check said no
    ├── ParityRefused         the int8 model lost too much accuracy
    ├── SelfTestFailed        this machine does not reproduce the golden answers
    ├── RecipeMissed          a recipe's model is larger than the recipe promises
    ├── FleetInError          too many devices are in error to give a release to more of them
    ├── ReplayDiffers         a recording's frames get other answers than they got
    └── RecordingIncomplete   a power cut or a crash took a part of a recording
"""

EXIT_USAGE, EXIT_BUG, EXIT_INTERRUPTED = 2, 70, 130


class FedgeError(Exception):
    """An error with one line for the user: what is wrong, and what mends it.

    Args:
        what: what is wrong, without a full stop.
        mend: what the user can do about it, without a full stop.
    """

    exit_code = 1

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(f"{what}; {mend}")
        self.what = what
        self.mend = mend


class DataError(FedgeError):
    """A data set is missing, damaged or does not fit."""


class MissingExtra(FedgeError):
    """A command needs an optional part of fedge that is not installed."""


class ModelFileError(FedgeError):
    """A model file is not what it says."""


class NotAModelFile(ModelFileError):
    """There is no flatbuffer, or no ZIP of associated files behind it."""


class TooLarge(ModelFileError):
    """A size, a count or a compression ratio is over its cap."""


class ArchiveError(ModelFileError):
    """The ZIP has a member that is missing, foreign, doubled, linked or encrypted."""


class HashMismatch(ModelFileError):
    """Bytes are not those that the manifest names."""


class LabelsDiffer(ModelFileError):
    """labels.txt is not the list of this network's classes."""


class ManifestError(ModelFileError):
    """fedge.json is not JSON or breaks its schema."""


class TooNew(ModelFileError):
    """The file asks for a later fedge than this one."""


class Contradiction(ModelFileError):
    """Manifest, labels and flatbuffer disagree."""


class ProbeFailed(ModelFileError):
    """The interpreter could not load the flatbuffer in a process of its own."""


class RunError(FedgeError):
    """A training run's folder is missing, damaged or does not fit."""


class SourceError(FedgeError):
    """A camera, file or stream gives no pictures."""


class OutputError(FedgeError):
    """An output cannot be opened, or does not take an answer."""


class CaptureError(FedgeError):
    """A picture cannot be collected: no class folder, no room, no writing."""


class ConfigError(FedgeError):
    """A configuration file cannot be read or written, or has a key or a value that is none."""


class ServiceError(FedgeError):
    """The service cannot be installed, asked or removed."""


class DeployError(FedgeError):
    """A device cannot be reached, or not be brought to what is wanted."""


class StoreError(FedgeError):
    """The device's model store does not hold what is asked for, or may not be changed."""


class ReleaseError(FedgeError):
    """A release cannot be made, signed or changed; what is published stays as it was."""


class UpdateError(FedgeError):
    """No update can be taken; the model at hand goes on."""


class BulkError(FedgeError):
    """A cluster cannot be used, or a folder of results holds something else."""


class GateRefused(FedgeError):
    """A check said no."""

    exit_code = 3


class ParityRefused(GateRefused):
    """The int8 model's loss of accuracy could not be shown to be small enough."""


class SelfTestFailed(GateRefused):
    """This machine does not reproduce the golden answers."""


class RecipeMissed(GateRefused):
    """A recipe's model is larger than the recipe promises."""


class FleetInError(GateRefused):
    """Too many devices are in error to give a release to more of them."""


class ReplayDiffers(GateRefused):
    """A recording's frames get other answers or decisions than when they were recorded."""


class RecordingIncomplete(GateRefused):
    """A part of a recording is lost; what is left gets the answers that it got."""
