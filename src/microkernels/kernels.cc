#include "microkernels/kernels.h"

#include "microkernels/units.h"

namespace bmx {

namespace {

std::string names(bool supported_only) {
  std::string list;
  for (const Kernels* kernels : all_kernels()) {
    if (supported_only && !kernels->supported()) continue;
    if (!list.empty()) list += ", ";
    list += kernels->name;
  }
  return list;
}

}  // namespace

const std::vector<const Kernels*>& all_kernels() {
  static const std::vector<const Kernels*> list = {
#if defined(__x86_64__)
      &avx512_kernels,
      &avx512bw_kernels,
      &avx2_kernels,
#elif defined(__aarch64__)
      &neon_kernels,
#elif defined(__arm__) && defined(__ARM_ARCH) && __ARM_ARCH >= 7
      &neon32_kernels,
#endif
      &scalar_kernels,
  };
  return list;
}

Result<const Kernels*> find_kernels(std::string_view name) {
  const bool any = name.empty() || name == "auto";
  for (const Kernels* kernels : all_kernels()) {
    if (any ? kernels->supported() : name == kernels->name) {
      if (kernels->supported()) return kernels;
      return unsupported("ISA '" + std::string(name) + "' is not supported by this CPU; it supports " +
                         names(true));
    }
  }
  return invalid_argument("unknown ISA '" + std::string(name) + "'; this build has " + names(false));
}

}  // namespace bmx
