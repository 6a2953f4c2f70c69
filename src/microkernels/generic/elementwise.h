// Loops over arrays of numbers, once for all ISAs. Included inside the namespace of an ISA unit, after
// `Floats`.

// The last lanes of a row go through a buffer, so that no byte outside the arrays is touched.
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

// y = function(x), a function of vectors.
template <class T, class Function>
inline void map(const T* x, int64_t count, float* y, Function function) {
  int64_t i = 0;
  for (; i + Floats::kLanes <= count; i += Floats::kLanes) {
    Floats::store(y + i, function(Floats::load(x + i)));
  }
  if (i < count) store_some(y + i, count - i, function(load_some(x + i, count - i)));
}

void cast_i32(const int32_t* x, int64_t count, float* y) {
  map(x, count, y, [&](Floats::Vector value) { return value; });
}

void add_shifted(const int32_t* __restrict x, int64_t count, int shift, bool subtract,
                 int32_t* __restrict y) {
  if (subtract) {
    for (int64_t i = 0; i < count; ++i) y[i] -= x[i] << shift;
  } else {
    for (int64_t i = 0; i < count; ++i) y[i] += x[i] << shift;
  }
}

// y = function(a, b), a function of vectors.
template <class Function>
inline void map_pairs(const float* a, const float* b, int64_t count, float* y, Function function) {
  int64_t i = 0;
  for (; i + Floats::kLanes <= count; i += Floats::kLanes) {
    Floats::store(y + i, function(Floats::load(a + i), Floats::load(b + i)));
  }
  if (i < count) {
    store_some(y + i, count - i, function(load_some(a + i, count - i), load_some(b + i, count - i)));
  }
}

void max_f32(const float* x, int64_t count, float* y) {
  map_pairs(x, y, count, y, [&](Floats::Vector a, Floats::Vector b) { return Floats::max(a, b); });
}

void add_f32(const float* a, const float* b, int64_t count, float* y) {
  map_pairs(a, b, count, y,
            [&](Floats::Vector one, Floats::Vector other) { return Floats::add(one, other); });
}

// y = Function::apply(x, number of x's channel).
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
