"""Stock, unedited PaddleVideo trains, tests, exports and predicts every shipped config."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import paddle
import pytest
import yaml

from ctrgcn_plugin import checkpoint, configs
from ctrgcn_plugin.data.modality import Modality
from ctrgcn_plugin.data.sample import centre_crop_resample
from ctrgcn_plugin.data.scores import Scores
from ctrgcn_plugin.models.network import build_network

FOLDER = "configs/recognition/ctrgcn"
# of the four streams of CTRGCN_lightV2, which differ in one step, one stands for all
ALIKE = {f"ctrgcn_light_v2_ntucs_{stream}_aug" for stream in ("joint", "motion", "bone_motion")}
# those of NW-UCLA, for data of another form, are in test_nw_ucla.py
NAMES = [name for path in configs.shipped() if "ntucs" in (name := Path(path).stem) and name not in ALIKE]
ACCURACY = re.compile(r"avg_acc1= ([\d.]+), avg_acc5= ([\d.]+)")


@pytest.fixture(scope="module")
def teacher(tmp_path_factory) -> Path:
    """A CTRGCN of the small width, for the config whose teacher is frozen."""
    network = build_network(
        {
            "backbone": {"name": "CTRGCN", "base_channel": 8},
            "head": {"name": "CTRGCNHead", "in_channels": 8, "num_classes": 4},
        }
    )
    path = tmp_path_factory.mktemp("teacher") / "teacher.pdparams"
    paddle.save(network.state_dict(), str(path))
    return path


@pytest.fixture(scope="module", params=NAMES)
def trained(request, upstream_root, small, narrow, teacher, python, tmp_path_factory):
    """(config, work folder, options, log) of a training run in a folder that has no config at all."""
    name = request.param
    work = tmp_path_factory.mktemp(name)
    options = [*small, *narrow(name)]
    if name == "ctrgcn_lite_ntucs_joint_dml":
        for part in ("0.Teacher", "1.Student"):
            options += ["-o", f"MODEL.models.{part}.backbone.pretrained={teacher}"]
    result = python([upstream_root / "main.py", "--validate", "-c", f"{FOLDER}/{name}.yaml", *options], work)
    assert result.returncode == 0, result.stdout[-3000:]
    return name, work, options, result.stdout


def _values(options: list[str]) -> list[str]:
    return [option for option in options if option != "-o"]


def _model_name(config: str) -> str:
    return configs.load(f"{FOLDER}/{config}.yaml")["model_name"]


def _weights(work: Path, config: str, suffix: str = "best") -> Path:
    name = _model_name(config)
    return work / "output" / name / f"{name}_{suffix}.pdparams"


def test_trains_from_the_plugins_copy_and_says_so(trained):
    config, work, _, log = trained
    assert f"{FOLDER}/{config}.yaml is not in this folder: using the copy that ctrgcn-plugin ships" in log
    losses = [float(loss) for loss in re.findall(r"loss_avg: ([\d.]+)", log)]
    assert len(losses) == 2 and np.isfinite(losses).all()
    assert "no GPU that Paddle can use: running on the CPU" in log or paddle.is_compiled_with_cuda()
    assert _weights(work, config, "epoch_00001").is_file()


def test_both_networks_start_from_the_teachers_checkpoint(trained, teacher):
    config, _, _, log = trained
    if config != "ctrgcn_lite_ntucs_joint_dml":
        pytest.skip("nothing is pretrained")
    assert f"Teacher starts from {teacher}: 736 keys match\n" in log
    # all of CTRGCNLite, which has no tenth block
    assert f"Student starts from {teacher}: 666 keys match, 70 extra (backbone.l10." in log


def test_tests_what_it_trained(trained, upstream_root, python):
    """The accuracy that ``--test`` logs, and the scores that it saves, are the weights' own."""
    config, work, options, _ = trained
    weights = _weights(work, config, "epoch_00001")
    result = python(
        [upstream_root / "main.py", "--test", "-c", f"{FOLDER}/{config}.yaml", *options, "-w", weights]
        + ["-o", "METRIC.scores=scores.npz"],
        work,
    )
    assert result.returncode == 0, result.stdout[-3000:]
    top1 = float(ACCURACY.search(result.stdout)[1])

    section = configs.load(f"{FOLDER}/{config}.yaml", _values(options))
    network = build_network(section["MODEL"])
    checkpoint.load_into(network, checkpoint.of_network(checkpoint.read(weights), "Student"), weights)
    network.eval()
    data = Path(section["DATASET"]["test"]["file_path"])
    clips = Modality.of_config(section)(np.stack([centre_crop_resample(clip, 16, 0.95) for clip in np.load(data)]))
    answers = network(paddle.to_tensor(clips)).numpy()
    assert top1 == pytest.approx((answers.argmax(1) == np.arange(len(clips)) % 4).mean(), abs=1e-6)
    np.testing.assert_allclose(Scores.read(work / "scores.npz").values, answers, atol=1e-4 * np.abs(answers).max())


