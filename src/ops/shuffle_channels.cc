// shuffle_channels: the first channel of each group, then the second of each, and so on.
#include "ops/parallel_rows.h"
#include "ops/registry.h"

namespace bmx {
namespace {

class ShuffleChannels final : public Operator {
 public:
  ShuffleChannels(ValueType output, int64_t groups) : Operator(std::move(output)), groups_(groups) {}

  void run(const RunArgs& args) const override {
    const int64_t channels = output().shape.back(), group = channels / groups_;
    const int64_t rows = args.batch * (output().elements() / channels);
    parallel_rows(args.pool, rows, channels, [&](int64_t begin, int64_t end) {
      const float* x = args.input<float>() + begin * channels;
      float* y = args.output<float>() + begin * channels;
      for (int64_t r = begin; r < end; ++r, x += channels) {
        for (int64_t c = 0; c < group; ++c) {
          for (int64_t g = 0; g < groups_; ++g) *y++ = x[g * group + c];
        }
      }
    });
  }

 private:
  int64_t groups_;
};

}  // namespace

Result<OperatorPtr> create_shuffle_channels(NodeReader& node, const Kernels&) {
  const ValueType& in = node.input({DType::kF32});
  const int64_t groups = node.integer("groups"), channels = in.shape.back();
  if (groups < 1 || channels % groups != 0) {
    node.fail("cannot split " + std::to_string(channels) + " channels into " + std::to_string(groups) +
              " groups");
  }
  BMX_RETURN_IF_ERROR(node.finish());
  return OperatorPtr(new ShuffleChannels(in, groups));
}

}  // namespace bmx
