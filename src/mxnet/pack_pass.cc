// Graph pass 'bmx', which net.optimize_for(x, backend='bmx') runs: binary layers on latent float32 weights
// become layers on packed ones. The weights' signs move into new parameters NAME_packed, and latent weights
// that nothing else reads leave the graph, so that net.export() writes a symbol and parameters with 1 bit a
// weight.
#include <dlfcn.h>

#include <map>
#include <string>
#include <vector>

#include "microkernels/kernels.h"
#include "mxnet/layout.h"
#include "mxnet/qconvolution.h"
#include "mxnet/qfully_connected.h"

namespace bmx {

namespace {

using mxnet::ext::Graph;
using mxnet::ext::MXTensor;
using mxnet::ext::Node;
using mxnet::ext::NodeEntry;

template <class Op>
Result<Quantizer> weight_quantizer(const Attributes& attributes) {
  auto op = Op::parse(attributes);
  if (!op.ok()) return op.status();
  return op->common.weight;
}

struct Kind {
  const char *name, *packed_name;
  size_t weight_rank;
  Result<Quantizer> (*weight_quantizer)(const Attributes&);
};

constexpr Kind kKinds[] = {
    {QConvolution::kName, QConvolution::kPackedName, 4, weight_quantizer<QConvolution>},
    {QFullyConnected::kName, QFullyConnected::kPackedName, 2, weight_quantizer<QFullyConnected>},
};

const Kind* kind_of(const Node& node) {
  for (const Kind& kind : kKinds) {
    if (node.op == kind.name) return &kind;
  }
  return nullptr;
}

bool is_packed(const Node& node) {
  for (const Kind& kind : kKinds) {
    if (node.op == kind.packed_name) return true;
  }
  return false;
}

std::string name_of(const Node& node) { return "'" + node.name + "' (" + node.op + ")"; }

Status refuse(const Node& node, const std::string& reason) {
  return unsupported("bmx: node " + name_of(node) + " cannot be packed: " + reason);
}

// The layers guard their inputs with identities, for the sake of gradients that packed layers do not have.
NodeEntry without_identities(NodeEntry entry) {
  while (entry.node->op == "_copy") entry = entry.node->inputs[0];
  return entry;
}

bool has_binary_layer(const Graph& graph) {
  for (size_t i = 0; i < graph.size(); ++i) {
    const Node& node = *graph.getNode(i);
    if (kind_of(node) != nullptr) return true;
    for (const Graph* subgraph : node.subgraphs) {
      if (has_binary_layer(*subgraph)) return true;
    }
  }
  return false;
}

ImageShape weight_images(const MXTensor& weight) {
  const auto& shape = weight.shape;
  ImageShape images{shape[0], shape[1]};
  if (shape.size() == 4) {
    images.height = shape[2];
    images.width = shape[3];
  }
  return images;
}

// MXNet hands the pass its parameters while operations that write them, an optimizer's step for example, may
// still run.
Status wait_for_writes() {
  void* library = dlopen("libmxnet.so", RTLD_LAZY | RTLD_NOLOAD);
  if (library == nullptr) return unsupported("bmx: expected libmxnet.so among the loaded libraries");
  const auto wait = reinterpret_cast<int (*)()>(dlsym(library, "MXNDArrayWaitAll"));
  const auto error = reinterpret_cast<const char* (*)()>(dlsym(library, "MXGetLastError"));
  Status status;
  if (wait == nullptr || error == nullptr) {
    status = unsupported("bmx: expected MXNDArrayWaitAll in libmxnet.so; install mxnet==1.9.1");
  } else if (wait() != 0) {
    status = invalid_argument(std::string("bmx: an operation before the pass failed: ") + error());
  }
  dlclose(library);
  return status;
}

class Packer {
 public:
  Packer(Graph* graph, const Kernels& kernels) : graph_(graph), kernels_(kernels) {}

  // Looks at every layer before it changes one.
  Status run() {
    BMX_RETURN_IF_ERROR(find_layers());
    for (Node* layer : layers_) replace(layer);
    // What shape and type inference left behind would be saved with the symbol.
    for (size_t i = 0; i < graph_->size(); ++i) {
      graph_->getNode(i)->attrs.erase(MX_STR_SHAPE);
      graph_->getNode(i)->attrs.erase(MX_STR_DTYPE);
    }
    return {};
  }

 private:
  Status find_layers() {
    bool found = false;
    for (size_t i = 0; i < graph_->size(); ++i) {
      Node* node = graph_->getNode(i);
      found |= is_packed(*node);
      for (const Graph* subgraph : node->subgraphs) {
        if (has_binary_layer(*subgraph)) return refuse(*node, "it holds binary layers in a graph of its own");
      }
      const Kind* kind = kind_of(*node);
      if (kind == nullptr) continue;
      BMX_RETURN_IF_ERROR(check(*node, *kind));
      layers_.push_back(node);
    }
    if (!layers_.empty() || found) return {};
    return invalid_argument(
        "bmx: expected a graph with QConvolution or QFullyConnected, found none; binary layers are recorded "
        "as "
        "these inside 'with bmx.gluon.nn.lowering(\"operator\")'");
  }

