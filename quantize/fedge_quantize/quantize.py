"""The `fedge quantize` command's work."""

import dataclasses
from pathlib import Path
from typing import Any

from fedge.errors import FedgeError
from fedge.evaluation.parity import Parity, compare
from fedge.making.frames import compare_answers, read_frames
from fedge.making.proof import carrier, refusal_of
from fedge.model import file as model_file
from fedge.system.console import file_name, tell
from fedge.system.files import write_json
from fedge_quantize.calibration import calibration_set
from fedge_quantize.candidates import Candidate, Candidates, Method, QuantizeOptions, emitted_logits, methods_for
from fedge_quantize.flips import plot_flips
from fedge_quantize.packing import ShownBy, pack_candidate
from fedge_quantize.risk_coverage import doubt_report, plot_doubt
from fedge_train.networks.predict import predictor
from fedge_train.runs.run_folder import (
    REPORT,
    load_float_model,
    load_run_data,
    read_config,
    require_learned,
    weights_path,
)


def quantize(options: QuantizeOptions) -> dict[str, Any]:
    """Quantizes a run, passes the gate, writes the model file, and gives the report.

    Raises ParityRefused where the gate says no: then the report is kept and no model file is written.
    """
    config = read_config(options.run)
    weights_path(options.run)
    out = options.out or options.run / f"{options.run.resolve().name}.tflite"
    if out.is_dir():
        raise FedgeError(f"{out} is a folder", "give the model file's name to --out")
    dataset = load_run_data(options.run, config)
    frames = read_frames(options.frames, config.recipe) if options.frames else None
    proof = carrier(len(dataset.test), frames, options.max_drop_pp, options.unproved)
    float_model = load_float_model(options.run, config)
    work = Candidates(options, config, dataset, float_model, calibration_set(dataset.train, config.seed))
    by_float = predictor(float_model)
    float_logits = by_float(dataset.test.images)
    require_learned(options.run, float_logits)
    float_test = float_logits.argmax(-1)
    float_frames = by_float(frames.images).argmax(-1) if frames else None
    methods = methods_for(work)
    for method in methods:
        candidate = work.candidate(method)
        tell(f"running the emitted {method} file over {len(dataset.test):,} test pictures")
        logits = emitted_logits(candidate.flatbuffer, dataset.test.images)
        int8_test = logits.argmax(-1)
        parity = compare(dataset.test.right, float_test, int8_test, dataset.labels)
        doubt = doubt_report(candidate.confidence, logits, dataset.test, config.data)
        changed = None
        if frames is not None and float_frames is not None:
            by_int8 = emitted_logits(candidate.flatbuffer, frames.images).argmax(-1)
            changed = compare_answers(frames, float_frames, by_int8)
            tell(
                f"{changed.changed} of {changed.n:,} frames changed: a loss of at most {changed.upper95_pp:.2f} points"
            )
        refusal = refusal_of(proof, parity, changed, options.max_drop_pp)
        unproved = options.unproved and refusal is not None and method == methods[-1]
        if unproved:
            tell(f"unproved: {refusal.what if refusal else ''}")
            refusal = None
        shown = ShownBy("none" if unproved else proof, changed)
        if refusal is None:
            # Before the report, which says that there is one.
            model_file.write(out, pack_candidate(work, candidate, parity, shown, file_name(Path(out.stem))))
        report = _report(work, candidate, parity, methods, None if refusal else out) | {
            "doubt": doubt,
            "accepted": refusal is None and not unproved,
            "proof": shown.by,
            "frames": dataclasses.asdict(changed) if changed else None,
        }
        folder = options.run / "quantize"
        write_json(folder / REPORT, report)
        plot_flips(folder / "flips.png", dataset, float_test, int8_test)
        plot_doubt(folder / "doubt.png", doubt)
        if refusal is None:
            break
        if method != methods[-1]:
            tell(f"{method} refused: {refusal.what}")
    if refusal is not None:
        raise refusal
    return report


def _report(
    work: Candidates, candidate: Candidate, parity: Parity, methods: tuple[Method, ...], out: Path | None
) -> dict[str, Any]:
    return {
        **dataclasses.asdict(parity),
        "max_drop_pp": work.options.max_drop_pp,
        "accepted": out is not None,
        "method": candidate.method,
        "methods_before_the_gate": list(methods[: methods.index(candidate.method) + 1]),
        "bytes": len(candidate.flatbuffer),
        "calibration": {"pictures": len(work.calibration.images), "sha256": work.calibration.sha256},
        "confidence": dataclasses.asdict(candidate.confidence),
        "model": str(out) if out else None,
    }
