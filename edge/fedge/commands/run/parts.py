"""What one camera and several have in common: loading a model, what is watched of a picture, and the outputs."""

import sys
from contextlib import ExitStack

from fedge.model.classifier import Classifier, load
from fedge.model.description import doubt
from fedge.options import WINDOW_SECONDS, DecisionOptions, NamedCamera, Region, RejectMode, RunOptions, WhenOptions
from fedge.outputs.delivery.hub import Hub
from fedge.outputs.factory import Run, open_outputs
from fedge.outputs.files.json_lines import JsonLines
from fedge.outputs.screen.faults import Faults
from fedge.outputs.screen.summary import Summary, opening
from fedge.outputs.screen.terminal import terminal
from fedge.runner.decisions import Decider
from fedge.runner.loop import Watched
from fedge.runner.motion import Gate
from fedge.sources.address import display_name
from fedge.sources.base import Source
from fedge.system.console import echo


def load_said(model: str | None, reject: RejectMode) -> Classifier:
    """The classifier of a model, which says it where nothing showed what quantization lost."""
    classifier = load(model, reject)
    if unproved := doubt(classifier.model.manifest):
        echo(unproved)
    return classifier


def place(options: RunOptions | NamedCamera) -> str:
    """Where frames come from, for people: no password is shown."""
    return display_name(options.source or options.device or "the first camera that works")


def watch(
    classifier: Classifier,
    decision: DecisionOptions,
    when: WhenOptions,
    source: Source,
    region: Region | None = None,
    name: str = "",
) -> Watched:
    """What is known at the start of a part of a source's pictures, or of all of them: nothing."""
    window = decision.window_seconds
    if window is None:
        window = WINDOW_SECONDS if source.moving else 0.0
    decider = Decider(classifier.labels, window, decision.enter, decision.leave)
    return Watched(classifier, decider, Gate(when, decider.options()["window_seconds"]), region, name)


def open_sink(stack: ExitStack, options: RunOptions, run: Run, model: str, asked: str, live: bool) -> Hub:
    """Standard output and all outputs asked for, after what people are told first; closed with the `stack`.

    `model` and `asked` are for people: what answers, and where frames come from. Raises OutputError.
    """
    standard = JsonLines() if options.as_json else terminal(live, show_input=options.show_input)
    outputs = open_outputs(options.outputs, run)
    people = sys.stderr is not None and sys.stderr.isatty() and not options.as_json
    if people:
        for line in opening(model, run.labels, run.recipe, asked, live):
            echo(line)
    sink = Hub([standard, Faults(), *outputs, *([Summary()] if people else [])], run.health, live)
    stack.callback(sink.close)
    stack.callback(lambda: sink.health(run.health.snapshot()))
    stack.callback(run.health.set_state, "stopped")
    return sink
