"""A script that knows nothing of bmx trains binary nets by bmx.gluoncv_scripts, and leaves nothing."""

from __future__ import annotations

import runpy
import subprocess
import sys
import warnings

import mxnet as mx
import numpy as np
import pytest
from click.testing import CliRunner
from mxnet import gluon

from bmx.gluon import model_zoo, nn
from bmx.gluon.optimizer import binary_parameters
from bmx.gluon.optimizer.scripts import trainers_for_binary_layers
from bmx.gluoncv_scripts import (
    ScriptError,
    command,
    default_schedules,
    parse_schedule,
    parse_setting,
    run_script,
)
from tests.support.subprocesses import ROOT, environment

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # at import, about versions of what it depends on
    import gluoncv

SCRIPT = str(ROOT / "tests" / "support" / "train_like_gluoncv.py")
MODEL = "bmx_resnete_small"


def train(folder, model=MODEL, *arguments, **options):
    """What the script saves, by name."""
    folder.mkdir(exist_ok=True)
    run_script(SCRIPT, ["--model", model, "--save-dir", str(folder), *arguments], **options)
    return load(folder)


def load(folder):
    return {name: value.asnumpy() for name, value in mx.nd.load(str(folder / "net.params")).items()}


def latent_names(model="resnete_small"):
    net = model_zoo.get_model(model, classes=4)
    return {name for name, p in net._collect_params_with_prefix().items() if list(binary_parameters([p]))}


def assert_equal(ours, others):
    assert ours.keys() == others.keys()
    for name, value in ours.items():
        np.testing.assert_array_equal(value, others[name], name)


def by_hand(limit, lr):
    """The script's training without bmx's Trainer: Gluon's, and clipping written out."""
    mx.random.seed(5)
    net = model_zoo.get_model("resnete_small", classes=4)
    net.initialize(mx.init.Xavier())
    images = mx.nd.random.normal(shape=(2, 4, 3, 16, 16))
    labels = mx.nd.random.randint(0, 4, (2, 4)).astype("float32")
    parameters = net._collect_params_with_prefix()
    latent = latent_names()
    for name in latent:
        parameters[name].wd_mult = 0.0
    trainer = gluon.Trainer(net.collect_params(), "nag", {"learning_rate": lr, "wd": 0.1, "momentum": 0.9})
    for image, label in zip(images, labels):
        with mx.autograd.record():
            loss = gluon.loss.SoftmaxCrossEntropyLoss()(net(image), label)
        loss.backward()
        trainer.step(4)
        for name in latent:
            value = parameters[name].data().asnumpy()
            parameters[name].set_data(mx.nd.array(value if limit is None else value.clip(-limit, limit)))
    return {name: p.data().asnumpy() for name, p in parameters.items()}


@pytest.mark.parametrize("limit", [1.0, 0.5, None])
def test_latent_weights_do_not_decay_and_are_clipped(limit, tmp_path, capsys):
    ours = train(tmp_path, MODEL, "--lr", "20", "--wd", "0.1", clip=limit)
    assert_equal(ours, by_hand(limit, 20))
    largest = max(np.abs(ours[name]).max() for name in latent_names())
    assert largest > 1 if limit is None else largest == limit
    others = max(np.abs(value).max() for name, value in ours.items() if name not in latent_names())
    assert others > 1
    clipped = "not clipped" if limit is None else f"clipped to +-{limit:g} after each step"
    assert (
        f"{len(latent_names())} of {len(ours)} parameters are latent weights, {clipped}"
        in capsys.readouterr().err
    )


def test_float_nets_train_as_without(tmp_path, monkeypatch, capsys):
    arguments = ["cifar_resnet20_v1", "--wd", "0.1", "--mode", "hybrid"]
    ours = train(tmp_path / "ours", *arguments)
    folder = tmp_path / "plain"
    folder.mkdir()
    monkeypatch.setattr(sys, "argv", [SCRIPT, "--save-dir", str(folder), "--model", *arguments])
    runpy.run_path(SCRIPT, run_name="__main__")
    assert_equal(ours, load(folder))
    assert "bmx.gluoncv_scripts" not in capsys.readouterr().err


