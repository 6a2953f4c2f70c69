// Every algorithm, in the namespace of the ISA unit that includes this after its primitives and its binary
// tile. Later ones use earlier ones.
#include "kernels/generic/depthwise.h"
#include "kernels/generic/elementwise.h"
#include "kernels/generic/exponential.h"
#include "kernels/generic/float_tile.h"
#include "kernels/generic/pack.h"
#include "kernels/generic/pack_planar.h"
#include "kernels/generic/unpack.h"

#include "kernels/generic/finish_columns.h"

#include "kernels/generic/finish.h"

#include "kernels/generic/table.h"
