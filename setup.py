"""Builds the C++ parts with CMake; everything else about the package is in pyproject.toml."""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent


def find_compiler():
    """The C++ compiler that CMake will use; ends the build with one sentence if there is none."""
    for name in (os.environ.get("CXX"), "c++", "g++", "clang++"):
        if name and shutil.which(name.split()[0]):
            return name
    sys.exit(
        "bmx: no C++17 compiler was found (looked for $CXX, c++, g++, clang++); install one, "
        "for example with 'apt-get install g++' or 'dnf install gcc-c++', and run pip again."
    )


def package_dir(name):
    """Folder of an installed package, found without importing it (mxnet's import needs an old NumPy)."""
    spec = importlib.util.find_spec(name)
    locations = list(spec.submodule_search_locations or []) if spec else []
    return Path(locations[0]) if locations else None


def cmake_arguments(prefix):
    """CMake's configuration arguments for the Python package."""
    arguments = [
        f"-S{ROOT}",
        "-GNinja",
        "-DCMAKE_BUILD_TYPE=Release",
        f"-DCMAKE_INSTALL_PREFIX={prefix}",
        f"-DPython_EXECUTABLE={sys.executable}",
        "-DBMX_BUILD_PYTHON=ON",
        f"-DBMX_WERROR={'ON' if os.environ.get('BMX_WERROR') == '1' else 'OFF'}",
    ]
    json = package_dir("nlohmann_json")
    if json:
        arguments.append(f"-DBMX_JSON_INCLUDE={json / 'include'}")
    mxnet = package_dir("mxnet")
    if mxnet and (mxnet / "src" / "lib_api.cc").exists():
        arguments += ["-DBMX_BUILD_MXNET=ON", f"-DBMX_MXNET_DIR={mxnet}"]
    else:
        print(f"bmx: no MXNet for {platform.machine()}; building the runtime without the training operators.")
    return arguments


class BuildWithCMake(build_ext):
    """CMake puts _core, lib/ and bin/ into the package, or into the sources of an editable install."""

    def run(self):
        find_compiler()
        in_place = self.inplace or self.editable_mode
        prefix = (ROOT if in_place else Path(self.build_lib).resolve()) / "bmx"
        build = ROOT / "build" / f"package-{sys.implementation.cache_tag}-{platform.machine()}"
        build.mkdir(parents=True, exist_ok=True)
        # A build folder outlives pip's throw-away environments, whose paths must not be remembered.
        (build / "CMakeCache.txt").unlink(missing_ok=True)
        subprocess.run(["cmake", f"-B{build}", *cmake_arguments(prefix)], check=True)
        subprocess.run(["cmake", "--build", str(build)], check=True)
        subprocess.run(["cmake", "--install", str(build), "--component", "package"], check=True)


# The license stands here: setuptools for Python 3.8 and later ones want it differently in pyproject.toml.
setup(
    cmdclass={"build_ext": BuildWithCMake},
    ext_modules=[Extension("bmx._core", sources=[])],
    license="Apache-2.0",
)
