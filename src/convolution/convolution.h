// Every convolution: what the rooms above include.
#pragma once

#include "convolution/binary_convolution.h"
#include "convolution/float_convolution.h"
#include "convolution/gathered_convolution.h"
