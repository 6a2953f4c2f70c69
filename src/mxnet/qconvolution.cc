// QConvolution on latent weights, and QConvolutionPacked on their packed signs.
#include "mxnet/qconvolution.h"

BMX_REGISTER_LAYER(QConvolution, bmx::QConvolution, bmx::WeightForm::kLatent);
BMX_REGISTER_LAYER(QConvolutionPacked, bmx::QConvolution, bmx::WeightForm::kPacked);
