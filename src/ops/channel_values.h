// Numbers of an operator for each channel: those of the file, or a copy where the file holds them in fewer
// bytes: narrower, or one that stands for all channels.
#pragma once

#include <algorithm>
#include <type_traits>

#include "base/aligned.h"
#include "ops/node_reader.h"

namespace bmx {

// T: float, which a file holds as F32, or int32_t: as I8, I16 or I32.
template <class T>
class ChannelValues {
 public:
  ChannelValues() = default;
  // The last axis of `shape` is that of the channels.
  ChannelValues(NodeReader& node, const char* role, const Shape& shape) {
    const Tensor& found =
        std::is_same<T, float>::value
            ? node.channel_tensor(role, {TensorType::kF32}, shape)
            : node.channel_tensor(role, {TensorType::kI8, TensorType::kI16, TensorType::kI32}, shape);
    if (!node.ok()) return;
    if (found.type == TensorType::kI8) {
      read(node, role, found, found.i8(), shape);
    } else if (found.type == TensorType::kI16) {
      read(node, role, found, found.i16(), shape);
    } else {
      read(node, role, found, reinterpret_cast<const T*>(found.data), shape);
    }
  }

  const T* data() const { return copy_.size() != 0 ? copy_.data() : in_file_; }

 private:
  template <class Stored>
  void read(NodeReader& node, const char* role, const Tensor& found, const Stored* values,
            const Shape& shape) {
    const bool one_for_all = found.shape.back() != shape.back();
    if (std::is_same<T, Stored>::value && !one_for_all) {
      in_file_ = reinterpret_cast<const T*>(values);
      return;
    }
    const int64_t channels = shape.back(),
                  rows = found.bytes / (found.shape.back() * int64_t{sizeof(Stored)});
    if (one_for_all && !node.may_repeat(role, rows * channels)) return;
    copy_ = AlignedArray<T>(static_cast<size_t>(rows * channels));
    if (copy_.size() == 0) return node.fail_memory(role);
    if (!one_for_all) {
      std::copy(values, values + rows * channels, copy_.data());
      return;
    }
    for (int64_t row = 0; row < rows; ++row) {
      std::fill_n(copy_.data() + row * channels, channels, static_cast<T>(values[row]));
    }
  }

  const T* in_file_ = nullptr;
  AlignedArray<T> copy_;
};

}  // namespace bmx
