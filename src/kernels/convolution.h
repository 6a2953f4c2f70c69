// Every convolution: what the rooms above include.
#pragma once

#include "kernels/binary_convolution.h"
#include "kernels/float_convolution.h"
#include "kernels/gathered_convolution.h"
