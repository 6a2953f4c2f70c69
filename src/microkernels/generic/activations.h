// The activations, once for all ISAs: every expression of activations.inc as a function of vectors, and its
// loop over rows. Included inside the namespace of an ISA unit, after exponential.h.

#define BMX_PARAMETERS_kNone Floats::Vector x
#define BMX_PARAMETERS_kSlope Floats::Vector x, Floats::Vector slope
#define BMX_PARAMETERS_kLimits Floats::Vector x, Floats::Vector low, Floats::Vector high
#define BMX_ACTIVATION(name, Name, arguments, place, ...)                                   \
  struct Name {                                                                             \
    static constexpr ActivationArguments kArguments = ActivationArguments::arguments;       \
    static constexpr bool kInColumns = ActivationPlace::place == ActivationPlace::kColumns; \
    static Floats::Vector apply(BMX_PARAMETERS_##arguments) { return __VA_ARGS__; }         \
  };
#include "pointwise/activations.inc"
#undef BMX_PARAMETERS_kNone
#undef BMX_PARAMETERS_kSlope
#undef BMX_PARAMETERS_kLimits

// y = Function(x) for rows x channels values; y may be x.
template <class Function>
void activate_rows(const ActivationStep& step, const float* x, int64_t rows, int64_t channels, float* y) {
  if constexpr (Function::kArguments == ActivationArguments::kSlope) {
    map_channels<Function>(x, rows, channels, step.slope, y);
  } else if constexpr (Function::kArguments == ActivationArguments::kLimits) {
    const Floats::Vector low = Floats::broadcast(step.low), high = Floats::broadcast(step.high);
    map(x, rows * channels, y, [&](Floats::Vector value) { return Function::apply(value, low, high); });
  } else {
    map(x, rows * channels, y, [&](Floats::Vector value) { return Function::apply(value); });
  }
}

// Indexed by Activation.
constexpr ActivationKernel kActivations[] = {
    nullptr,
#define BMX_ACTIVATION(name, Name, ...) activate_rows<Name>,
#include "pointwise/activations.inc"
};

// x = Function(x) for the vectors of one pixel; slope holds the slopes of their channels.
template <class Function, int kVectors>
inline void apply_to(const ActivationStep& step, const Floats::Vector (&slope)[kVectors],
                     Floats::Vector (&x)[kVectors]) {
  if constexpr (Function::kArguments == ActivationArguments::kSlope) {
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) x[v] = Function::apply(x[v], slope[v]);
  } else if constexpr (Function::kArguments == ActivationArguments::kLimits) {
    const Floats::Vector low = Floats::broadcast(step.low), high = Floats::broadcast(step.high);
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) x[v] = Function::apply(x[v], low, high);
  } else {
    BMX_UNROLL
    for (int v = 0; v < kVectors; ++v) x[v] = Function::apply(x[v]);
  }
}

// The same for an activation computed in columns; others change nothing.
template <int kVectors>
inline void activate(const ActivationStep& step, const Floats::Vector (&slope)[kVectors],
                     Floats::Vector (&x)[kVectors]) {
#define BMX_ACTIVATION(name, Name, ...)                                              \
  if constexpr (Name::kInColumns) {                                                  \
    if (step.function == Activation::k##Name) return apply_to<Name>(step, slope, x); \
  }
#include "pointwise/activations.inc"
}

// Whether activate() is all there is to do.
constexpr bool is_in_columns(Activation function) {
#define BMX_ACTIVATION(name, Name, ...) \
  if (function == Activation::k##Name) return Name::kInColumns;
#include "pointwise/activations.inc"
  return true;
}
