"""The card's YAML is valid for any name, and the Markdown follows it."""

import json

from fedge.making.model_card import front_matter


def test_names_are_quoted_and_what_was_not_measured_is_left_out() -> None:
    text = front_matter('a: "b"\n#', "photos", ("x: y", "- z"), None)
    lines = text.splitlines()
    assert lines[0] == lines[-2] == "---" and lines[-1] == ""
    values = dict(line.split(": ", 1) for line in lines[1:-2])
    assert json.loads(values["model_name"]) == 'a: "b"\n#' and json.loads(values["labels"]) == ["x: y", "- z"]
    assert "accuracy" not in values
    assert "accuracy: 0.9123" in front_matter("n", "d", ("a",), 0.91234)
