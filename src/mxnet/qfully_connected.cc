// QFullyConnected on latent weights, and QFullyConnectedPacked on their packed signs.
#include "mxnet/qfully_connected.h"

BMX_REGISTER_LAYER(QFullyConnected, bmx::QFullyConnected, bmx::WeightForm::kLatent);
BMX_REGISTER_LAYER(QFullyConnectedPacked, bmx::QFullyConnected, bmx::WeightForm::kPacked);
