// The kernels on NumPy arrays, for tests and for looking inside. Packed values are the bytes of a .bmx file:
// one row of bits per last axis, least significant bit first.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <array>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "base/bits.h"
#include "base/checked.h"
#include "convolution/convolution.h"
#include "python/module.h"

namespace py = pybind11;
using namespace py::literals;

namespace bmx::python {

namespace {

template <class T>
using Array = py::array_t<T, py::array::c_style>;
using Pair = std::array<int64_t, 2>;  // height, width

const Pair kOnes{1, 1}, kZeros{0, 0};

void raise_if_error(const Status& status) {
  if (!status.ok()) throw py::value_error(status.message());
}

const Kernels& kernels_named(const std::string& isa) {
  auto found = find_kernels(isa);
  raise_if_error(found.status());
  return **found;
}

std::string text(const py::handle& value) { return py::str(value); }

// A contiguous array of exactly T; a rank of 0 accepts any rank but 0.
template <class T>
Array<T> array_of(const py::array& values, const char* name, py::ssize_t rank = 0) {
  const py::dtype dtype = py::dtype::of<T>();
  if (!py::isinstance<py::array_t<T>>(values)) {
    throw py::value_error(std::string(name) + " must have dtype " + text(dtype) + ", found " +
                          text(values.dtype()));
  }
  if (rank == 0 ? values.ndim() == 0 : values.ndim() != rank) {
    throw py::value_error(std::string(name) + " must have " +
                          (rank == 0 ? "at least 1 axis" : std::to_string(rank) + " axes") +
                          ", found shape " + text(values.attr("shape")));
  }
  return Array<T>(values);
}

void expect_axis(const py::array& values, const char* name, py::ssize_t axis, int64_t expected) {
  if (values.shape(axis) == expected) return;
  throw py::value_error(std::string(name) + " must have " + std::to_string(expected) + " entries on axis " +
                        std::to_string(axis) + ", found shape " + text(values.attr("shape")));
}

template <class T>
AlignedArray<T> allocate(int64_t size) {
  AlignedArray<T> array(static_cast<size_t>(size));
  if (size > 0 && array.data() == nullptr) throw std::bad_alloc();
  return array;
}

AlignedArray<uint64_t> words_of(const Array<uint8_t>& bytes, int64_t channels) {
  const int64_t rows = bytes.size() / bytes_for(channels);
  auto words = allocate<uint64_t>(rows * words_for(channels));
  for (int64_t r = 0; r < rows; ++r) {
    words_from_bytes(bytes.data() + r * bytes_for(channels), channels,
                     words.data() + r * words_for(channels));
  }
  return words;
}

std::vector<py::ssize_t> with_last_axis(const py::array& values, int64_t size) {
  std::vector<py::ssize_t> shape(values.shape(), values.shape() + values.ndim());
  shape.back() = size;
  return shape;
}

std::vector<std::string> names(bool supported_only) {
  std::vector<std::string> list;
  for (const Kernels* kernels : all_kernels()) {
    if (!supported_only || kernels->supported()) list.emplace_back(kernels->name);
  }
  return list;
}

Array<uint8_t> pack(const py::array& values, const std::string& isa) {
  const Kernels& kernels = kernels_named(isa);
  const auto x = array_of<float>(values, "x");
  const int64_t channels = x.shape(x.ndim() - 1);
  if (channels == 0)
    throw py::value_error("x must have at least 1 channel, found shape " + text(x.attr("shape")));
  const int64_t rows = x.size() / channels;
  Array<uint8_t> out(with_last_axis(x, bytes_for(channels)));
  uint8_t* bytes = out.mutable_data();
  const py::gil_scoped_release release;
  auto words = allocate<uint64_t>(rows * words_for(channels));
  kernels.pack_f32(x.data(), rows, channels, nullptr, nullptr, words.data());
  for (int64_t r = 0; r < rows; ++r) {
    bytes_from_words(words.data() + r * words_for(channels), channels, bytes + r * bytes_for(channels));
  }
  return out;
}

Array<float> unpack(const py::array& values, int64_t channels) {
  const auto bits = array_of<uint8_t>(values, "bits");
  if (channels < 1) throw py::value_error("channels must be at least 1, found " + std::to_string(channels));
  expect_axis(bits, "bits", bits.ndim() - 1, bytes_for(channels));
  Array<float> out(with_last_axis(bits, channels));
  float* y = out.mutable_data();
  const auto words = words_of(bits, channels);
  const int64_t rows = out.size() / channels;
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < channels; ++c) {
      *y++ = get_bit(words.data() + r * words_for(channels), c) ? 1.0F : -1.0F;
    }
  }
  return out;
}