  Status check(const Node& node, const Kind& kind) const {
    auto quantizer = kind.weight_quantizer(node.attrs);
    if (!quantizer.ok()) return refuse(node, quantizer.status().message());
    const Node& weight = *without_identities(node.inputs[1]).node;
    const std::string name = "its weight '" + weight.name + "' ";
    if (weight.op != "null") {
      return refuse(node, "its weight is computed by node " + name_of(weight) +
                              "; expected a parameter, as quantizers with method = 'det_sign' hand it on");
    }
    // Every variable of a gluon.Parameter has this attribute, and no input of a net.
    if (weight.attrs.count("__storage_type__") == 0) {
      return refuse(node, name + "is an input of the net; make it a gluon.Parameter");
    }
    if (weight.tensor == nullptr) return refuse(node, name + "has no value; pass it in args");
    return check_values(node, kind, *quantizer, name, *weight.tensor);
  }

  Status check_values(const Node& node, const Kind& kind, const Quantizer& quantizer, const std::string& name,
                      const MXTensor& weight) const {
    if (weight.ctx.dev_type != "cpu") {
      return refuse(node, name + "is on a " + weight.ctx.dev_type + "; move the net to mx.cpu() first");
    }
    if (weight.dtype != mxnet::ext::kFloat32 || weight.shape.size() != kind.weight_rank) {
      return refuse(node, name + "must be float32 with " + std::to_string(kind.weight_rank) + " axes");
    }
    if (!quantizer.gives_binary(static_cast<const float*>(weight.data_ptr), weight.size())) {
      return refuse(node, name + "has values other than -1 and +1, and weight_quantizer is 'none'");
    }
    const std::string packed = packed_name(*without_identities(node.inputs[1]).node);
    for (size_t i = 0; i < graph_->size(); ++i) {
      if (graph_->getNode(i)->name == packed) {
        return refuse(node, "the name '" + packed + "' of its packed weight is taken");
      }
    }
    return {};
  }

  static std::string packed_name(const Node& latent) { return latent.name + "_packed"; }

  void replace(Node* layer) {
    connect(layer, 1, {packed(without_identities(layer->inputs[1]).node), 0});
    for (size_t i = 0; i < layer->inputs.size(); ++i) connect(layer, i, without_identities(layer->inputs[i]));
    layer->op = kind_of(*layer)->packed_name;
    for (const char* key : {"weight_quantizer", "weight_clip", "input_clip"}) layer->attrs.erase(key);
  }

  // Makes `source` the layer's input. MXNet drops nodes that no output depends on when it reads the graph
  // back.
  static void connect(Node* layer, size_t index, NodeEntry source) {
    auto& consumers = layer->inputs[index].node->outputs;
    for (auto it = consumers.begin(); it != consumers.end(); ++it) {
      if (it->node == layer && it->entry == static_cast<int>(index)) {
        consumers.erase(it);
        break;
      }
    }
    layer->inputs[index] = source;
    source.node->outputs.push_back({layer, static_cast<int>(index)});
  }

  // Layers may share a weight.
  Node* packed(Node* latent) {
    Node*& node = packed_[latent];
    if (node == nullptr) node = pack(*latent);
    return node;
  }

  Node* pack(const Node& latent) {
    const MXTensor& weight = *latent.tensor;
    const Shape shape = packed_shape(Shape(weight.shape.begin(), weight.shape.end()));
    Node* node = graph_->addNode(packed_name(latent), "null");
    node->alloc_arg(std::vector<int64_t>(shape.begin(), shape.end()), weight.ctx, mxnet::ext::kUint8);
    pack_weights(static_cast<const float*>(weight.data_ptr), weight_images(weight), kernels_,
                 node->tensor->data<uint8_t>());
    node->attrs = {{"__shape__", to_string(shape)},
                   {"__dtype__", std::to_string(mxnet::ext::kUint8)},
                   {"__storage_type__", std::to_string(mxnet::ext::kDefaultStorage)}};
    graph_->inputs.push_back(node);
    return node;
  }

  Graph* graph_;
  const Kernels& kernels_;
  std::vector<Node*> layers_;
  std::map<Node*, Node*> packed_;  // latent weight -> packed weight
};

mxnet::ext::MXReturnValue pack(Graph* graph, const Attributes& options) {
  return guarded("bmx", [&]() -> Status {
    if (!options.empty()) {
      return invalid_argument("bmx: found option " + options.begin()->first +
                              ", but optimize_for(backend='bmx') has none; remove it");
    }
    auto kernels = find_kernels("auto");
    if (!kernels.ok()) return kernels.status();
    BMX_RETURN_IF_ERROR(wait_for_writes());
    return Packer(graph, **kernels).run();
  });
}

}  // namespace

}  // namespace bmx

REGISTER_PASS(bmx).setBody(bmx::pack);