def test_a_student_loads_into_a_plain_recognizer(trained, upstream_root, small, narrow, python):
    config, work, options, _ = trained
    if not config.endswith("dml"):
        pytest.skip("not a distillation")
    main, path = upstream_root / "main.py", f"{FOLDER}/{config}.yaml"
    whole = python([main, "--test", "-c", path, *options, "-w", _weights(work, config, "best")], work)
    plain_config = work / "plain.yaml"
    content = yaml.safe_load(configs.find(path).read_text())
    (student,) = (entry["Student"] for entry in content["MODEL"]["models"] if "Student" in entry)
    student["backbone"].pop("pretrained", None)
    content["MODEL"] = {"framework": "RecognizerGCN", **student}
    plain_config.write_text(yaml.safe_dump(content))
    student_weights = _weights(work, config, "best_student")
    alone = python([main, "--test", "-c", plain_config, *small, *narrow("plain"), "-w", student_weights], work)
    assert ACCURACY.search(alone.stdout), alone.stdout[-3000:]
    assert ACCURACY.search(alone.stdout).groups() == ACCURACY.search(whole.stdout).groups()


def test_upstreams_tools_export_and_predict_the_trained_model(trained, upstream_root, python):
    """tools/export_model.py, then tools/predict.py: the same answer as the network's."""
    config, work, options, _ = trained
    if not (upstream_root / "tools" / "export_model.py").is_file():
        pytest.skip("this PaddleVideo has no tools/export_model.py")
    weights, path, name = _weights(work, config, "epoch_00001"), f"{FOLDER}/{config}.yaml", _model_name(config)
    overrides = [*_values(options), "INFERENCE.window_size=16"]
    for_export = [f"--override={override}" for override in overrides]
    result = python(
        [upstream_root / "tools/export_model.py", "-c", path, "-p", weights, "-o", "inf", *for_export], work
    )
    assert result.returncode == 0, result.stdout[-3000:]

    section = configs.load(path, overrides)
    clip = np.load(section["DATASET"]["test"]["file_path"])[0]
    np.save(work / "clip.npy", clip)
    files = ["--model_file", f"inf/{name}.pdmodel", "--params_file", f"inf/{name}.pdiparams", "--use_gpu=False"]
    call = [upstream_root / "tools/predict.py", "-c", path, "-oINFERENCE.window_size=16", *files, "-i"]
    result = python([*call, "clip.npy"], work)
    assert result.returncode == 0, result.stdout[-3000:]

    network = build_network(section["MODEL"])
    checkpoint.load_into(network, checkpoint.of_network(checkpoint.read(weights), "Student"), weights)
    network.eval()
    window = paddle.to_tensor(Modality.of_config(section)(centre_crop_resample(clip, 16, 0.95))[None])
    probabilities = paddle.nn.functional.softmax(network(window)).numpy()[0]
    assert int(re.search(r"top-1 class: (\d+)\n", result.stdout)[1]) == probabilities.argmax()
    assert float(re.search(r"top-1 score: ([\d.]+)\n", result.stdout)[1]) == pytest.approx(
        probabilities.max(), rel=1e-4
    )

    folder = work / "clips"
    folder.mkdir(exist_ok=True)
    np.save(folder / "a.npy", clip)
    assert python([*call, "clips"], work).stdout.count("top-1 class") == 1


def test_a_config_in_the_folder_wins(ppvideo_root, small, narrow, python, tmp_path):
    path = tmp_path / FOLDER / "ctrgcn_light_ntucs_joint.yaml"
    path.parent.mkdir(parents=True)
    content = yaml.safe_load(configs.find(f"{FOLDER}/ctrgcn_light_ntucs_joint.yaml").read_text())
    content["model_name"] = "mine"
    path.write_text(yaml.safe_dump(content))
    call = ["--validate", "-c", f"{FOLDER}/ctrgcn_light_ntucs_joint.yaml", *small, *narrow("light")]
    result = python([ppvideo_root / "main.py", *call], tmp_path)
    assert result.returncode == 0, result.stdout[-3000:]
    assert "using the copy" not in result.stdout
    assert (tmp_path / "output" / "mine" / "mine_best.pdparams").is_file()


def test_weights_on_the_command_line_replace_what_is_pretrained(ppvideo_root, small, narrow, python, tmp_path):
    """-w of a whole distillation starts both networks; the config's `pretrained`, which is not there, is not read."""
    config = f"{FOLDER}/ctrgcn_lite_ntucs_joint_dml.yaml"
    options = [*small, *narrow("lite_dml")]
    content = configs.load(config, _values(options))["MODEL"]["models"]
    state = {}
    for entry in content:
        for name, section in entry.items():
            network = build_network(section)
            # as upstream's nn.Sequential(backbone, head) names them
            parts = {"backbone": "0", "head": "1"}
            for key, value in network.state_dict().items():
                part, _, rest = key.partition(".")
                state[f"{name}.{parts[part]}.{rest}"] = value
    paddle.save(state, str(tmp_path / "both.pdparams"))
    result = python([ppvideo_root / "main.py", "--validate", "-c", config, *options, "-w=both.pdparams"], tmp_path)
    assert result.returncode == 0, result.stdout[-3000:]
    assert "Finetune from checkpoint: both.pdparams" in result.stdout and "starts from" not in result.stdout