Array<int32_t> binary_gemm(const py::array& a_values, const py::array& b_values, int64_t k,
                           const std::string& isa) {
  const Kernels& kernels = kernels_named(isa);
  const auto a = array_of<uint8_t>(a_values, "a", 2), b = array_of<uint8_t>(b_values, "b", 2);
  if (k < 1 || k > INT32_MAX)
    throw py::value_error("k must be between 1 and 2147483647, found " + std::to_string(k));
  expect_axis(a, "a", 1, bytes_for(k));
  expect_axis(b, "b", 1, bytes_for(k));
  const int64_t rows = a.shape(0), outputs = b.shape(0);
  Array<int32_t> out({rows, outputs});
  int32_t* dots = out.mutable_data();
  const py::gil_scoped_release release;
  const auto a_words = words_of(a, k), b_words = words_of(b, k);
  if (rows == 0 || outputs == 0) return out;
  ConvShape shape;
  shape.in_channels = k;
  shape.out_channels = outputs;
  auto product = BinaryConvolution::create(shape, 0, b_words.data(), kernels);
  if (!product.ok()) throw std::bad_alloc();
  auto workspace = allocate<uint8_t>(product->workspace_bytes());
  ConvOutputs results;
  results.integers = dots;
  product->run(a_words.data(), rows, Epilogue(), results, workspace.data());
  return out;
}

ConvShape shape_of(const py::array& x, const py::array& w, int64_t channels, const Pair& strides,
                   const Pair& padding, const Pair& dilation, int64_t groups) {
  ConvShape shape;
  shape.in_height = x.shape(1);
  shape.in_width = x.shape(2);
  shape.in_channels = channels;
  shape.out_channels = w.shape(0);
  shape.kernel_height = w.shape(1);
  shape.kernel_width = w.shape(2);
  shape.stride_height = strides[0];
  shape.stride_width = strides[1];
  shape.pad_height = padding[0];
  shape.pad_width = padding[1];
  shape.dilation_height = dilation[0];
  shape.dilation_width = dilation[1];
  shape.groups = groups;
  raise_if_error(shape.validate());
  return shape;
}

template <class T>
Array<T> convolution_output(const ConvShape& shape, int64_t batch) {
  if (!checked_product({batch, shape.out_height(), shape.out_width(), shape.out_channels, sizeof(T)})) {
    throw py::value_error("the output of " + std::to_string(batch) + " images must be addressable");
  }
  return Array<T>({batch, shape.out_height(), shape.out_width(), shape.out_channels});
}

Array<int32_t> binary_conv2d(const py::array& x_values, const py::array& w_values, int64_t channels,
                             const Pair& strides, const Pair& padding, const Pair& dilation, int64_t groups,
                             int pad_value, const std::string& isa) {
  const Kernels& kernels = kernels_named(isa);
  const auto x = array_of<uint8_t>(x_values, "x", 4), w = array_of<uint8_t>(w_values, "w", 4);
  const ConvShape shape = shape_of(x, w, channels, strides, padding, dilation, groups);
  expect_axis(x, "x", 3, bytes_for(channels));
  expect_axis(w, "w", 3, bytes_for(shape.group_inputs()));
  const int64_t batch = x.shape(0);
  auto out = convolution_output<int32_t>(shape, batch);
  int32_t* dots = out.mutable_data();
  const auto w_words = words_of(w, shape.group_inputs()), x_words = words_of(x, channels);
  auto convolution = BinaryConvolution::create(shape, pad_value, w_words.data(), kernels);
  raise_if_error(convolution.status());
  const py::gil_scoped_release release;
  auto workspace = allocate<uint8_t>(convolution->workspace_bytes());
  ConvOutputs outputs;
  outputs.integers = dots;
  convolution->run(x_words.data(), batch, Epilogue(), outputs, workspace.data());
  return out;
}

