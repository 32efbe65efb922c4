"""The judge sees what TIPC's scripts do not: each test spoils one thing in a run that went well."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from ctrgcn_plugin import layouts, resources
from ctrgcn_plugin.data.sample import centre_crop_resample
from ctrgcn_plugin.tipc import evidence, results
from ctrgcn_plugin.tipc.chain import Chain
from ctrgcn_plugin.tipc.evidence import Record
from ctrgcn_plugin.tipc.judge import Judge, score_error
from ctrgcn_plugin.tipc.results import Result

OUT = "test_tipc/output/small/lite_train_lite_infer"
TRAINED = f"{OUT}/norm_train_gpus_-1_autocast_null_nodes_1"
TRAIN_LOG = f"{TRAINED}.log"
STATUS = f"{OUT}/results_python.log"


def test_a_run_that_went_well(left_behind):
    verdicts = left_behind.judged()
    assert [verdict.stage for verdict in verdicts] == [
        "train",
        "eval",
        "export",
        "predict cpu: oneDNN off, threads 1, batch 1, fp32",
        "predict cpu: oneDNN on, threads 1, batch 1, fp32",
        "predict cpu: oneDNN on, threads 1, batch 1, fp16",
    ]
    assert all(verdict.passed and verdict.seconds == 1.5 for verdict in verdicts)
    details = [verdict.detail for verdict in verdicts]
    assert details[0] == "loss 4.750 to 3.250 in 6 steps"
    assert details[1] == "top-1 0.300, top-5 0.600"
    # the same scores but for the rounding of another batch of the same network
    assert details[3].endswith("; 1.9 + 64.6 + 0.4 ms, 443 MB")
    assert float(details[3].split()[2].rstrip(";")) < 1e-5


def spoil_exit_status(run):
    run.notes_of("main.py", "status")[0]["status"] = 1
    run.file(TRAIN_LOG).write_text("ctrgcn: error: unknown backbone 'X'\n")


def spoil_interpreter(run):
    run.notes[:] = [note for note in run.notes if "--test" in note["argv"] or "main.py" not in note["argv"]]
    run.replace(STATUS, "small - python main.py --validate", "small - python9 main.py --validate")
    run.file(TRAIN_LOG).write_text("test_tipc/test_train_inference_python.sh: line 5: python9: command not found\n")


def spoil_loss(run):
    run.replace(TRAIN_LOG, "loss: 3.25 ", "loss: nan ")


def spoil_course(run):
    run.replace(TRAIN_LOG, "loss: 5.0 ", "loss: 2.0 ")
    run.replace(TRAIN_LOG, "loss: 4.5 ", "loss: 2.0 ")


def spoil_end(run):
    run.replace(TRAIN_LOG, "training small finished", "Killed")


def spoil_losses(run):
    run.file(TRAIN_LOG).write_text("[11/22] training small finished\n")


def spoil_checkpoint(run):
    # what the export has read it from is a copy, so that nothing else fails
    checkpoint = run.file(f"{TRAINED}/small_epoch_00001.pdparams")
    checkpoint.rename(run.file("copy.pdparams"))
    run.replace(STATUS, f"-p=./{TRAINED}/small_epoch_00001.pdparams", "-p=./copy.pdparams")
    for note in run.notes_of("tools/export_model.py", "status"):
        note["argv"] = [word.replace(f"./{TRAINED}/small_epoch_00001", "./copy") for word in note["argv"]]


def spoil_accuracy(run):
    run.replace(f"{TRAINED}_eval.log", "avg_acc1= 0.30000001192092896", "avg_acc1= nan")


def spoil_model(run):
    run.file(f"{TRAINED}/inference.json").unlink()


def spoil_parameters(run):
    run.file(f"{TRAINED}/inference.pdiparams").write_bytes(b"")


def spoil_result(run):
    note = run.notes_of("--enable_mkldnn=True", "scores")[0]
    note["scores"][0][3] += 0.01 * max(1.0, float(np.abs(run.scores).max()))


def spoil_nan(run):
    note = run.notes_of("--enable_mkldnn=False", "scores")[0]
    note["scores"][0][3] = float("nan")


def spoil_shape(run):
    note = run.notes_of("--enable_mkldnn=False", "scores")[0]
    note["scores"][0].pop()


def spoil_answers(run):
    run.notes.remove(run.notes_of("--enable_mkldnn=False", "scores")[0])


def spoil_benchmark(run):
    run.file(f"{OUT}/python_infer_cpu_usemkldnn_False_threads_1_precision_fp32_batchsize_1.log").write_text("done\n")


def spoil_status(run):
    text = run.file(STATUS).read_text().splitlines()
    text[1] = text[1].replace("successfully", "failed")
    run.file(STATUS).write_text("\n".join(text) + "\n")


def spoil_script(run):
    """TIPC's own script ended after the test."""
    run.file(STATUS).write_text("\n".join(run.file(STATUS).read_text().splitlines()[:-1]) + "\n")


