"""The newcomer's walk uses the README's own commands."""

from documented_commands import ROOT, blocks

WALK = (ROOT / "tests/bench/first_afternoon.py").read_text()
# What needs a camera, a Pi or root, and what the walk does not want to see: the whole demonstration and all tests.
LEFT_OUT = ("make demo", "make test", "sudo", "fedge capture", "fedge run", "fedge deploy")


def test_the_walk_has_each_command_of_the_readme() -> None:
    lines = [line for block in blocks(ROOT / "README.md") for line in block.text.splitlines()]
    asked = [line for line in lines if line and not line.startswith(LEFT_OUT)]
    assert len(asked) >= 7 and all(line in WALK for line in asked), [line for line in asked if line not in WALK]
