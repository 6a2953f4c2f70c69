// Steps of the epilogue and pooling, once for all ISAs. Included inside the namespace of an ISA unit, after
// `Floats`.

// The last lanes of a row go through a buffer, so no byte outside the arrays is touched.
template <class T>
inline Floats::Vector load_some(const T* x, int64_t count) {
  T buffer[Floats::kLanes] = {};
  std::memcpy(buffer, x, static_cast<size_t>(count) * sizeof(T));
  return Floats::load(buffer);
}

inline Floats::Integers load_some_integers(const int32_t* x, int64_t count) {
  int32_t buffer[Floats::kLanes] = {};
  std::memcpy(buffer, x, static_cast<size_t>(count) * sizeof(int32_t));
  return Floats::load_integers(buffer);
}

inline void store_some(float* y, int64_t count, Floats::Vector value) {
  float buffer[Floats::kLanes];
  Floats::store(buffer, value);
  std::memcpy(y, buffer, static_cast<size_t>(count) * sizeof(float));
}

template <class Function, class T>
inline void map(const T* x, int64_t count, float* y) {
  int64_t i = 0;
  for (; i + Floats::kLanes <= count; i += Floats::kLanes) {
    Floats::store(y + i, Function::apply(Floats::load(x + i)));
  }
  if (i < count) store_some(y + i, count - i, Function::apply(load_some(x + i, count - i)));
}

struct Identity {
  static Floats::Vector apply(Floats::Vector x) { return x; }
};
struct Relu {
  static Floats::Vector apply(Floats::Vector x) { return Floats::relu(x); }
};

void cast_i32(const int32_t* x, int64_t count, float* y) { map<Identity>(x, count, y); }
void relu(const float* x, int64_t count, float* y) { map<Relu>(x, count, y); }

void add_shifted(const int32_t* __restrict x, int64_t count, int shift, bool subtract,
                 int32_t* __restrict y) {
  if (subtract) {
    for (int64_t i = 0; i < count; ++i) y[i] -= x[i] << shift;
  } else {
    for (int64_t i = 0; i < count; ++i) y[i] += x[i] << shift;
  }
}

void max_f32(const float* x, int64_t count, float* y) {
  int64_t i = 0;
  for (; i + Floats::kLanes <= count; i += Floats::kLanes) {
    Floats::store(y + i, Floats::max(Floats::load(x + i), Floats::load(y + i)));
  }
  if (i < count) {
    store_some(y + i, count - i, Floats::max(load_some(x + i, count - i), load_some(y + i, count - i)));
  }
}

void clip(const float* x, int64_t count, float low, float high, float* y) {
  // A NaN stays NaN: min and max return their second operand then.
  const Floats::Vector least = Floats::broadcast(low), most = Floats::broadcast(high);
  int64_t i = 0;
  for (; i + Floats::kLanes <= count; i += Floats::kLanes) {
    Floats::store(y + i, Floats::max(least, Floats::min(most, Floats::load(x + i))));
  }
  if (i < count)
    store_some(y + i, count - i, Floats::max(least, Floats::min(most, load_some(x + i, count - i))));
}

void add_f32(const float* a, const float* b, int64_t count, float* y) {
  int64_t i = 0;
  for (; i + Floats::kLanes <= count; i += Floats::kLanes) {
    Floats::store(y + i, Floats::add(Floats::load(a + i), Floats::load(b + i)));
  }
  if (i < count)
    store_some(y + i, count - i, Floats::add(load_some(a + i, count - i), load_some(b + i, count - i)));
}

// A Function of x and a number of its channel.
template <class Function>
inline void map_channels(const float* x, int64_t rows, int64_t channels, const float* number, float* y) {
  for (int64_t r = 0; r < rows; ++r, x += channels, y += channels) {
    int64_t c = 0;
    for (; c + Floats::kLanes <= channels; c += Floats::kLanes) {
      Floats::store(y + c, Function::apply(Floats::load(x + c), Floats::load(number + c)));
    }
    if (c < channels) {
      const int64_t rest = channels - c;
      store_some(y + c, rest, Function::apply(load_some(x + c, rest), load_some(number + c, rest)));
    }
  }
}

struct Prelu {
  static Floats::Vector apply(Floats::Vector x, Floats::Vector slope) {
    return Floats::positive_or(x, Floats::mul(x, slope));
  }
};

void prelu(const float* x, int64_t rows, int64_t channels, const float* slope, float* y) {
  map_channels<Prelu>(x, rows, channels, slope, y);
}

template <class T>
void affine(const T* x, int64_t rows, int64_t channels, const float* scale, const float* shift, float* y) {
  for (int64_t r = 0; r < rows; ++r, x += channels, y += channels) {
    int64_t c = 0;
    for (; c + Floats::kLanes <= channels; c += Floats::kLanes) {
      Floats::store(y + c,
                    Floats::fma(Floats::load(x + c), Floats::load(scale + c), Floats::load(shift + c)));
    }
    if (c < channels) {
      const int64_t rest = channels - c;
      const Floats::Vector value = load_some(x + c, rest);
      store_some(y + c, rest, Floats::fma(value, load_some(scale + c, rest), load_some(shift + c, rest)));
    }
  }
}
