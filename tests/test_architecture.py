"""The arrows of docs/architecture.md: who may import or include whom."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Room -> rooms of bmx/ that it may import. A module of bmx/ itself is a room of its own.
PYTHON_ARROWS = {
    "__init__": {"_version", "exporter", "summarize", "verification", "compiler", "gluon", "runtime"},
    "__main__": {"cli"},
    "_version": set(),
    "gluon": {"_version", "discovery"},
    "compiler": {"_version", "discovery", "gluon"},
    "runtime": {"_core"},
    "launch": set(),
    "training": {"discovery", "files", "gluon"},
    "gluoncv_scripts": {"gluon"},
    "recipes": {"gluoncv_scripts"},
    "verification": {"gluon", "compiler", "runtime"},
    "summarize": {"compiler", "gluon"},
    "files": set(),
    "discovery": set(),
    "exporter": {"compiler", "files", "verification"},
    "demo": {"training", "gluon", "exporter", "files", "verification", "runtime"},
    "cli": {"_version", "commands"},
    "commands": {
        "_version",
        "discovery",
        "compiler",
        "demo",
        "exporter",
        "files",
        "gluon",
        "launch",
        "runtime",
        "summarize",
        "training",
        "verification",
    },
}
# Inside rooms: folder or module -> folders and modules beside it that it may import. Modules that have no
# line, such as compiler/operators_doc.py, may import all of them; folders need one.
INNER_ARROWS: dict[str, dict[str, set[str]]] = {
    "compiler": {
        "frontend": {"ir"},
        "passes": {"ir"},
        "backend": {"ir"},
        "ir": set(),
    },
    "gluon": {
        "arguments": set(),
        "bmxnet": {"nn", "symbol_json"},
        "compatibility": set(),
        "data": set(),
        "dataflow": {"symbol_json"},
        "library": set(),
        "loss": {"arguments", "tensor"},
        "metric": {"optimizer"},
        "model_zoo": {"bmxnet", "data", "nn", "surgery", "tensor"},
        "nn": {"arguments", "library", "tensor"},
        "optimize_for": {"nn"},
        "optimizer": {"arguments"},
        "parameters": {"nn"},
        "saved_net": set(),
        "schedule": {"arguments", "nn"},
        "sources": {"model_zoo", "saved_net"},
        "surgery": {"dataflow", "nn", "tensor"},
        "symbol_json": set(),
        "tensor": set(),
    },
    "gluon/data": {
        "dataset": set(),
        "fetching": {"dataset"},
        "datasets": {"dataset", "fetching"},
        "augment": set(),
        "order": set(),
        "batches": {"augment", "order"},
    },
    "gluon/nn": {
        "quantizers": {"guard", "lowerings"},
        "blocks": {"activation", "config", "conv", "dense", "horq", "lowerings", "prelu", "quantizers"},
        "guard": set(),
        "lowerings": set(),
        "config": {"quantizers"},
        "scaling": {"quantizers"},
        "operands": {"guard", "lowerings", "quantizers"},
        "quantizer_parameters": {"config", "quantizers"},
        "settings": {"config", "lowerings", "operands", "quantizer_parameters", "quantizers", "scaling"},
        "layer": {"guard", "lowerings", "operands", "quantizer_parameters", "quantizers", "settings"},
        "conv": {"config", "layer", "settings"},
        "dense": {"config", "layer", "settings"},
        "horq": {"conv", "lowerings", "quantizers"},
    },
    "launch": {
        "agent": set(),
        "cluster": set(),
        "hosts": set(),
        "screen": set(),
        "signals": set(),
        "worker_site": set(),
        "ssh": {"hosts"},
        "node": {"agent", "cluster", "hosts", "screen", "ssh"},
        "job": {"agent", "cluster", "hosts", "node", "screen", "signals", "ssh"},
    },
}
INNER_ARROWS["commands"] = {"support": set()}
# Training: schema <- build_stage <- run; the engine knows no description, and no folder of results.
INNER_ARROWS["training"] = {
    **{key: set() for key in ("accumulate", "ema", "evaluation", "limits", "mixup", "nonfinite")},
    **{key: set() for key in ("precision", "progress", "seeds", "toml")},
    "reading": {"limits"},
    "schema": {"limits", "reading"},
    "recipes": {"reading", "toml"},
    **{
        key: {"reading", "schema"}
        for key in ("distill", "learning_rate", "machines", "optimizers", "sources")
    },
    "models": {"precision", "reading", "schema"},
    "objective": {"distill", "mixup"},
    "assembly": {"ema", "mixup", "objective", "seeds"},
    "build_stage": {
        *(
            "assembly",
            "distill",
            "ema",
            "learning_rate",
            "limits",
            "machines",
            "mixup",
            "models",
            "objective",
        ),
        *("optimizers", "schema", "seeds", "sources"),
    },
    "engine": {"accumulate", "assembly", "mixup", "nonfinite", "optimizers", "progress"},
    "bar": {"engine"},
    "callbacks": {"engine", "progress"},
    "tensorboard": {"engine", "optimizers", "progress"},
    "plot": {"progress"},
    "loop": {"assembly", "bar", "engine", "evaluation", "objective", "optimizers", "progress"},
    "checkpoint": {"ema", "progress", "schema", "seeds", "toml"},
    "run_dir": {"checkpoint", "reading", "schema", "toml"},
    "stage_run": {
        *("assembly", "bar", "callbacks", "checkpoint", "engine", "evaluation", "learning_rate", "progress"),
        *("run_dir", "schema", "seeds", "sources", "tensorboard"),
    },
    "run": {
        *("build_stage", "checkpoint", "machines", "models", "plot", "progress", "run_dir", "schema"),
        *("sources", "stage_run"),
    },
    "widths": {"evaluation", "loop", "nonfinite", "seeds"},
}
# Who may import the compiler's frontend: those that trace a net.
MAY_IMPORT_FRONTEND = {"compiler", "exporter.py", "summarize.py", "verification"}
MAY_IMPORT_DEMO = {"commands/demo.py"}
MAY_IMPORT_MXNET = {
    "gluon",
    "training",
    "compiler/frontend/trace.py",
    "compiler/frontend/evaluation.py",
    "verification",
    "demo.py",
}

CXX_ARROWS = {
    "base": set(),
    "cpu": {"base"},
    "pointwise": {"base"},
    "microkernels": {"base", "cpu", "pointwise"},
    "convolution": {"base", "microkernels", "pointwise"},
    "reference": {"base", "convolution", "microkernels", "pointwise"},
    "model": {"base"},
    "ops": {"base", "convolution", "microkernels", "pointwise", "model"},
    "runtime": {"base", "convolution", "microkernels", "pointwise", "model", "ops"},
    "capi": {"base", "convolution", "microkernels", "pointwise", "model", "ops", "runtime"},
    "python": {"base", "convolution", "microkernels", "pointwise", "model", "ops", "runtime"},
    "mxnet": {"base", "convolution", "microkernels", "pointwise", "model", "ops", "runtime"},
    "tools": {"base", "convolution", "microkernels", "pointwise", "model", "ops", "runtime"},
}


def python_files() -> list[Path]:
    return sorted((ROOT / "bmx").rglob("*.py"))


def is_module(package: str, name: str) -> bool:
    path = ROOT.joinpath(*package.split("."), name)
    return package == "bmx" or path.is_dir() or path.with_suffix(".py").is_file()


def imported_modules(file: Path) -> set[str]:
    package = ["bmx", *file.relative_to(ROOT / "bmx").parent.parts]
    modules: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            modules.add(module)
            if module.split(".")[0] == "bmx":
                modules |= {f"{module}.{alias.name}" for alias in node.names if is_module(module, alias.name)}
    return modules


@pytest.mark.parametrize("file", python_files(), ids=lambda file: str(file.relative_to(ROOT)))
def test_python_imports_follow_the_arrows(file: Path) -> None:
    relative = file.relative_to(ROOT / "bmx")
    room = relative.parts[0].replace(".py", "")
    assert room in PYTHON_ARROWS, f"{room} is a new room: give it its arrows here and in docs/architecture.md"
    for module in imported_modules(file):
        parts = module.split(".")
        if parts[0] == "bmx" and len(parts) > 1 and parts[1] != room:
            target = parts[1]
            if not (ROOT / "bmx" / target).exists() and not (ROOT / "bmx" / f"{target}.py").exists():
                target = target if target == "_core" else "__init__"  # a name of bmx/__init__.py
            if target != "__init__":
                assert target in PYTHON_ARROWS[room], f"{relative} imports {module}"
        if parts[0] in ("mxnet", "gluoncv"):
            allowed = {room, str(relative), "/".join(relative.parts[:2])}
            assert allowed & MAY_IMPORT_MXNET, f"{relative} imports {module}"
        if parts[:2] == ["bmx", "demo"]:
            assert str(relative) in MAY_IMPORT_DEMO, f"{relative} imports {module}"
        if parts[:3] == ["bmx", "compiler", "frontend"]:
            assert {room, str(relative)} & MAY_IMPORT_FRONTEND, f"{relative} imports {module}"


def inner_files() -> list[tuple[str, Path]]:
    found = [(room, ROOT / "bmx" / room) for room in INNER_ARROWS]
    return [(room, file) for room, folder in found for file in python_files() if folder in file.parents]


@pytest.mark.parametrize(("room", "file"), inner_files(), ids=lambda part: str(part).replace(f"{ROOT}/", ""))
def test_imports_inside_a_room_follow_its_arrows(room: str, file: Path) -> None:
    name, *rest = file.relative_to(ROOT / "bmx" / room).with_suffix("").parts
    arrows = INNER_ARROWS[room]
    if not rest and name not in arrows:
        return
    assert name in arrows, f"{room}/{name} is a new folder: give it its arrows here"
    own = ["bmx", *room.split("/")]
    for module in imported_modules(file):
        parts = module.split(".")
        inside = parts[len(own) :] if parts[: len(own)] == own else []
        if inside and inside[0] != name:
            assert inside[0] in arrows[name], f"{file.relative_to(ROOT)} imports {module}"


def test_cxx_includes_follow_the_arrows() -> None:
    wrong = []
    for file in sorted((ROOT / "src").rglob("*")):
        if file.suffix not in (".cc", ".h", ".inc") or file.parent == ROOT / "src":
            continue
        room = file.relative_to(ROOT / "src").parts[0]
        for target in re.findall(r'^#include "(\w+)/', file.read_text(), re.MULTILINE):
            if target != room and target not in CXX_ARROWS[room]:
                wrong.append(f"{file.relative_to(ROOT)} includes {target}/")
    assert not wrong


@pytest.mark.parametrize("module", ["bmx", "bmx.runtime", "bmx.cli"])
def test_devices_need_no_mxnet(module: str) -> None:
    code = (
        "import sys; sys.modules['mxnet'] = None; "
        f"import {module}; "
        "heavy = {'gluoncv', 'matplotlib', 'pandas'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
