// The Kernels of an ISA unit. Included last inside its namespace.

constexpr Kernels make_kernels(const char* name, bool (*supported)()) {
  Kernels kernels{};
  kernels.name = name;
  kernels.supported = supported;
  kernels.pack_f32 = pack<float>;
  kernels.pack_i32 = pack<int32_t>;
  kernels.binary_panel = kWordPanel;
  kernels.binary_rows = Words::kRows;
  kernels.binary_gemm = binary_gemm;
  kernels.f32_panel = kFloatPanel;
  kernels.f32_rows = Floats::kRows;
  kernels.f32_gemm = f32_gemm;
  kernels.affine_i32 = affine<int32_t>;
  kernels.affine_f32 = affine<float>;
  kernels.cast_i32 = cast_i32;
  kernels.relu = relu;
  kernels.tanh = tanh;
  kernels.exp = exp;
  kernels.max_f32 = max_f32;
  return kernels;
}
