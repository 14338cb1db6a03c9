"""What a trial may choose, and what it chose."""

from dataclasses import dataclass
from typing import Any, Protocol

from fedge.data import fashion_mnist
from fedge_quantize.tuning.settings import Method, TuneOptions

_WIDTHS = ((8, 12, 16, 24), (16, 24, 32, 48), (32, 48, 64, 96))
_MOST_BLOCKS = (2, 4, 3)
FASHION_SIZES, PHOTO_SIZES = (28,), (32, 48, 64, 96)
# The shipped recipes for 32 and 100 KB: whatever is found has to be better than these.
KNOWN = ("r8-16-32x1-1-1", "r16-32-48x2-2-1")


class Draws(Protocol):
    """What draws a trial's choices: an Optuna trial."""

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        """One of the choices."""

    def suggest_int(self, name: str, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """A number from `low` to `high`."""


@dataclass(frozen=True)
class Chosen:
    """A trial's choices.

    Attributes:
        architecture, size, method: the network, its input's side in pixels, and how it is quantized.
        rate: the factor on the plan's learning rate.
        weight_decay, label_smoothing, flip, erase, shift: as in `fedge_train.networks.plans.Plan`.
        taught: the share of a target that comes from the teachers; None to learn without them.
    """

    architecture: str
    size: int
    method: Method
    rate: float
    weight_decay: float
    label_smoothing: float
    flip: bool
    erase: bool
    shift: float
    taught: float | None


def draw(trial: Draws, options: TuneOptions) -> Chosen:
    """Draws a trial's choices."""
    return Chosen(
        architecture=_architecture(trial, options),
        size=int(trial.suggest_categorical("size", sizes(options))),
        method=trial.suggest_categorical("method", options.methods),
        rate=trial.suggest_float("rate", 0.2, 3.0, log=True),
        weight_decay=trial.suggest_float("weight_decay", 1e-5, 1e-3, log=True),
        label_smoothing=trial.suggest_float("label_smoothing", 0.0, 0.15),
        flip=bool(trial.suggest_categorical("flip", (True, False))),
        erase=bool(trial.suggest_categorical("erase", (True, False))),
        shift=trial.suggest_float("shift", 0.0, 0.15),
        taught=_taught(trial, options),
    )


def sizes(options: TuneOptions) -> tuple[int, ...]:
    """The sides to choose from."""
    return options.sizes or (FASHION_SIZES if fashion_mnist.NAME in options.data else PHOTO_SIZES)


def known(options: TuneOptions) -> list[dict[str, Any]]:
    """The choices that stand for the shipped recipes, to be tried first; none where named networks are asked for."""
    if options.architectures:
        return []
    rest = {"size": sizes(options)[len(sizes(options)) // 2], "method": options.methods[0], "rate": 1.0}
    rest |= {"weight_decay": 1e-4, "label_smoothing": 0.0, "flip": True, "erase": False, "shift": 1 / 14}
    found = []
    for name in KNOWN:
        widths, blocks = (part.split("-") for part in name.removeprefix("r").split("x"))
        stages = {f"width{i}": int(width) for i, width in enumerate(widths)}
        stages |= {f"blocks{i}": int(count) for i, count in enumerate(blocks)}
        found.append(stages | rest)
    return found


def _architecture(trial: Draws, options: TuneOptions) -> str:
    if options.architectures:
        return str(trial.suggest_categorical("architecture", options.architectures))
    widths = [trial.suggest_categorical(f"width{i}", choices) for i, choices in enumerate(_WIDTHS)]
    blocks = [trial.suggest_int(f"blocks{i}", 1, most) for i, most in enumerate(_MOST_BLOCKS)]
    return f"r{'-'.join(map(str, widths))}x{'-'.join(map(str, blocks))}"


def _taught(trial: Draws, options: TuneOptions) -> float | None:
    if not options.teachers or not trial.suggest_categorical("distil", (True, False)):
        return None
    return trial.suggest_float("taught", 0.2, 0.8)
