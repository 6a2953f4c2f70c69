#!/usr/bin/env bash
# Debian packages for the C++ tests here and on ARM: root gets them installed, everybody else their names.
# Prints what is still missing on standard output.
set -euo pipefail

missing() {
  command -v aarch64-linux-gnu-g++ >/dev/null || echo g++-aarch64-linux-gnu
  command -v arm-linux-gnueabihf-g++ >/dev/null || echo g++-arm-linux-gnueabihf
  command -v qemu-aarch64 >/dev/null || echo qemu-user
  [ -e /usr/src/googletest/CMakeLists.txt ] || echo libgtest-dev
}

wanted=$(missing)
if [ -n "$wanted" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "bmx: installing" $wanted "with apt-get" >&2
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $wanted; } >&2 || true
fi
missing
