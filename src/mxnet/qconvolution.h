// Attributes and shapes of QConvolution(data, weight[, bias]): binary 2-D convolution, channels first.
#pragma once

#include <string>

#include "mxnet/layer_operator.h"

namespace bmx {

struct QConvolution {
  static constexpr const char* kName = "QConvolution";
  static constexpr const char* kPackedName = "QConvolutionPacked";
  const char* name = kName;
  Pair kernel, stride, dilate, pad;
  int64_t filters = 0, groups = 1;
  int pad_value = 0;
  LayerAttributes common;

  static Result<QConvolution> parse(const Attributes& attributes, const char* op_name = kName) {
    AttributeReader reader(op_name, attributes);
    QConvolution op;
    op.name = op_name;
    op.kernel = reader.pair("kernel", 1);
    op.stride = reader.pair("stride", 1, Pair{1, 1});
    op.dilate = reader.pair("dilate", 1, Pair{1, 1});
    op.pad = reader.pair("pad", 0, Pair{0, 0});
    op.filters = reader.integer("num_filter", 1);
    op.groups = reader.integer("num_group", 1, 1);
    const int pad_values[] = {0, 1, -1};
    op.pad_value = pad_values[reader.choice("pad_value", {"0", "1", "-1"})];
    reader.choice("layout", {"NCHW"});
    op.common = read_layer_attributes(reader);
    BMX_RETURN_IF_ERROR(reader.status());
    return op;
  }

  Result<BinaryLayer> layer(const Shape& data) const {
    if (data.size() != 4 || !is_known(data)) {
      return invalid_argument(std::string(name) +
                              ": expected data of known shape (batch, channels, height, width), found " +
                              to_string(data));
    }
    BinaryLayer layer;
    layer.batch = data[0];
    layer.shape = {data[2],       data[3],       data[1],      filters,    kernel.height,
                   kernel.width,  stride.height, stride.width, pad.height, pad.width,
                   dilate.height, dilate.width,  groups};
    layer.pad_value = pad_value;
    layer.input = common.input;
    layer.weight = common.weight;
    layer.popcount = common.popcount;
    BMX_RETURN_IF_ERROR(layer.shape.validate());
    return layer;
  }

  Shape weight_shape(const BinaryLayer& layer) const {
    return {static_cast<unsigned>(filters), static_cast<unsigned>(layer.shape.group_inputs()),
            static_cast<unsigned>(kernel.height), static_cast<unsigned>(kernel.width)};
  }

  Shape output_shape(const BinaryLayer& layer, const Shape& data) const {
    return {data[0], static_cast<unsigned>(filters), static_cast<unsigned>(layer.shape.out_height()),
            static_cast<unsigned>(layer.shape.out_width())};
  }
};

}  // namespace bmx
