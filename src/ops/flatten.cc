// flatten: row-major order of the logical shape. Free, except for bits whose rows end inside a word, and for
// several rows of several planes.
#include <cstring>

#include "base/bits.h"
#include "ops/registry.h"

namespace bmx {
namespace {

class Flatten final : public Operator {
 public:
  Flatten(ValueType output, int64_t channels, bool view)
      : Operator(std::move(output)),
        planes_(planes_of(Operator::output().dtype)),
        channels_(channels),
        view_(view) {}

  bool is_view() const override { return view_; }

  void run(const RunArgs& args) const override {
    const int64_t elements = output().elements(), plane_words = words_for(elements);
    const auto* row = args.input<uint64_t>();
    auto* words = args.output<uint64_t>();
    for (int64_t n = 0; n < args.batch; ++n, words += planes_ * plane_words) {
      std::memset(words, 0, static_cast<size_t>(planes_ * plane_words) * sizeof(uint64_t));
      for (int64_t at = 0; at < elements; at += channels_) {
        for (int plane = 0; plane < planes_; ++plane, row += words_for(channels_))
          append_row(row, at, words + plane * plane_words);
      }
    }
  }

 private:
  // ORs the row's bits to bit `at` on. Rows have zero tails, so nothing is written past them.
  void append_row(const uint64_t* row, int64_t at, uint64_t* words) const {
    const int64_t shift = at % kWordBits;
    uint64_t* target = words + at / kWordBits;
    for (int64_t w = 0; w < words_for(channels_); ++w) {
      target[w] |= row[w] << shift;
      const uint64_t carried = shift == 0 ? 0 : row[w] >> (kWordBits - shift);
      if (carried != 0) target[w + 1] |= carried;
    }
  }

  int planes_;
  int64_t channels_;
  bool view_;
};

}  // namespace

Result<OperatorPtr> create_flatten(NodeReader& node, const Kernels&) {
  const ValueType& in = node.input({DType::kF32, DType::kI32, DType::kBits, DType::kU1, DType::kU2,
                                    DType::kU3, DType::kU4, DType::kU5, DType::kU6, DType::kU7, DType::kU8});
  BMX_RETURN_IF_ERROR(node.finish());
  const int64_t channels = in.shape.back(), elements = in.elements();
  const int planes = planes_of(in.dtype);
  const bool view = planes == 0 || channels == elements || (planes == 1 && channels % kWordBits == 0);
  return OperatorPtr(new Flatten({in.dtype, {elements}}, channels, view));
}

}  // namespace bmx
