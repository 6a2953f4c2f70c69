#include "microkernels/math.h"

#include "microkernels/units.h"

namespace bmx {

float exp_f32(float x) {
  float y = 0;
  scalar_kernels.exp(&x, 1, &y);
  return y;
}

float tanh_f32(float x) {
  float y = 0;
  scalar_kernels.tanh(&x, 1, &y);
  return y;
}

float sigmoid_f32(float x) {
  float y = 0;
  scalar_kernels.sigmoid(&x, 1, &y);
  return y;
}

float elu_f32(float x, float slope) {
  float y = 0;
  scalar_kernels.elu(&x, 1, 1, &slope, &y);
  return y;
}

}  // namespace bmx