def test_binarized_net_with_settings_of_layers(tmp_path, capsys):
    values = train(
        tmp_path,
        "binarized:cifar_resnet20_v1",
        "--mode",
        "hybrid",
        shortcuts="per_conv",
        layers={"input_quantizer": "approx_sign"},
    )
    output = capsys.readouterr()
    assert "9 residual blocks with a shortcut per convolution" in output.out
    assert "18 of 107 parameters are latent weights" in output.err
    net = gluoncv.model_zoo.get_model("cifar_resnet20_v1", classes=4)
    assert values.keys() == net._collect_params_with_prefix().keys()


def test_schedules_advance_with_the_steps(tmp_path, capsys):
    lenet = ["bmx_lenet", "--classes", "10", "--shape", "1,28,28", "--batches", "2"]
    soft = {"weight_quantizer": "tanh_sign"}

    def nus(values):
        found = {float(value) for name, value in values.items() if name.endswith("nu")}
        assert len(found) == 1
        return found.pop()

    # Half of the way from 1 to 1000, in powers.
    assert nus(train(tmp_path, *lenet, layers=soft, steps=4)) == pytest.approx(1000**0.5, rel=1e-6)
    asked = {"nu": parse_schedule("nu=linear:3:7:8", None)[1]}
    assert nus(train(tmp_path, *lenet, layers=soft, steps=4, schedules=asked)) == 4
    assert "stays as it is" not in capsys.readouterr().err
    assert nus(train(tmp_path, *lenet, layers=soft)) == 1
    assert "nu stays as it is: give --steps N" in capsys.readouterr().err
    with pytest.raises(ScriptError, match=r"^expected a net with the hyper-parameter 'temperature' for its "):
        train(tmp_path, *lenet, layers=soft, schedules={"temperature": abs})


def test_schedules_of_the_papers():
    schedules = default_schedules(1000)
    assert [schedules["nu"](step) for step in (0, 1000, 2000)] == [1, 1000, 1000]
    assert schedules["temperature"](0) == 1
    assert schedules["temperature"](299) > 1e-7
    assert schedules["temperature"](300) == 1e-7


def test_steps_are_counted_on_after_states_were_loaded(tmp_path):
    seen = []
    layer = nn.QDense(2, in_units=3)
    layer.initialize()
    path = str(tmp_path / "trainer.states")
    with trainers_for_binary_layers(observe=lambda step, trainer: seen.append(step)):
        for name in ("save_states", "load_states"):
            trainer = gluon.Trainer(layer.collect_params(), "nag", {"learning_rate": 0.1, "momentum": 0.9})
            if name == "load_states":
                trainer.load_states(path)
            for _ in range(2):
                with mx.autograd.record():
                    out = layer(mx.nd.ones((1, 3)))
                out.backward()
                trainer.step(1)
            trainer.save_states(path)
    assert seen == [0, 1, 2, 0, 2, 3, 4]


def test_nothing_stays_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["before"])
    path, known = list(sys.path), dict(gluoncv.model_zoo.model_zoo._models)
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, neighbor\n"
        "from mxnet import gluon\n"
        "from mxnet.gluon import Trainer\n"
        "from bmx.gluon.optimizer import BinaryTrainer\n"
        "assert gluon.Trainer is Trainer and issubclass(Trainer, BinaryTrainer)\n"
        "assert __name__ == '__main__' and sys.argv[1:] == ['--help', '-x']\n"
        "raise KeyError('mine')\n"
    )
    (tmp_path / "neighbor.py").touch()
    before = gluon.Trainer
    with pytest.raises(KeyError, match="mine"):
        run_script(str(script), ["--help", "-x"], layers={"clip": 2.0})
    assert gluon.Trainer is gluon.trainer.Trainer is before
    assert sys.argv == ["before"]
    assert sys.path == path
    assert known == gluoncv.model_zoo.model_zoo._models
    assert nn.current_config().clip == 1.0
    sys.modules.pop("neighbor")


