// Elementary functions that return the same bits on every ISA and with every C library.
#pragma once

namespace bmx {

float exp_f32(float x);               // within 2 ulp; 0 below -104, infinity above 88.73
float tanh_f32(float x);              // within 4 ulp; odd; +-1 beyond +-10
float sigmoid_f32(float x);           // 1 / (1 + e^-x) within 3 ulp; 0 below -88.73, 1 above 17.4
float elu_f32(float x, float slope);  // x > 0 ? x : (e^x - 1) * slope within 4 ulp

}  // namespace bmx
