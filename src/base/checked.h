// Arithmetic on sizes that come from files or callers: overflow is a value, not undefined behavior.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>

namespace bmx {

// Product of non-negative factors; nothing if a factor is negative or the product exceeds int64_t.
inline std::optional<int64_t> checked_product(std::initializer_list<int64_t> factors) {
  int64_t product = 1;
  for (int64_t factor : factors) {
    if (factor < 0 || __builtin_mul_overflow(product, factor, &product)) return std::nullopt;
  }
  return product;
}

inline std::optional<int64_t> checked_sum(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

}  // namespace bmx