@pytest.mark.parametrize(
    ("spoil", "stage", "said"),
    [
        (spoil_exit_status, "train", "exit status 1: ctrgcn: error: unknown backbone 'X'"),
        (spoil_interpreter, "train", "small.txt, line 3, names the interpreter 'python9', which is not there"),
        (spoil_loss, "train", "the loss is nan at the 5. of 6"),
        (spoil_course, "train", "the loss does not fall: 2.9167 in the first half, 3.2500 then"),
        (spoil_end, "train", "did not come to its end: [11/22 04:10:01] Killed"),
        (spoil_losses, "train", "no loss was logged"),
        (spoil_checkpoint, "train", "small_epoch_00001.pdparams is missing in test_tipc/output"),
        (spoil_accuracy, "eval", "no accuracy was logged"),
        (spoil_model, "export", "inference.json or inference.pdmodel is missing in"),
        (spoil_parameters, "export", "inference.pdiparams is missing in"),
        (spoil_result, "predict cpu: oneDNN on, threads 1, batch 1, fp32", "wrong result: its scores differ"),
        (spoil_nan, "predict cpu: oneDNN off, threads 1, batch 1, fp32", "wrong result: its scores differ"),
        (spoil_shape, "predict cpu: oneDNN off, threads 1, batch 1, fp32", "wrong result: its scores differ"),
        (spoil_answers, "predict cpu: oneDNN off, threads 1, batch 1, fp32", "it has predicted nothing"),
        (spoil_benchmark, "predict cpu: oneDNN off, threads 1, batch 1, fp32", "no report of times and memory"),
        (spoil_status, "eval", "TIPC says that it failed"),
        (spoil_script, "predict: 3 asked for", "2 of 3 ran; the script ended early"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_what_is_spoilt_is_named(left_behind, spoil, stage, said):
    spoil(left_behind)
    failed = left_behind.failure()
    assert failed.stage == stage
    assert said in failed.reason


def test_the_tolerance_is_a_thousandth(left_behind):
    largest = float(np.abs(left_behind.scores).max())
    note = left_behind.notes_of("--enable_mkldnn=False", "scores")[0]
    wrong = list(note["scores"][0])
    for factor, passes in ((0.9e-3, True), (1.1e-3, False)):
        note["scores"][0] = [wrong[0] + factor * max(1.0, largest), *wrong[1:]]
        assert all(verdict.passed for verdict in left_behind.judged()) is passes
    assert all(verdict.passed for verdict in left_behind.judged(tolerance=1e-2))


def test_every_batch_of_a_benchmark_is_held_against_the_network(left_behind):
    """The last of fifteen runs may be wrong where the first was right."""
    note = left_behind.notes_of("--enable_mkldnn=False", "scores")[0]
    left_behind.notes.append({**note, "scores": [[0.0] * len(note["scores"][0])]})
    assert "wrong result" in left_behind.failure().reason


def test_a_model_of_bones_is_judged_by_bones(left_behind, network):
    """Right are its scores of bones, wrong those of joints, which a script without a modality feeds it."""
    for old, new in (("bone: false", "bone: true"), ("joint: true", "joint: false")):
        left_behind.replace("small.yaml", old, new)
    reasons = [verdict.reason for verdict in left_behind.judged() if verdict.purpose == "predict"]
    assert len(reasons) == 3 and all(reason.startswith("wrong result") for reason in reasons)
    parents = np.array(layouts.get("ntu_rgb_d").parents)
    joints = centre_crop_resample(network.clip, 64, 0.95)
    scores = network.scores_of(joints - joints[:, :, parents])
    for note in left_behind.notes_of("tools/predict.py", "scores"):
        note["scores"] = [scores.astype(float).tolist()]
    assert all(verdict.passed for verdict in left_behind.judged())


def test_nothing_ran_at_all(left_behind):
    left_behind.file(STATUS).unlink()
    left_behind.file(STATUS).write_text("")
    reasons = {verdict.purpose: verdict.reason for verdict in left_behind.judged()}
    assert reasons["train"] == "0 of 1 ran; the script ended early" and len(reasons) == 4


def test_score_error():
    right = np.array([1.0, -4.0, 2.0])
    assert score_error(right + [0, 0, 0.04], right) == pytest.approx(0.01)
    assert score_error(right / 8 + [0, 0, 0.04], right / 8) == pytest.approx(0.04)
    assert score_error(right[:2], right) == np.inf
    assert not score_error(np.array([np.nan, 0, 0]), right) <= 1e9


def test_losses_of_epochs_where_no_steps_are_logged():
    log = "[11/22] \x1b[31mEND epoch:1  \x1b[0m \x1b[95mtrain\x1b[0m \x1b[92mloss_avg: 5.08419  top1_avg: 0.07143"
    assert evidence.losses(log) == [5.08419]


def test_table_and_junit(left_behind, tmp_path):
    spoil_result(left_behind)
    result = Result("small.train_infer_python.lite", left_behind.judged())
    lines = results.table(result).splitlines()
    assert lines[0].split() == ["stage", "result", "seconds"]
    assert sum("FAILED" in line for line in lines) == 1 and sum("passed" in line for line in lines) == 5
    assert not result.passed and result.seconds == pytest.approx(9.0)

    results.write_junit([result, Result("empty", [])], tmp_path / "out" / "junit.xml")
    suite, _ = ET.parse(tmp_path / "out" / "junit.xml").getroot()
    assert suite.attrib == {
        "name": "small.train_infer_python.lite",
        "tests": "6",
        "failures": "1",
        "errors": "0",
        "time": "9.000",
    }
    (failure,) = suite.iter("failure")
    assert failure.attrib["message"].startswith("wrong result") and "python_infer_cpu" in failure.text
    assert not Result("empty", []).passed


CONVERTED = "paddle2onnx --model_dir=./inference/a --model_filename=inference.pdmodel --save_file=./inference/a/a.onnx"


@pytest.mark.parametrize(
    ("printed", "content", "said"),
    [
        ("[Paddle2ONNX] converted", b"onnx", ""),
        ("[Paddle2ONNX] [ERROR] The exported ONNX model is invalid.", b"onnx", "The exported ONNX model is invalid."),
        ("[Paddle2ONNX] converted", b"", "a.onnx is missing in inference/a"),
    ],
)
def test_a_conversion(tmp_path, printed, content, said):
    logs = tmp_path / "log/CTRGCN_light_paddle2onnx/paddle2onnx_infer"
    logs.mkdir(parents=True)
    (tmp_path / "inference/a").mkdir(parents=True)
    (tmp_path / "inference/a/a.onnx").write_bytes(content)
    log = logs / "trans_model.log"
    log.write_text(f"{printed}\n")
    printed_to = log.relative_to(tmp_path)
    (logs / "results_paddle2onnx.log").write_text(
        f"\x1b[33m Run successfully with command - name - {CONVERTED}   > ./{printed_to} 2>&1  -  \x1b[0m\n"
    )
    chain = Chain.read(resources.folder("test_tipc") / "configs/CTRGCN_light/paddle2onnx_infer_python.txt")
    judged = Judge(chain, "paddle2onnx_infer", tmp_path, Record(), lambda command, clip: np.zeros(2)).verdicts()
    converted, missing = judged
    assert said in converted.reason and converted.passed is not bool(said)
    assert missing.reason == "0 of 1 ran; the script ended early"
