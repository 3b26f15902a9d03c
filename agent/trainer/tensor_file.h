#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace laptime::trainer {

using NamedTensors = std::map<std::string, at::Tensor>;

// In the shape that is asked of a tensor: any size will do.
inline constexpr int64_t kAnySize = -1;

// The tensors of a file that Python's torch.save made of a plain dict. What lies in a dict inside
// it has the name "dict/name". Immutable. Every method throws TrainerError (setup) that names the
// file, what was expected and what was found.
class TensorFile {
 public:
  static TensorFile Read(const std::string& path);

  // The tensor of that name, contiguous.
  at::Tensor Get(const std::string& name, at::ScalarType type, at::IntArrayRef shape) const;

  // float32 or float64, whichever that tensor has.
  at::ScalarType FloatTypeOf(const std::string& name) const;

  // All names that begin so, without that beginning.
  std::vector<std::string> NamesUnder(const std::string& prefix) const;

  // Throws: something about what the file holds is wrong.
  [[noreturn]] void Refuse(const std::string& why) const;

 private:
  explicit TensorFile(std::string path) : path_(std::move(path)) {}

  const at::Tensor& Find(const std::string& name) const;

  std::string path_;
  NamedTensors tensors_;
};

// Writes what Python's torch.load reads as a tensor or as a dict of tensors. Throw TrainerError
// (setup) when the file cannot be written.
void WriteTensor(const std::string& path, const at::Tensor& tensor);
void WriteTensors(const std::string& path, const NamedTensors& tensors);

}  // namespace laptime::trainer