# Command line


def invoke(*arguments):
    return CliRunner().invoke(command, list(arguments))


@pytest.mark.parametrize("name", ["bmx.gluoncv_scripts", "bmx.recipes"])
def test_as_a_process(tmp_path, name):
    """From another folder; what the script prints and its files are the script's."""
    arguments = ["--clip", "0.5", SCRIPT, "--model", MODEL, "--lr", "20", "--mode", "hybrid"]
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", name, *arguments],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert "Namespace(" in result.stderr
    values = load(tmp_path)
    assert max(np.abs(values[name]).max() for name in latent_names()) == 0.5


def test_help_is_ours_in_front_of_the_script_and_its_own_behind():
    assert "Run a training script of GluonCV" in invoke("--help").output
    result = invoke(SCRIPT, "--help")
    assert result.exit_code == 0
    assert "Trains on random images." in result.output


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nowhere.py"], 1, "there is no script nowhere.py; GluonCV's are not in its package but in its"),
        ([], 2, "Missing argument 'SCRIPT'"),
        (["--clip", "0", SCRIPT], 2, "0"),
        (["--layers", "clip", SCRIPT], 2, "expected NAME=VALUE"),
        (["--layers", "clop=1", SCRIPT], 1, "expected some of bits, input_bits"),
        (["--schedule", "nu=steps:1:2:3", SCRIPT], 2, "with KIND one of linear, exponential, cosine"),
        (["--schedule", "nu=linear:a:2:3", SCRIPT], 2, "START and END are numbers"),
        (["--schedule", "nu=linear:1:2", SCRIPT], 2, "say how many steps it takes"),
        (["--schedule", "nu=exponential:0:2:3", SCRIPT], 2, "start"),
        (["--shortcuts", "all", SCRIPT], 2, "per_conv"),
        ([SCRIPT, "--model", MODEL, "--last-gamma"], 1, "found last_gamma; leave it out"),
    ],
)
def test_errors_are_one_sentence(arguments, code, message):
    result = invoke(*arguments)
    assert result.exit_code == code, result.output
    assert message in result.output
    assert "Traceback" not in result.output


def test_unknown_model_lists_ours():
    result = invoke(SCRIPT, "--model", "bmx_resnete81")
    assert result.exit_code == 1
    assert "there is no model named 'bmx_resnete81' (did you mean bmx_resnete18" in result.output
    assert "bmx_birealnet18_thumbnail" in result.output
    assert "binarized:NAME" in result.output


def test_no_pretrained_parameters(monkeypatch, tmp_path):
    monkeypatch.setenv("BMX_HOME", str(tmp_path))
    monkeypatch.delenv("BMX_MODELS_URL", raising=False)
    result = invoke(SCRIPT, "--model", MODEL, "--use-pretrained")
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")


def test_parameters_of_a_file_go_on_training(tmp_path):
    first = train(tmp_path, MODEL)
    assert_equal(
        train(tmp_path / "more", MODEL, "--use-pretrained", "--lr", "0", params=str(tmp_path / "net.params")),
        {**first, **{name: value for name, value in load(tmp_path / "more").items() if "running" in name}},
    )


def test_without_gluoncv(monkeypatch):
    for module in ("gluoncv", "gluoncv.model_zoo"):
        monkeypatch.setitem(sys.modules, module, None)
    result = invoke(SCRIPT, "--model", MODEL)
    assert result.exit_code == 1
    assert "expected GluonCV to be installed" in result.output


def test_the_scripts_exit_code_and_errors_are_its_own(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import sys\nsys.exit(3)\n")
    assert invoke(str(script)).exit_code == 3
    script.write_text("raise ValueError('mine')\n")
    assert str(invoke(str(script)).exception) == "mine"


def test_settings():
    texts = ["clip=1.5", "bits=2", "scaling=None", "input_quantizer=approx_sign"]
    assert [parse_setting(text) for text in texts] == [
        ("clip", 1.5),
        ("bits", 2),
        ("scaling", None),
        ("input_quantizer", "approx_sign"),
    ]
