#include "microkernels/kernels.h"

#include "microkernels/units.h"

namespace bmx {

#define BMX_ISA(name, ...) \
  bool name##_supported() { return __VA_ARGS__; }
#include "microkernels/isa_list.inc"

const std::vector<const Kernels*>& all_kernels() {
  static const std::vector<const Kernels*> list = {
#define BMX_ISA(name, ...) &name##_kernels,
#include "microkernels/isa_list.inc"
  };
  return list;
}

std::string isa_names(bool supported_only) {
  std::string list;
  for (const Kernels* kernels : all_kernels()) {
    if (supported_only && !kernels->supported()) continue;
    if (!list.empty()) list += ", ";
    list += kernels->name;
  }
  return list;
}

Result<const Kernels*> find_kernels(std::string_view name) {
  const bool any = name.empty() || name == "auto";
  for (const Kernels* kernels : all_kernels()) {
    if (any ? kernels->supported() : name == kernels->name) {
      if (kernels->supported()) return kernels;
      return unsupported("ISA '" + std::string(name) + "' is not supported by this CPU; it supports " +
                         isa_names(true));
    }
  }
  return invalid_argument("unknown ISA '" + std::string(name) + "'; this build has " + isa_names());
}

}  // namespace bmx
