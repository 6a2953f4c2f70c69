// The offsets of a BinaryConvolution: what bit values and padding add to its counts.
#include <map>
#include <utility>

#include "base/bits.h"
#include "convolution/binary_convolution.h"

namespace bmx {
namespace {

int64_t popcount(const uint64_t* words, int64_t count) {
  int64_t ones = 0;
  for (int64_t w = 0; w < count; ++w) ones += __builtin_popcountll(words[w]);
  return ones;
}

// The different ranges of taps that lie inside the image, and which one each output position has.
std::vector<TapRange> kinds_of(const SlabAxis& axis, int64_t taps, int64_t dilation, bool one_kind,
                               std::vector<int64_t>* kind) {
  std::vector<TapRange> kinds;
  std::map<std::pair<int64_t, int64_t>, int64_t> known;
  for (int64_t o = 0; o < axis.out; ++o) {
    const TapRange inside =
        one_kind ? TapRange{0, taps}
                 : taps_inside(o * axis.stride * axis.step - axis.pad, dilation, taps, axis.in);
    const auto found = known.try_emplace({inside.begin, inside.end}, static_cast<int64_t>(kinds.size()));
    if (found.second) kinds.push_back(inside);
    kind->push_back(found.first->second);
  }
  return kinds;
}

bool contains(const TapRange& range, int64_t tap) { return range.begin <= tap && tap < range.end; }

}  // namespace

// What a pair of planes contributes to a window inside the image besides its counts, of whose n weights so
// many are ones: the table in the header.
int64_t BinaryConvolution::offset_of(int64_t n, int64_t ones) const {
  const bool input_signs = inputs_.values == BitValues::kSigns;
  if (weight_planes_.values == BitValues::kSigns) return input_signs ? n : ones;
  return input_signs ? -ones : 0;
}

BinaryConvolution::OutputSums BinaryConvolution::sums_of(const uint64_t* weights, int64_t output) const {
  const int64_t words = tap_words(), n = shape_.group_inputs(), taps = shape_.taps();
  const bool signs = weight_planes_.values == BitValues::kSigns;
  OutputSums sums{0, std::vector<int64_t>(static_cast<size_t>(taps))};
  for (int64_t j = 0; j < weight_planes_.count; ++j) {
    const uint64_t* plane = weights + (j * shape_.out_channels + output) * taps * words;
    const int64_t scale = weight_planes_.scale(j);
    for (int64_t tap = 0; tap < taps; ++tap) {
      const int64_t ones = popcount(plane + tap * words, words);
      sums.taps[static_cast<size_t>(tap)] += (signs ? 2 * ones - n : ones) * scale;
      sums.offset += offset_of(n, ones) * scale * inputs_.largest();
    }
  }
  return sums;
}

// The sum of the weights of all taps that lie outside.
int64_t BinaryConvolution::outside(const OutputSums& sums, const TapRange& rows,
                                   const TapRange& columns) const {
  int64_t sum = 0;
  for (int64_t tap = 0; tap < shape_.taps(); ++tap) {
    const bool inside =
        contains(rows, tap / shape_.kernel_width) && contains(columns, tap % shape_.kernel_width);
    if (!inside) sum += sums.taps[static_cast<size_t>(tap)];
  }
  return sum;
}

// Fills offset_row_by_row_ and offset_row_by_column_ with kinds of borders. Only exact padding has more than
// one.
BinaryConvolution::Borders BinaryConvolution::find_borders(int pad_value) {
  const ConvShape& s = shape_;
  const bool exact = pad_value == 0 && inputs_.values == BitValues::kSigns;
  const int64_t rows = pointwise_ ? 1 : s.out_height(), columns = pointwise_ ? 1 : s.out_width();
  return {kinds_of({s.in_height, s.kernel_height, s.stride_height, s.pad_height, s.dilation_height, rows},
                   s.kernel_height, s.dilation_height, !exact || s.pad_height == 0, &offset_row_by_row_),
          kinds_of({s.in_width, s.kernel_width, s.stride_width, s.pad_width, s.dilation_width, columns},
                   s.kernel_width, s.dilation_width, !exact || s.pad_width == 0, &offset_row_by_column_)};
}

bool BinaryConvolution::make_offsets(const uint64_t* weights, int pad_value) {
  const Borders borders = find_borders(pad_value);
  const int64_t lanes = panels() * panel_lanes(), row = groups() * lanes;
  for (int64_t& kind : offset_row_by_column_) kind *= row;
  for (int64_t& kind : offset_row_by_row_) kind *= row * static_cast<int64_t>(borders.columns.size());
  offsets_ = AlignedArray<int32_t>(borders.rows.size() * borders.columns.size() * static_cast<size_t>(row));
  if (offsets_.data() == nullptr) return false;
  for (int64_t o = 0; o < shape_.out_channels; ++o) {
    const OutputSums sums = sums_of(weights, o);
    int32_t* to = offsets_.data() + o / group_outputs() * lanes + o % group_outputs();
    for (const TapRange& rows : borders.rows) {
      for (const TapRange& columns : borders.columns) {
        // Taps outside were counted as the lowest value, -inputs_.largest().
        *to = static_cast<int32_t>(sums.offset + inputs_.largest() * outside(sums, rows, columns));
        to += row;
      }
    }
  }
  return true;
}

}  // namespace bmx
