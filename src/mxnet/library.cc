// Entry point: MXNet calls it when it loads the library.
#include <mxnet/lib_api.h>

#include "mxnet/operator.h"

mxnet::ext::MXReturnValue initialize(int version) {
  constexpr int kOldest = 10901;  // 1.9.1, whose operator interface lib_api.h describes
  if (version >= kOldest) return mxnet::ext::MX_SUCCESS;
  return bmx::report(bmx::unsupported("bmx: expected MXNet 1.9.1 (number 10901), found number " +
                                      std::to_string(version) + "; install mxnet==1.9.1"));
}
