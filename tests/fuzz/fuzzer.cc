// The libFuzzer target over reader, plan and run, and a mutator that knows how a .bmx file is built: without
// it, nearly all mutations end at the header.
#include <cmath>
#include <cstring>
#include <random>
#include <string>

#include "../cpp/file_builder.h"
#include "load_and_run.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace {

using bmx::testing::OrderedJson;
using Random = std::minstd_rand;

size_t below(Random* random, size_t limit) { return (*random)() % limit; }

struct Parts {
  OrderedJson header;
  OrderedJson graph;
  std::string data;
};

bool take_apart(const uint8_t* bytes, size_t size, Parts* parts) {
  uint64_t length = 0;
  if (size < 8) return false;
  std::memcpy(&length, bytes, 8);
  if (length > size - 8) return false;
  const char* text = reinterpret_cast<const char*>(bytes) + 8;
  parts->header = OrderedJson::parse(text, text + length, nullptr, false);
  if (!parts->header.is_object() || !parts->header.contains("__metadata__")) return false;
  const OrderedJson& metadata = parts->header["__metadata__"];
  if (!metadata.is_object() || !metadata.contains("bmx.graph") || !metadata["bmx.graph"].is_string())
    return false;
  parts->graph = OrderedJson::parse(metadata["bmx.graph"].get<std::string>(), nullptr, false);
  if (parts->graph.is_discarded()) return false;
  parts->data.assign(text + length, text + (size - 8));
  return true;
}

std::string put_together(Parts* parts) {
  parts->header["__metadata__"]["bmx.graph"] =
      parts->graph.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
  return bmx::testing::assemble(parts->header.dump(-1, ' ', false, OrderedJson::error_handler_t::replace),
                                parts->data);
}

// A place in the document, chosen step by step from the root.
OrderedJson* any_place(OrderedJson* json, Random* random) {
  OrderedJson* place = json;
  while (place->is_structured() && !place->empty() && below(random, 12) != 0) {
    auto item = place->begin();
    std::advance(item, below(random, place->size()));
    place = &*item;
  }
  return place;
}

OrderedJson any_number(Random* random) {
  static constexpr int64_t kEdges[] = {0, 1, 2, 3, 7, 8, 9, 63, 64, 65, 255, 256, -1, -2, 65535, 65536};
  switch (below(random, 4)) {
    case 0:
      return static_cast<int64_t>(1) << below(random, 63);
    case 1:
      return std::ldexp(1.0, static_cast<int>(below(random, 300)) - 150);
    default:
      return kEdges[below(random, std::size(kEdges))];
  }
}

void mutate_string(OrderedJson* place) {
  std::string text = place->get<std::string>();
  const size_t size = text.size();
  text.resize(size + 8);
  const size_t now = LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(&text[0]), size, text.size());
  text.resize(now);
  *place = text;
}

// Takes the keys apart from the values: those that exist stay, so that files reach the operators.
void mutate_json(OrderedJson* json, Random* random) {
  OrderedJson* place = any_place(json, random);
  switch (below(random, 8)) {
    case 0: {  // what stands elsewhere: another operator's name, another value, another shape
      const OrderedJson other = *any_place(json, random);
      *place = other;
      return;
    }
    case 1:
      if (place->is_structured() && !place->empty()) {
        auto item = place->begin();
        std::advance(item, below(random, place->size()));
        place->erase(item);
      }
      return;
    case 2:
      if (place->is_array() && !place->empty()) {
        const OrderedJson again = (*place)[below(random, place->size())];
        place->push_back(again);
      }
      return;
    case 3:
      if (place->is_boolean()) *place = !place->get<bool>();
      return;
    default:
      if (place->is_number_integer() && below(random, 2) != 0) {
        *place = static_cast<int64_t>(static_cast<uint64_t>(place->get<int64_t>()) + below(random, 5) - 2);
      } else if (place->is_number()) {
        *place = any_number(random);
      } else if (place->is_string()) {
        mutate_string(place);
      }
  }
}

void mutate_data(std::string* data, Random* random) {
  const size_t size = data->size();
  data->resize(size + below(random, 65));
  if (data->empty()) return;
  data->resize(LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(&(*data)[0]), size, data->size()));
}

}  // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* bytes, size_t size, size_t max_size, unsigned seed) {
  Random random(seed);
  Parts parts;
  if (below(&random, 16) == 0 || !take_apart(bytes, size, &parts))
    return LLVMFuzzerMutate(bytes, size, max_size);
  for (size_t count = 1 + below(&random, 4); count > 0; --count) {
    switch (below(&random, 8)) {
      case 0:
        mutate_data(&parts.data, &random);
        break;
      case 1:
        mutate_json(&parts.header, &random);
        break;
      default:
        mutate_json(&parts.graph, &random);
    }
  }
  if (!parts.header.is_object()) return LLVMFuzzerMutate(bytes, size, max_size);
  if (!parts.header.contains("__metadata__") || !parts.header["__metadata__"].is_object()) {
    parts.header["__metadata__"] = OrderedJson::object();
  }
  const std::string file = put_together(&parts);
  if (file.size() > max_size) return LLVMFuzzerMutate(bytes, size, max_size);
  std::memcpy(bytes, file.data(), file.size());
  return file.size();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  bmx::testing::load_and_run(data, size);
  return 0;
}
