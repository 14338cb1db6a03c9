"""What `fedge tune` is asked for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fedge.options import MAX_DROP_PP, QAT_EPOCHS

Method = Literal["ptq", "qat"]


@dataclass(frozen=True)
class TuneOptions:
    """What `fedge tune` is asked for.

    Attributes:
        data: as for `fedge train`; so is `label_map`.
        out: the folder of the trials' runs and of the page.
        trials: how many trials the study may have, those of all workers and earlier calls together.
        minutes: how long this worker goes on.
        max_bytes: the most bytes of the network's flatbuffer; None for no limit.
        max_ms: the most milliseconds for a frame, the median; None for no limit.
        max_drop_pp: the parity gate's limit; None where passing it is not asked for.
        architectures: names to choose from; empty for residual networks of any width and depth.
        sizes: inputs' sides in pixels to choose from; empty for those that suit the data.
        methods: the ways of quantizing to choose from.
        teachers: what to distil from, where a trial does.
        epochs: of each trial; by the plan if None.
        qat_epochs: of quantization-aware training.
        color: three channels or one; by the data if None.
        device: USER@HOST of the device that is to measure; None to measure here.
        storage: `journal:FILE` or the URL of a database; a journal in `out` if None.
        seed: of what the search draws, and of the trainings.
    """

    data: tuple[str, ...]
    out: Path
    label_map: Path | None = None
    trials: int = 50
    minutes: float = 60.0
    max_bytes: int | None = None
    max_ms: float | None = None
    max_drop_pp: float | None = MAX_DROP_PP
    architectures: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()
    methods: tuple[Method, ...] = ("ptq", "qat")
    teachers: tuple[str, ...] = ()
    epochs: int | None = None
    qat_epochs: int = QAT_EPOCHS
    color: bool | None = None
    device: str | None = None
    storage: str | None = None
    seed: int = 0
