// The runtime's operators by name. Adding one = one file in src/ops/ and one line in registry.cc.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "microkernels/kernels.h"
#include "model/graph.h"
#include "ops/node_reader.h"
#include "ops/operator.h"

namespace bmx {

// Validates the node, checks its declared dtype and shape against the computed ones and prepares it for
// `kernels`. The graph and its tensors must outlive the operator; its nodes share the budget.
Result<OperatorPtr> create_operator(const Graph& graph, const Node& node, const Kernels& kernels,
                                    RepeatBudget* budget);

std::vector<std::string> operator_names();

Result<OperatorPtr> create_transpose(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_conv2d(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_dense(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_binary_conv2d(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_binary_dense(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_binary_weight_conv2d(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_binary_weight_dense(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_integer_conv2d(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_integer_dense(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_threshold(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_quantize(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_to_planes(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_add(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_sub(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_mul(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_div(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_affine(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_cast(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_relu(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_prelu(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_elu(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_clip(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_tanh(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_sigmoid(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_max_pool2d(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_avg_pool2d(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_upsample2d(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_lrn(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_pad2d(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_concat(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_slice(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_shuffle_channels(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_reshape(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_flatten(NodeReader& node, const Kernels& kernels);
Result<OperatorPtr> create_softmax(NodeReader& node, const Kernels& kernels);

}  // namespace bmx
