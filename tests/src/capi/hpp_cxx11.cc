// Compiled as C++11: bmx.hpp must need nothing newer, and no header of the library.
#include <bmx/bmx.hpp>

std::vector<float> run_from_cxx11(const void* file, std::size_t size, const float* x, std::int64_t batch,
                                  std::int64_t channels, int threads);

std::vector<float> run_from_cxx11(const void* file, std::size_t size, const float* x, std::int64_t batch,
                                  std::int64_t channels, int threads) {
  bmx::Session session(bmx::Model(file, size), threads);
  session.run({x, {batch, channels}});
  const bmx::Output output = session.output();
  return {output.data<float>(), output.data<float>() + output.size()};
}
