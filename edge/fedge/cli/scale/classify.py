"""The command `fedge classify`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from fedge.cli.parsing.parameters import Json, Map, panel, print_report
from fedge.options import DEFAULT_REJECT, RejectMode
from fedge.system.extras import needs_extra

PICTURES, ANSWERS, WORKERS = panel("Pictures"), panel("Answers"), panel("Workers")

EXAMPLES = """\
Examples:
  fedge classify photos --out results
  fedge classify 's3://bucket/2026/*.tar' --model photos.tflite --out results
  fedge classify @list.txt --out results --cluster tcp://10.0.0.5:8786
"""


def classify(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="Folders, pictures, glob patterns, lists (@FILE), tar, zip and Parquet files, and URLs of them.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="The results: Parquet files, a row for each picture.")],
    model: Annotated[
        str | None,
        ANSWERS(help="A model file, a run folder, or the name of a shipped model.", show_default="the default model"),
    ] = None,
    reject: Annotated[RejectMode, ANSWERS(help="How much certainty an answer needs.")] = DEFAULT_REJECT,
    of: Annotated[
        Literal["labels"] | None, ANSWERS(help="Compare with known labels: accuracy, with bounds.", show_default=False)
    ] = None,
    labels: Annotated[
        str | None,
        ANSWERS(
            metavar="COLUMN",
            help="The column of Parquet files with the known labels; implies `--of labels`.",
            show_default="the folder's name, and the column label",
        ),
    ] = None,
    map: Map = None,
    column: Annotated[
        str | None,
        PICTURES(help="The column of Parquet files with the pictures' bytes.", show_default="the only one of bytes"),
    ] = None,
    partition: Annotated[
        int, PICTURES(metavar="N", help="How many pictures are classified and written together.", min=1, max=1_000_000)
    ] = 512,
    workers: Annotated[
        int | None, WORKERS(metavar="N", help="Processes on this machine.", min=1, max=1024, show_default="one a core")
    ] = None,
    cluster: Annotated[
        str | None, WORKERS(metavar="ADDRESS", help="A Dask scheduler's workers instead, tcp://HOST:PORT.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Classify any number of pictures on many processes, to a Parquet data set; goes on where it was stopped."""
    if cluster is not None and workers is not None:
        raise typer.BadParameter("--workers goes with a cluster on this machine, not with --cluster")
    with needs_extra("scale", "`fedge classify`"):
        from fedge.commands.scale import classify as work
    known = labels or (work.FOLDERS if of or map else None)
    options = work.ClassifyOptions(tuple(sources), out, model, reject, known, map, column, partition, workers, cluster)
    report = work.classify(options)
    print_report(work.as_json(report) if as_json else work.as_text(report))
