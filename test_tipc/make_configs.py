"""Writes the configs of TIPC beside this file: one table of models and recipes, one of chains.

    python test_tipc/make_configs.py            # writes test_tipc/configs
    python test_tipc/make_configs.py --check    # says which files are not what it would write

Configs of TIPC are positional text, and upstream keeps them as files. See test_tipc/README.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONFIGS = "configs/recognition/ctrgcn"
LITE = "data/ntu-rgb-d/lite"
CLIP = "./data/example_NTU-RGB-D_sketeton.npy"
SPLITS = (("train", "train"), ("valid", "val"), ("test", "val"))
# of the lite sets: rates at which a loss falls within two passes over thirty clips
STEP_RATE = "-o OPTIMIZER.learning_rate.step_base_lr=0.02"
COSINE_RATE = "-o OPTIMIZER.learning_rate.warmup_start_lr=0.005 -o OPTIMIZER.learning_rate.cosine_base_lr=0.01"
# the published recipe starts both networks from one checkpoint, and freezes the first
LITE_TEACHER = (
    "-o MODEL.models.0.Teacher.backbone.pretrained=./inference/CTRGCNLite/fixed.pdparams "
    "-o MODEL.models.1.Student.backbone.pretrained="
)


@dataclass(frozen=True)
class Recipe:
    """A model and how it is trained.

    Attributes:
        model: folder of its chains.
        name: of the recipe, where the model has several.
        yaml: PaddleVideo's config.
        lite: options for training on the lite set.
    """

    model: str
    name: str
    yaml: str
    lite: str

    @property
    def config(self) -> str:
        return f"{CONFIGS}/{self.yaml}.yaml"


# the first recipe of a model is the one of its chains that are not named by a recipe
RECIPES = (
    Recipe("CTRGCN", "", "ctrgcn_ntucs_joint", STEP_RATE),
    Recipe("CTRGCNLite", "", "ctrgcn_lite_ntucs_joint_dml", f"{COSINE_RATE} {LITE_TEACHER}"),
    Recipe("CTRGCN_light", "", "ctrgcn_light_ntucs_joint", STEP_RATE),
    Recipe("CTRGCN_light", "aug", "ctrgcn_light_ntucs_joint_aug", COSINE_RATE),
    Recipe("CTRGCN_lightV2", "aug", "ctrgcn_light_v2_ntucs_joint_aug", COSINE_RATE),
    Recipe("CTRGCN_lightV2", "dml", "ctrgcn_light_v2_ntucs_joint_dml", COSINE_RATE),
)


@dataclass(frozen=True)
class Machine:
    """What TIPC trains and predicts on.

    Attributes:
        gpu_list: devices to train on; "-1" chooses none.
        epochs, batch_size: of the lite modes.
        predict: the values that span the settings of prediction: of --use_gpu, --enable_mkldnn, --cpu_threads,
            --batch_size, --use_tensorrt and --precision.
        python: the interpreter.
    """

    gpu_list: str
    predict: tuple[str, str, str, str, str, str]
    epochs: int = 2
    batch_size: int = 4
    python: str = "python"


PREDICT = ("--use_gpu", "--enable_mkldnn", "--cpu_threads", "--batch_size", "--use_tensorrt", "--precision")
CPU_SETTINGS = ("False", "False|True", "1|6", "1", "False", "fp32|fp16")
ONE_SETTING = ("False", "False", "1", "1", "False", "fp32")
GPU_SETTINGS = ("True|False", "False|True", "1|6", "1|8", "False|True", "fp32|fp16")
CPU = Machine("-1", CPU_SETTINGS)
# Paddle starts one process for each device it finds, and looks for GPUs: it is told how many
CPU_PROCESSES = Machine("0,1", ONE_SETTING, batch_size=2, python="env PADDLE_DEVICES= PADDLE_NPROC_PER_NODE=2 python")
GPU = Machine("0", GPU_SETTINGS, batch_size=8)
GPUS = Machine("0|0,1", GPU_SETTINGS, batch_size=8)
GPU_MACHINES = Machine("192.168.0.1,192.168.0.2;0,1", GPU_SETTINGS, batch_size=8)

UPSTREAM_EXPORT = "tools/export_model.py -c {config} --override model_name={name} --save_name inference"
FUSED_EXPORT = "-m ctrgcn_plugin export -c {config} --style fused --save_name inference"


def train_chain(
    recipe: Recipe,
    name: str,
    machine: Machine,
    *,
    export: str = UPSTREAM_EXPORT,
    trainer: str = "norm_train",
    benchmark: bool = True,
) -> list[str]:
    """Train, test, export, predict: for ``test_train_inference_python.sh``."""
    main = f"main.py{{}} -c {recipe.config}"
    data = " -o ".join(
        f"DATASET.{part}.{key}='{LITE}/{split}_{file}'"
        for part, split in SPLITS
        for key, file in (("file_path", "data.npy"), ("label_path", "label.pkl"))
    )
    own_name = f"-o model_name={name}"
    export = export.format(config=recipe.config, name=name)
    trainers = {
        "norm_train": f"{main.format(' --validate')} --seed 1234 {own_name}",
        "amp_train": f"{main.format(' --amp --amp_level=O1 --validate')} --seed 1234 {own_name}",
    }
    return [
        _header("train_params"),
        f"model_name:{name}",
        f"python:{machine.python}",
        f"gpu_list:{machine.gpu_list}",
        "Global.use_gpu:null|null",
        "Global.auto_cast:null",
        f"-o epochs:{machine.epochs}",
        "-o output_dir:null",
        f"-o DATASET.batch_size:{machine.batch_size}",
        "null:null",
        "train_model_name:null",
        f"-o log_interval:1 {recipe.lite}",
        f"-o {data.replace('=', ':', 1)}",
        "##",
        f"trainer:{trainer}",
        f"norm_train:{trainers['norm_train']}",
        "pact_train:null",
        "fpgm_train:null",
        "distill_train:null",
        f"amp_train:{trainers['amp_train']}" if trainer == "amp_train" else "null:null",
        "null:null",
        "##",
        _header("eval_params"),
        f"eval:{main.format(' --test')} {own_name}",
        "-w:null",
        "##",
        _header("infer_params"),
        "-o:null",
        "-p:null",
        f"norm_export:{export}",
        "quant_export:null",
        "fpgm_export:null",
        "distill_export:null",
        "export1:null",
        "export2:null",
        "inference_dir:null",
        f"infer_model:./inference/{name}/weights.pdparams",
        f"infer_export:{export}",
        "infer_quant:False",
        f"inference:tools/predict.py --config {recipe.config}",
        *(f"{key}:{value}" for key, value in zip(PREDICT, machine.predict)),
        "--model_file:inference.pdmodel",
        f"--input_file:{CLIP}",
        "null:null",
        f"--enable_benchmark:{benchmark}",
        "--params_file:inference.pdiparams",
        _header("infer_benchmark_params"),
        "random_infer_input:[{float32,[3, 64, 25, 2]}]",
    ]


def static_chain(recipe: Recipe, name: str) -> list[str]:
    """The same training in dynamic and in static mode: for ``test_train_dy2static_python.sh``."""
    train = train_chain(recipe, name, CPU)
    # sharing sizes between layers that differ in them ends in an error of Paddle's for networks in a frozen pair
    command = "export SOT_ALLOW_DYNAMIC_SHAPE=False"
    lines = ["=========================== base_train ===========================", *train[1:21], command]
    lines[6] = "-o epochs:1"
    return lines


def convert_chain(recipe: Recipe, name: str, *, own: bool) -> list[str]:
    """Conversion to ONNX and prediction: for ``test_paddle2onnx.sh``; by paddle2onnx, or by this package itself."""
    folder = f"./inference/{name}"
    onnx = f"{folder}/{name}.onnx"
    if own:
        convert = [
            f"2onnx:python -m ctrgcn_plugin export -c {recipe.config} --format onnx --save_name {name}",
            f"-p:{folder}/weights.pdparams",
            f"-o:{folder}",
            f"--clips:{CLIP}",
            # of this line the script takes the value for the prediction as well
            f"null:{onnx}",
            "null:null",
            "null:null",
        ]
    else:
        convert = [
            "2onnx:paddle2onnx",
            f"--model_dir:{folder}",
            "--model_filename:inference.pdmodel",
            "--params_filename:inference.pdiparams",
            f"--save_file:{onnx}",
            "--opset_version:13",
            "--enable_onnx_checker:True",
        ]
    return [
        _header("paddle2onnx_params"),
        f"model_name:{name}",
        "python:python",
        *convert,
        "inference:./deploy/paddle2onnx/predict_onnx.py",
        f"--config:{recipe.config}",
        "--onnx_file:null",
        f"--input_file:{CLIP}",
    ]


def quantise_chain(recipe: Recipe, name: str) -> list[str]:
    """Quantisation after training: for ``test_ptq_inference_python.sh``."""
    folder = f"./inference/{name}"
    return [
        _header("ptq_params"),
        f"model_name:{name}",
        "python:python",
        "--use_gpu:False",
        f"--config:./test_tipc/configs/{recipe.model}/quantization.yaml",
        f"-o inference_model_dir:{folder}",
        f"-o quant_output_dir:{folder}/quant_model",
        f"-o DATASET.quant.file_path:./{LITE}/val_data.npy",
        f"-o DATASET.quant.label_path:./{LITE}/val_label.pkl",
        "-o DATASET.batch_nums:2",
        "-o DATASET.batch_size:2",
        "##",
        "trainer:ptq_train",
        "ptq_train:deploy/slim/quant_post_static.py",
        "##",
        _header("infer_params"),
        "inference:./tools/predict.py",
        "--use_gpu:False",
        f"--config:{recipe.config}",
        "--batch_size:1",
        f"--model_file:{folder}/quant_model/model.pdmodel",
        f"--params_file:{folder}/quant_model/model.pdiparams",
        f"--input_file:{CLIP}",
        "--enable_benchmark:False",
    ]


def serving_chain(recipe: Recipe, name: str) -> list[str]:
    """Paddle Serving: for ``test_serving_infer_cpp.sh``."""
    folder = "./deploy/cpp_serving"
    return [
        _header("serving_params"),
        f"model_name:{name}",
        "python:python",
        "trans_model:-m paddle_serving_client.convert",
        f"--dirname:./inference/{name}",
        "--model_filename:inference.pdmodel",
        "--params_filename:inference.pdiparams",
        f"--serving_server:{folder}/{name}_server/",
        f"--serving_client:{folder}/{name}_client/",
        f"serving_dir:{folder}",
        f"--model:./{name}_server/",
        "--port:9993",
        f"cpp_client:-m ctrgcn_plugin.tipc.serving_client --network {recipe.config}",
        f"--input_file:../../{CLIP[2:]}",
    ]


def _header(word: str) -> str:
    return f"{'=' * 27}{word}{'=' * 27}"


def chains_of(model: str, recipe: Recipe) -> Iterator[tuple[str, list[str]]]:
    """Name -> lines of the chains that every model has, in its first recipe."""
    train = partial(train_chain, recipe)
    yield "train_infer_python", train(model, CPU)
    yield "train_amp_infer_python", train(f"{model}_amp", CPU, trainer="amp_train")
    yield "train_launch_infer_python", train(f"{model}_launch", CPU_PROCESSES)
    yield "train_fused_infer_python", train(f"{model}_fused", CPU, export=FUSED_EXPORT)
    yield "train_dy2static_python", static_chain(recipe, f"{model}_static")
    # without a benchmark, which prints no predictions: these are compared with those under results/
    yield "model_infer_python", train(f"{model}_whole", CPU, benchmark=False)
    yield "paddle2onnx_infer_python", convert_chain(recipe, f"{model}_paddle2onnx", own=False)
    yield "onnx_infer_python", convert_chain(recipe, f"{model}_onnx", own=True)
    if (HERE / "configs" / model / "quantization.yaml").is_file():
        yield "train_ptq_infer_python", quantise_chain(recipe, f"{model}_ptq")
    yield "serving_infer_cpp", serving_chain(recipe, f"{model}_serving")
    gpu = "train_linux_gpu_{}_infer_python_linux_gpu_cpu"
    yield gpu.format("normal_normal"), train(f"{model}_gpu", GPUS)
    yield gpu.format("normal_amp"), train(f"{model}_gpu_amp", GPU, trainer="amp_train")
    yield gpu.format("fleet_normal"), train(f"{model}_fleet", GPU_MACHINES)


def files() -> Iterator[tuple[str, list[str]]]:
    """Path below ``configs`` -> lines."""
    first: dict[str, Recipe] = {}
    for recipe in RECIPES:
        if recipe.name:
            name = f"{recipe.model}_{recipe.name}"
            yield f"{recipe.model}/train_infer_python_{recipe.name}.txt", train_chain(recipe, name, CPU)
        first.setdefault(recipe.model, recipe)
    for model, recipe in first.items():
        for chain, lines in chains_of(model, recipe):
            yield f"{model}/{chain}.txt", lines


def main() -> int:
    """Write the files, or hold them against what would be written."""
    wanted = {HERE / "configs" / path: "\n".join(lines) + "\n" for path, lines in files()}
    there = {file: file.read_text(encoding="utf-8") for file in (HERE / "configs").rglob("*.txt")}
    if "--check" in sys.argv:
        wrong = sorted(str(file) for file in {*wanted, *there} if wanted.get(file) != there.get(file))
        print("\n".join(wrong) or "all as they should be")
        return int(bool(wrong))
    for file in {*there} - {*wanted}:
        file.unlink()
    for file, text in wanted.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
