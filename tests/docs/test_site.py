"""`make docs` builds the site, and refuses links and anchors that lead nowhere."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from documented_commands import ROOT

pytest.importorskip("mkdocs", reason="the extra docs is not installed (make docs)")


@pytest.mark.parametrize(
    ("addition", "why"),
    [("", ""), ("\n[a](nowhere.md)\n", "nowhere.md"), ("\n[a](glossary.md#nowhere)\n", "#nowhere")],
    ids=["as it is", "a link", "an anchor"],
)
def test_the_site_is_built_only_where_all_links_lead_somewhere(addition: str, why: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    page = tmp_path / "docs" / "faq.md"
    page.write_text(page.read_text() + addition)
    # The Makefile's own command, with this environment's program.
    planned = subprocess.run(["make", "--dry-run", "docs"], cwd=ROOT, capture_output=True, text=True, check=True)
    # A make above this one adds lines of its own ("Leaving directory").
    (planned_build,) = (line for line in planned.stdout.splitlines() if "mkdocs build" in line)
    command = planned_build.replace(".venv/bin/", f"{Path(sys.executable).parent}/")
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode == 0) == (not addition) and why in done.stderr, done.stderr
    if not addition:
        assert "WARNING" not in done.stderr and (tmp_path / "site/reference/errors.html").is_file()
