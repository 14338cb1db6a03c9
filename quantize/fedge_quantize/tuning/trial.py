"""One trial: a run that is trained and quantized, without a look at the test pictures."""

import dataclasses
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tf_keras.layers import Conv2D, Dense, DepthwiseConv2D

from fedge_quantize.candidates import QuantizeOptions
from fedge_quantize.quantize import quantize
from fedge_quantize.tuning.measure import frame_ms
from fedge_quantize.tuning.settings import TuneOptions
from fedge_quantize.tuning.space import Chosen
from fedge_train.commands.train import train_started
from fedge_train.commands.train_settings import Start, TrainOptions, start_run
from fedge_train.networks.architectures import build
from fedge_train.runs.history import Epoch
from fedge_train.runs.lock import writing
from fedge_train.runs.run_folder import CHECKPOINTS

# What the gate may not refuse here: whether it would have is what is asked.
_ANY_DROP = 100.0


@dataclass(frozen=True)
class Measured:
    """What a trial came to.

    Attributes:
        accuracy: of the int8 network on held-out pictures, 0..1.
        drop_upper95_pp: the most that quantization may have cost, in points, on these.
        bytes: of the flatbuffer.
        ms: the median for a frame; None where nobody asked.
        held_out: how many pictures.
    """

    accuracy: float
    drop_upper95_pp: float
    bytes: int
    ms: float | None
    held_out: int


def least_bytes(start: Start) -> int:
    """The bytes that the network has at least: one for each weight that is quantized."""
    config = start.config
    model = build(config.architecture, config.recipe.shape, len(config.labels))
    quantized = (Conv2D, Dense, DepthwiseConv2D)
    return sum(int(layer.weights[0].shape.num_elements()) for layer in model.layers if isinstance(layer, quantized))


def start_trial(chosen: Chosen, options: TuneOptions, folder: Path) -> Start:
    """The run of a trial, with its data loaded but for the test pictures; nothing is written yet. Raises FedgeError."""
    asked = TrainOptions(
        data=options.data,
        label_map=options.label_map,
        architecture=chosen.architecture,
        size=chosen.size,
        color=options.color,
        epochs=options.epochs,
        seed=options.seed,
        teachers=options.teachers if chosen.taught is not None else (),
        sealed=True,
        out=folder,
    )
    start = start_run(asked)
    plan = dataclasses.replace(
        start.config.plan,
        learning_rate=start.config.plan.learning_rate * chosen.rate,
        weight_decay=chosen.weight_decay,
        label_smoothing=chosen.label_smoothing,
        flip=chosen.flip,
        erase=chosen.erase,
        shift=chosen.shift,
        taught=start.config.plan.taught if chosen.taught is None else chosen.taught,
    )
    return dataclasses.replace(start, config=dataclasses.replace(start.config, plan=plan))


def run_trial(start: Start, chosen: Chosen, options: TuneOptions, watch: Callable[[Epoch], None]) -> Measured:
    """Trains, quantizes and measures; the folder is then a run like any other. `watch` may end it by an error."""
    with writing(start.folder):
        train_started(start, watch)
    shutil.rmtree(start.folder / CHECKPOINTS, ignore_errors=True)
    # Where `fedge quantize` would write it: that is how the chosen run gets a file that saw the test.
    model = start.folder / f"{start.folder.name}.tflite"
    report = quantize(
        QuantizeOptions(
            start.folder,
            model,
            chosen.method,
            max_drop_pp=_ANY_DROP if options.max_drop_pp is None else options.max_drop_pp,
            qat_epochs=options.qat_epochs,
            unproved=True,
            with_test=False,
        )
    )
    measured = options.max_ms is not None or options.device is not None
    return Measured(
        report.parity.int8_accuracy,
        report.parity.drop_upper95_pp,
        report.bytes,
        frame_ms(model, options.device) if measured else None,
        report.parity.n,
    )
