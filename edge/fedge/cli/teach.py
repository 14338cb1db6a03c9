"""The commands that make a model file without TensorFlow."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from fedge.cli.parsing.parameters import Device, Json, Map, print_report
from fedge.options import MAX_DROP_PP, TEST_SHARE, CameraOptions
from fedge.system.extras import needs_extra

MaxDrop = Annotated[
    float, typer.Option(help="The most accuracy that may be lost, in points (95% bound).", min=0, max=100)
]
FramesOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Pictures without labels, a folder or a video, as proof where test pictures are few; repeatable."
    ),
]
Unproved = Annotated[
    bool, typer.Option("--unproved", help="Write the file even where its loss is unproved; the file says so.")
]


def teach(
    backbone: Annotated[Path, typer.Argument(help="A file that `fedge backbone` made.", show_default=False)],
    labels: Annotated[
        list[str] | None, typer.Argument(help="With --camera: the classes, for the keys 1, 2, ...", show_default=False)
    ] = None,
    data: Annotated[list[str] | None, typer.Option(help="A folder with a folder per class; repeatable.")] = None,
    camera: Annotated[
        bool, typer.Option("--camera", help="Learn from a camera, which records while a key is held.")
    ] = False,
    device: Device = None,
    source: Annotated[str | None, typer.Option(help="Learn by keys from a video or a URL instead.")] = None,
    photos: Annotated[
        Path | None, typer.Option(help="Where pictures from a camera are kept; OUT-photos if left out.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The model file.")] = Path("taught.tflite"),
    map: Map = None,
    test_share: Annotated[
        float,
        typer.Option(help="The share of pictures to test with, where there is no `test` folder.", min=0.01, max=0.5),
    ] = TEST_SHARE,
    max_drop: MaxDrop = MAX_DROP_PP,
    frames: FramesOption = None,
    unproved: Unproved = False,
    as_json: Json = False,
) -> None:
    """Teach a backbone classes, from folders or by keys before a camera, without TensorFlow."""
    by_keys = camera or device is not None or source is not None
    if by_keys == bool(data):
        raise typer.BadParameter("give either --data, or --camera (or --source) and the classes")
    if bool(labels) != by_keys:
        raise typer.BadParameter("classes go with --camera or --source; those of --data are its folders")
    with needs_extra("teach", "`fedge teach`"):
        import sklearn  # noqa: F401

        from fedge.commands.making import teach_report as reports
        from fedge.commands.making.teach import TeachOptions
        from fedge.commands.making.teach import teach as work
    options = TeachOptions(backbone, tuple(data or ()), out, map, test_share, max_drop, tuple(frames or ()), unproved)
    if by_keys:
        from fedge.commands.making.teach_by_keys import CameraLesson, teach_by_keys

        report = teach_by_keys(options, CameraLesson(tuple(labels or ()), source, device, CameraOptions(), photos))
    else:
        report = work(options)
    print_report(reports.as_json(report) if as_json else reports.as_text(report))


def adopt(
    file: Annotated[Path, typer.Argument(help="A .tflite classifier that another tool made.", show_default=False)],
    labels: Annotated[Path, typer.Option(help="Its classes, one a line, in the order of its outputs.")],
    data: Annotated[str, typer.Option(help="Your pictures: a folder with a folder per class.")],
    parent: Annotated[
        Path | None, typer.Option("--float", help="The float .tflite that it was made from, to compare it with.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The model file; FILE-adopted.tflite if left out.")] = None,
    map: Map = None,
    scale: Annotated[
        Literal["0..1", "-1..1", "0..255", "imagenet"] | None,
        typer.Option(help="The range of its pixels' values; found out by trying if left out."),
    ] = None,
    order: Annotated[
        Literal["rgb", "bgr"] | None, typer.Option(help="The order of its colours; found out if left out.")
    ] = None,
    fit: Annotated[
        Literal["pad", "crop", "stretch"] | None,
        typer.Option(help="How a picture fills its input; found out if left out."),
    ] = None,
    max_drop: MaxDrop = MAX_DROP_PP,
    frames: FramesOption = None,
    unproved: Unproved = False,
    as_json: Json = False,
) -> None:
    """Adopt a classifier made elsewhere: tested on your pictures, calibrated, and packed as a model file."""
    with needs_extra("teach", "`fedge adopt`"):
        import scipy  # noqa: F401

        from fedge.commands.making import adopt_report as reports
        from fedge.commands.making.adopt import AdoptOptions
        from fedge.commands.making.adopt import adopt as work
        from fedge.making.foreign.normalization import Asked
    report = work(
        AdoptOptions(
            file,
            labels,
            data,
            out or Path(f"{file.stem}-adopted.tflite"),
            parent,
            map,
            Asked(scale, order, fit),
            max_drop,
            tuple(frames or ()),
            unproved,
        )
    )
    print_report(reports.as_json(report) if as_json else reports.as_text(report))


def export(
    model: Annotated[str, typer.Argument(help="A model file, or a shipped model's name.", show_default=False)],
    tool: Annotated[Literal["labels", "frigate", "mediapipe"], typer.Option("--for", help="What the files are for.")],
    out: Annotated[
        Path | None, typer.Option(help="A file or folder; named after the model in this folder if left out.")
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="Pictures to prove it on; the model's golden pictures if left out.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write files that other tools take, proved to give the same answers."""
    from fedge.commands.making import export_report as reports
    from fedge.commands.making.export import ExportOptions
    from fedge.commands.making.export import export as work

    report = work(ExportOptions(model, tool, out, data))
    print_report(reports.as_json(report) if as_json else reports.as_text(report))
