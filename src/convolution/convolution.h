// All convolutions, for the rooms above.
#pragma once

#include "convolution/binary_convolution.h"
#include "convolution/float_convolution.h"
#include "convolution/gathered_convolution.h"
