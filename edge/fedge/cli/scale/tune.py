"""The command `fedge tune`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from fedge.cli.parsing.architecture import parse_architecture
from fedge.cli.parsing.parameters import Json, Map, TrainingData, panel, print_report
from fedge.options import MAX_DROP_PP, QAT_EPOCHS
from fedge.system.extras import needs_extra

PICTURES, LIMITS, CHOICES, SEARCH = panel("Pictures"), panel("Limits"), panel("Choices"), panel("Search")

EXAMPLES = """\
Examples:
  fedge tune --data photos --max-bytes 100000 --minutes 120
  fedge tune --data photos --max-ms 20 --device-bench pi@camera.local
  fedge tune --data photos --storage journal:/shared/study.journal
"""


def tune(
    data: TrainingData = None,
    map: Map = None,
    trials: Annotated[int, SEARCH(metavar="N", help="Of all workers and earlier calls together.", min=1)] = 50,
    minutes: Annotated[float, SEARCH(metavar="MINUTES", help="How long this worker goes on.", min=0.01)] = 60.0,
    storage: Annotated[
        str | None,
        SEARCH(
            metavar="WHERE",
            help="journal:FILE, or a database's URL ($FEDGE_TUNE_STORAGE if it has a password); workers share it.",
            show_default="a journal in --out",
        ),
    ] = None,
    seed: Annotated[int, SEARCH(metavar="N", help="Of everything random.", min=0, max=2**32 - 1)] = 0,
    max_bytes: Annotated[int | None, LIMITS(metavar="N", help="The most bytes of the network.", min=1)] = None,
    max_ms: Annotated[
        float | None, LIMITS(metavar="MS", help="The most milliseconds for a frame, the median.", min=0.001)
    ] = None,
    device_bench: Annotated[
        str | None,
        LIMITS(metavar="USER@HOST", help="Measure on this device, over ssh.", show_default="this machine"),
    ] = None,
    max_drop: Annotated[
        float, LIMITS(help="The most accuracy that int8 may lose, in points (95% bound).", min=0, max=100)
    ] = MAX_DROP_PP,
    unproved: Annotated[
        bool, LIMITS("--unproved", help="Ask no proof of that: where the held-out pictures are too few for one.")
    ] = False,
    arch: Annotated[
        list[str] | None,
        CHOICES(
            metavar="NAME",
            help="A network to choose from; repeatable.",
            show_default="residual networks of any width and depth",
            parser=parse_architecture,
        ),
    ] = None,
    size: Annotated[
        list[int] | None,
        CHOICES(
            metavar="PIXELS",
            help="A side of the input to choose from; repeatable.",
            show_default="28, or for photographs 32, 48, 64 and 96",
            min=8,
            max=512,
        ),
    ] = None,
    color: Annotated[
        bool | None, CHOICES("--color/--gray", help="Three channels or one.", show_default="by the pictures")
    ] = None,
    method: Annotated[
        Literal["both", "ptq", "qat"],
        CHOICES(help="The ways of quantizing to choose from: after training (ptq), in training (qat)."),
    ] = "both",
    teacher: Annotated[
        list[str] | None,
        CHOICES(metavar="MODEL", help="A run or model that may be distilled from; repeatable."),
    ] = None,
    epochs: Annotated[
        int | None, CHOICES(metavar="N", help="Of each trial.", show_default="by the network", min=1)
    ] = None,
    qat_epochs: Annotated[int, CHOICES(help="Epochs of quantization-aware training.", min=1)] = QAT_EPOCHS,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="The trials' runs, and a page with the plot.")] = Path(
        "runs/tune"
    ),
    as_json: Json = False,
) -> None:
    """Search for the best network within limits; the best trial is a run like any other. No test picture is opened."""
    import os

    with needs_extra("tune", "`fedge tune`"):
        from fedge_quantize.tuning import tune as work
        from fedge_quantize.tuning.settings import TuneOptions
        from fedge_quantize.tuning.study import STORAGE_VARIABLE, require_no_password
    if storage is not None:
        require_no_password(storage)
    options = TuneOptions(
        data=tuple(data or ("fashion-mnist",)),
        out=out,
        label_map=map,
        trials=trials,
        minutes=minutes,
        max_bytes=max_bytes,
        max_ms=max_ms,
        max_drop_pp=None if unproved else max_drop,
        architectures=tuple(arch or ()),
        sizes=tuple(size or ()),
        methods=("ptq", "qat") if method == "both" else (method,),
        teachers=tuple(teacher or ()),
        epochs=epochs,
        qat_epochs=qat_epochs,
        color=color,
        device=device_bench,
        storage=storage or os.environ.get(STORAGE_VARIABLE),
        seed=seed,
    )
    report = work.tune(options)
    print_report(work.as_json(report) if as_json else work.as_text(report))
