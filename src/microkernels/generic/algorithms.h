// All algorithms, in the namespace of the ISA unit that includes this after its primitives and its binary
// tile. Later ones use earlier ones.
// clang-format off
#include "microkernels/generic/depthwise.h"
#include "microkernels/generic/elementwise.h"
#include "microkernels/generic/exponential.h"
#include "microkernels/generic/activations.h"
#include "microkernels/generic/float_tile.h"
#include "microkernels/generic/pack.h"
#include "microkernels/generic/pack_planar.h"
#include "microkernels/generic/unpack.h"
#include "microkernels/generic/epilogue_columns.h"
#include "microkernels/generic/epilogue.h"
#include "microkernels/generic/table.h"
// clang-format on
