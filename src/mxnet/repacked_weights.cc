#include "mxnet/repacked_weights.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <list>
#include <mutex>
#include <type_traits>
#include <vector>

#include "base/bits.h"
#include "mxnet/layout.h"

namespace bmx {

namespace {

// Freed nets leave their entries behind; the least recently used ones go when all together exceed this.
constexpr int64_t kLimitBytes = int64_t{64} << 20;

struct Entry {
  const uint8_t* address;
  ConvShape shape;
  int pad_value;
  std::vector<uint8_t> weights;
  std::shared_ptr<const BinaryConvolution> convolution;

  int64_t bytes() const { return static_cast<int64_t>(weights.size()) + convolution->packed_bytes(); }
};

using EntryPointer = std::shared_ptr<const Entry>;

bool equal(const ConvShape& a, const ConvShape& b) {
  static_assert(std::has_unique_object_representations_v<ConvShape>);
  return std::memcmp(&a, &b, sizeof(a)) == 0;
}

class Cache {
 public:
  EntryPointer find(const uint8_t* address, const ConvShape& shape, int pad_value) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto it = position(address, shape, pad_value);
    if (it == entries_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, it);
    return entries_.front();
  }

  void add(const EntryPointer& entry) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto it = position(entry->address, entry->shape, entry->pad_value);
    if (it != entries_.end()) remove(it);
    entries_.push_front(entry);
    bytes_ += entry->bytes();
    while (bytes_ > kLimitBytes) remove(std::prev(entries_.end()));
  }

 private:
  using Position = std::list<EntryPointer>::iterator;

  Position position(const uint8_t* address, const ConvShape& shape, int pad_value) {
    return std::find_if(entries_.begin(), entries_.end(), [&](const EntryPointer& entry) {
      return entry->address == address && entry->pad_value == pad_value && equal(entry->shape, shape);
    });
  }

  void remove(Position it) {
    bytes_ -= (*it)->bytes();
    entries_.erase(it);
  }

  std::mutex mutex_;
  std::list<EntryPointer> entries_;  // most recently used first
  int64_t bytes_ = 0;
};

Result<std::shared_ptr<const BinaryConvolution>> repack(const BinaryLayer& layer, const uint8_t* weights,
                                                        const Kernels& kernels) {
  const ImageShape filters = layer.weight_images();
  const int64_t rows = filters.images * filters.positions();
  const int64_t row_words = words_for(filters.channels), row_bytes = bytes_for(filters.channels);
  auto words = allocate<uint64_t>(rows * row_words);
  for (int64_t row = 0; row < rows; ++row) {
    words_from_bytes(weights + row * row_bytes, filters.channels, words.data() + row * row_words);
  }
  auto convolution = BinaryConvolution::create(layer.shape, layer.pad_value, words.data(), kernels);
  if (!convolution.ok()) return convolution.status();
  return std::make_shared<const BinaryConvolution>(std::move(*convolution));
}

}  // namespace

Result<std::shared_ptr<const BinaryConvolution>> repacked(const BinaryLayer& layer, const uint8_t* weights,
                                                          const Kernels& kernels) {
  static Cache& cache = *new Cache;  // MXNet's threads may still run while the process exits
  const ImageShape filters = layer.weight_images();
  const int64_t size = filters.images * filters.positions() * bytes_for(filters.channels);
  const EntryPointer found = cache.find(weights, layer.shape, layer.pad_value);
  // An address can hold other weights by now; comparing costs an eighth of a byte a weight.
  if (found && std::memcmp(found->weights.data(), weights, static_cast<size_t>(size)) == 0) {
    return found->convolution;
  }
  auto convolution = repack(layer, weights, kernels);
  if (!convolution.ok()) return convolution.status();
  cache.add(std::make_shared<const Entry>(
      Entry{weights, layer.shape, layer.pad_value, {weights, weights + size}, *convolution}));
  return *convolution;
}

}  // namespace bmx
