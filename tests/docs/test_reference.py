"""The generated pages of the reference have all that the code has, and the page on JSON names all fields."""

import ast
import dataclasses
import json
import re
from pathlib import Path

import commands_page
import errors_page
import pytest
from documented_commands import ROOT
from results import result

from fedge import errors
from fedge.bulk.known_labels import KnownLabels
from fedge.cli.main import run as run_command
from fedge.commands.capture.reporter import CaptureReport, PictureReport
from fedge.commands.device.doctor.finding import Finding
from fedge.commands.device.models import StoreReport
from fedge.commands.device.release import ReleaseStatus, RoleStatus
from fedge.commands.device.update import UpdateReport
from fedge.commands.scale.classify import ClassifyReport
from fedge.outputs.payload import COLUMNS, change
from fedge.runner.health import HealthSnapshot
from fedge.store.journal import Entry, Event
from fedge.updates.release import Release
from fedge_quantize.tuning.study import Row
from fedge_quantize.tuning.tune import TuneReport

JSON_PAGE = (ROOT / "docs/reference/json.md").read_text()


def test_each_command_has_a_section_with_all_its_options() -> None:
    page = commands_page.page()
    sections = dict(zip(*[iter(re.split(r"^## (.*)\n", page, flags=re.MULTILINE)[1:])] * 2, strict=True))
    found = dict(commands_page.leaves())
    assert set(sections) == set(found) and "fedge service install" in found
    for name, command in found.items():
        for parameter in command.params:
            if parameter.param_type_name == "option":
                assert f"`{parameter.opts[0]}" in sections[name], (name, parameter.opts)


def test_each_kind_of_error_has_a_section_with_what_and_mend() -> None:
    page = errors_page.page()
    for kind in errors_page.kinds():
        assert f"\n## {kind.__name__}\n" in page
    assert "| there is no file, folder or picture *pattern* | check the path |" in page
    assert f"Exit code {errors.GateRefused.exit_code}." in page


def test_nearly_every_error_can_be_read_from_the_source() -> None:
    raised = errors_page.all_raised()
    unread = [error for error in raised if errors_page.UNKNOWN in (error.what, *error.mends)]
    assert len(raised) > 100 and len(unread) <= len(raised) // 10


def test_an_error_is_read_with_its_values_and_all_its_mends() -> None:
    source = """
MEND = "do this"
def fail(path, ok):
    what = f"{path.name} is {', '.join(kinds)}"
    raise DataError(what, MEND if ok else _other())
def _other():
    return "do that"
"""
    module = errors_page.Module(ast.parse(source))
    (raised,) = module.raised({"DataError"})
    assert raised == errors_page.Raised("DataError", "*name* is *kinds*", ("do this", "do that"))


def test_each_exit_code_is_explained() -> None:
    page = (ROOT / "docs/reference/exit-codes.md").read_text()
    codes = {0, errors.FedgeError.exit_code, errors.GateRefused.exit_code}
    codes |= {errors.EXIT_USAGE, errors.EXIT_BUG, errors.EXIT_INTERRUPTED}
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)} == codes


def test_the_fields_of_reports_that_need_more_than_a_command_are_explained() -> None:
    reports = {
        "fedge models list": (StoreReport, Entry, Event),
        "fedge update": (UpdateReport,),
        "fedge release status": (ReleaseStatus, RoleStatus, Release),
        "fedge doctor": (Finding,),
        "fedge classify": (ClassifyReport, KnownLabels),
        "fedge tune": (TuneReport, Row),
        "fedge capture": (PictureReport, CaptureReport),
        "The health": (HealthSnapshot,),
    }
    fields = {
        title: {field.name for kind in kinds for field in dataclasses.fields(kind)} for title, kinds in reports.items()
    }
    fields |= {"A row": {name for name, _ in COLUMNS}, "A change of the decision": set(change(result()))}
    for title, names in fields.items():
        missing = {name for name in names if f"`{name}`" not in section(title)}
        assert not missing, (title, missing)


def section(title: str) -> str:
    return JSON_PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_the_fields_of_reports_are_explained(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pictures, recording = str(tmp_path / "pictures"), str(tmp_path / "recording")
    for title, *command in (
        ("fedge samples", "samples", pictures, "--count", "10"),
        ("A frame", "run", "--source", pictures, "--record", recording),
        ("fedge verify", "verify", "camera"),
        ("fedge bench", "bench", "nano", "--frames", "5"),
        ("fedge replay", "replay", recording),
    ):
        assert run_command([*command, "--json"]) == 0
        reports = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
        missing = {name for name in set().union(*reports) if f"`{name}`" not in section(title)}
        assert not missing, (title, missing)
