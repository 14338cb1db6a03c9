"""Each kind of output says which of its fields are paths, and by which options they are given."""

import inspect
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_type_hints

import pytest

from fedge.cli import run as run_signature
from fedge.options import Address, OutputOptions, RecordOptions, RunOptions, outputs
from fedge.options.flags import Flag, flag, flags
from fedge.outputs.factory import OUTPUTS, check_output

KINDS = [
    kind
    for kind in vars(outputs).values()
    if isinstance(kind, type) and issubclass(kind, OutputOptions) and kind is not OutputOptions
]


def paths_without_use(kind: type) -> list[str]:
    """The fields of a dataclass that hold a path and do not say what is done with it."""
    known = flags(kind)
    paths = [name for name, hint in get_type_hints(kind).items() if hint in (Path, Path | None)]
    return [name for name in paths if name not in known or known[name].path is None]


def test_each_kind_of_output_has_an_opener() -> None:
    assert set(KINDS) == set(OUTPUTS)


@pytest.mark.parametrize("kind", [*KINDS, RunOptions, RecordOptions])
def test_each_path_says_what_is_done_with_it_and_each_flag_is_an_option(kind: type) -> None:
    assert paths_without_use(kind) == []
    options = {name.rstrip("_").replace("_", "-") for name in inspect.signature(run_signature.run).parameters}
    assert {each.key for each in flags(kind).values()} <= options


def test_a_path_that_does_not_say_so_is_found() -> None:
    @dataclass(frozen=True)
    class Unsaid(OutputOptions):
        said: Path = field(metadata=flag("said", path="read"))
        path: Path
        folder: Path | None = field(default=None, metadata=flag("folder"))

    assert paths_without_use(Unsaid) == ["path", "folder"]


def test_a_flag_is_read_from_a_kind_and_from_an_instance() -> None:
    assert flags(outputs.WebOptions) == {"token_file": Flag("web-token-file", path="read")}
    assert flags(outputs.WebOptions(Address("localhost", 1))) == flags(outputs.WebOptions)
    assert not flags(outputs.MetricsOptions)


def test_an_output_without_a_check_may_always_be_installed(tmp_path: Path) -> None:
    check_output(outputs.CsvOptions(tmp_path / "log.csv", 1, 1), {}, tmp_path)
    assert not list(tmp_path.iterdir())
