"""An operator of the runtime costs its function in src/ops and one line of op_list.inc.

The function and the longer list are compiled with the one source that reads the list, into a program that
uses the public header and is linked with the library as it was built.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np

from tests.support import bmx_files
from tests.support.cxx import build_program, source

NAME = "softsign"
OPERATOR = """
#include <cmath>

#include "ops/node_reader.h"
#include "ops/operator.h"

namespace bmx {
namespace {

class Softsign final : public Operator {
 public:
  using Operator::Operator;

  void run(const RunArgs& args) const override {
    for (int64_t i = 0; i < args.batch * output().elements(); ++i) {
      const float x = args.input<float>()[i];
      args.output<float>()[i] = x / (1 + std::fabs(x));
    }
  }
};

}  // namespace

Result<OperatorPtr> create_softsign(NodeReader& node, const Kernels&) {
  const ValueType& in = node.input({DType::kF32});
  BMX_RETURN_IF_ERROR(node.status());
  return OperatorPtr(new Softsign(in));
}

}  // namespace bmx
"""
PROGRAM = """
#include <bmx/bmx.hpp>
#include <cstdio>

int main(int, char** arguments) {
  try {
    bmx::Session session{bmx::Model(arguments[1])};
    const float x[] = {-3, -1, -0.5F, 0, 0.25F, 7};
    session.run({x, {2, 3}});
    const bmx::Output y = session.output();
    for (size_t i = 0; i < y.size(); ++i) std::printf("%.9g\\n", static_cast<double>(y.data<float>()[i]));
  } catch (const bmx::Error& error) {
    std::puts(error.what());
    return 1;
  }
}
"""
X = np.array([-3, -1, -0.5, 0, 0.25, 7], "float32")


def run(program: Path) -> subprocess.CompletedProcess[str]:
    builder = bmx_files.GraphBuilder(3)
    file = program.parent / "net.bmx"
    file.write_bytes(builder.encode(builder.node(NAME, "data", "f32", (3,))))
    return subprocess.run([program, file], capture_output=True, text=True)


def test_an_operator_is_one_function_and_one_line(tmp_path: Path) -> None:
    changed = {
        "program.cc": PROGRAM,
        "softsign.cc": OPERATOR,
        "ops/op_list.inc": f"{source('ops/op_list.inc')}BMX_OPERATOR({NAME})\n",
    }
    # operator.cc holds the table of the list; linked before the library, it takes the place of the library's.
    result = run(build_program(tmp_path, changed, ["program.cc", "softsign.cc", "ops/operator.cc"]))
    assert result.returncode == 0, result.stdout
    np.testing.assert_array_equal(np.array(result.stdout.split(), "float32"), X / (1 + np.abs(X)))


def test_without_its_line_the_error_names_the_operator(tmp_path: Path) -> None:
    result = run(build_program(tmp_path, {"program.cc": PROGRAM}, ["program.cc"]))
    assert result.returncode == 1
    assert (
        f"uses the operator '{NAME}', which this runtime does not have; it has add, affine, " in result.stdout
    )
