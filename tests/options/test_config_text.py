"""What is written into a configuration file."""

from fedge.options.config_text import write_text


def test_a_repeatable_option_that_was_given_once_needs_no_brackets() -> None:
    assert write_text({"region": ["0,0,1,1"], "data": ["a", "b"]}) == 'region = "0,0,1,1"\ndata = ["a", "b"]\n'
