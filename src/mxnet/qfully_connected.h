// Attributes and shapes of QFullyConnected(data, weight[, bias]): binary fully connected layer.
#pragma once

#include <string>

#include "mxnet/layer_operator.h"

namespace bmx {

struct QFullyConnected {
  static constexpr const char* kName = "QFullyConnected";
  static constexpr const char* kPackedName = "QFullyConnectedPacked";
  const char* name = kName;
  int64_t units = 0;
  bool flatten = true;
  LayerAttributes common;

  static Result<QFullyConnected> parse(const Attributes& attributes, const char* op_name = kName) {
    AttributeReader reader(op_name, attributes);
    QFullyConnected op;
    op.name = op_name;
    op.units = reader.integer("num_hidden", 1);
    op.flatten = reader.boolean("flatten", true);
    op.common = read_layer_attributes(reader);
    BMX_RETURN_IF_ERROR(reader.status());
    return op;
  }

  // A row is an image of one pixel. With flatten a row is a sample, otherwise it is the last axis.
  Result<BinaryLayer> layer(const Shape& data) const {
    if (!is_known(data)) {
      return invalid_argument(std::string(name) + ": expected data of known shape (batch, ...), found " +
                              to_string(data));
    }
    const std::vector<int64_t> shape(data.begin(), data.end());
    const int64_t inputs = flatten ? product(shape, 1) : shape.back();
    BinaryLayer layer;
    layer.batch = product(shape, 0) / inputs;
    layer.shape.in_channels = inputs;
    layer.shape.out_channels = units;
    layer.input = common.input;
    layer.weight = common.weight;
    layer.popcount = common.popcount;
    BMX_RETURN_IF_ERROR(layer.shape.validate());
    return layer;
  }

  Shape weight_shape(const BinaryLayer& layer) const {
    return {static_cast<unsigned>(units), static_cast<unsigned>(layer.shape.in_channels)};
  }

  Shape output_shape(const BinaryLayer&, const Shape& data) const {
    Shape shape = flatten ? Shape{data[0]} : Shape(data.begin(), data.end() - 1);
    shape.push_back(static_cast<unsigned>(units));
    return shape;
  }
};

}  // namespace bmx