Array<float> float_conv2d(const py::array& x_values, const py::array& w_values,
                          const std::optional<py::array>& bias_values, const Pair& strides,
                          const Pair& padding, const Pair& dilation, int64_t groups, const std::string& isa) {
  const Kernels& kernels = kernels_named(isa);
  const auto x = array_of<float>(x_values, "x", 4), w = array_of<float>(w_values, "w", 4);
  const ConvShape shape = shape_of(x, w, x.shape(3), strides, padding, dilation, groups);
  expect_axis(w, "w", 3, shape.group_inputs());
  Array<float> bias;
  if (bias_values) {
    bias = array_of<float>(*bias_values, "bias", 1);
    expect_axis(bias, "bias", 0, shape.out_channels);
  }
  const int64_t batch = x.shape(0);
  auto out = convolution_output<float>(shape, batch);
  float* sums = out.mutable_data();
  auto convolution = FloatConvolution::create(shape, w.data(), bias_values ? bias.data() : nullptr, kernels);
  raise_if_error(convolution.status());
  const py::gil_scoped_release release;
  auto workspace = allocate<uint8_t>(convolution->workspace_bytes());
  ConvOutputs outputs;
  outputs.floats = sums;
  convolution->run(x.data(), batch, Epilogue(), outputs, workspace.data());
  return out;
}

void define_isas(py::module_& m) {
  m.def(
      "isas", [] { return names(true); },
      "Names of the instruction sets that this CPU supports, best first.");
  m.def(
      "built_isas", [] { return names(false); }, "Names of the instruction sets in this build, best first.");
}

void define_packing(py::module_& m) {
  m.def("pack", &pack, "x"_a, "isa"_a = "auto",
        R"(Signs of float values as bits.

Args:
    x: float32 [..., C].
    isa: name of an instruction set, or "auto".

Returns:
    uint8 [..., ceil(C / 8)]: bit 1 where not x < 0 (0, -0.0 and NaN give 1), least significant bit first.

Raises:
    ValueError: wrong dtype, no channel, or an instruction set that is unknown or not supported by this CPU.)");

  m.def("unpack", &unpack, "bits"_a, "channels"_a,
        R"(Bits as float values.

Args:
    bits: uint8 [..., ceil(channels / 8)].
    channels: values per row.

Returns:
    float32 [..., channels]: +1 where the bit is 1, otherwise -1.

Raises:
    ValueError: wrong dtype or a last axis that does not hold `channels` bits.)");
}

void define_products(py::module_& m) {
  m.def("binary_gemm", &binary_gemm, "a"_a, "b"_a, "k"_a, "isa"_a = "auto",
        R"(Dot products of rows of +-1 values.

Args:
    a: uint8 [M, ceil(k / 8)], packed.
    b: uint8 [N, ceil(k / 8)], packed.
    k: values per row. Bits past it are ignored.
    isa: name of an instruction set, or "auto".

Returns:
    int32 [M, N]: a[m] . b[n] = k - 2 * popcount(a[m] xor b[n]).

Raises:
    ValueError: wrong dtype or shape, or an instruction set that is unknown or not supported by this CPU.)");
}

void define_binary_conv2d(py::module_& m) {
  m.def("binary_conv2d", &binary_conv2d, "x"_a, "w"_a, "channels"_a, "strides"_a = kOnes,
        "padding"_a = kZeros, "dilation"_a = kOnes, "groups"_a = 1, "pad_value"_a = 0, "isa"_a = "auto",
        R"(Cross-correlation of +-1 values.

Args:
    x: uint8 [N, H, W, ceil(channels / 8)], packed.
    w: uint8 [O, KH, KW, ceil(channels / groups / 8)], packed.
    channels: input channels.
    strides: height, width.
    padding: height, width.
    dilation: height, width.
    groups: divides the input and output channels.
    pad_value: what taps outside the image count as: 0, 1 or -1.
    isa: name of an instruction set, or "auto".

Returns:
    int32 [N, H', W', O].

Raises:
    ValueError: wrong dtype or shape, or an instruction set that is unknown or not supported by this CPU.)");
}

void define_float_conv2d(py::module_& m) {
  m.def("float_conv2d", &float_conv2d, "x"_a, "w"_a, "bias"_a = py::none(), "strides"_a = kOnes,
        "padding"_a = kZeros, "dilation"_a = kOnes, "groups"_a = 1, "isa"_a = "auto",
        R"(Cross-correlation of float values with zero padding; every instruction set returns the same bits.

Args:
    x: float32 [N, H, W, I].
    w: float32 [O, KH, KW, I / groups].
    bias: float32 [O], or None.
    strides: height, width.
    padding: height, width.
    dilation: height, width.
    groups: divides the input and output channels.
    isa: name of an instruction set, or "auto".

Returns:
    float32 [N, H', W', O].

Raises:
    ValueError: wrong dtype or shape, or an instruction set that is unknown or not supported by this CPU.)");
}

}  // namespace

void define_kernels(py::module_& m) {
  define_isas(m);
  define_packing(m);
  define_products(m);
  define_binary_conv2d(m);
  define_float_conv2d(m);
}

}  // namespace bmx::python
