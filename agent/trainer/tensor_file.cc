#include "agent/trainer/tensor_file.h"

#include <ATen/core/Dict.h>
#include <ATen/core/ivalue.h>
#include <torch/csrc/jit/serialization/pickle.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "agent/trainer/failure.h"

namespace laptime::trainer {
namespace {

constexpr char kHint[] =
    "it must be torch.save of a plain dict of tensors: dict(model.state_dict()), not the "
    "OrderedDict itself";

[[noreturn]] void Fail(const std::string& message, const std::string& hint) {
  throw TrainerError(FailureCause::kSetup, message, hint);
}

std::vector<char> Bytes(const std::string& path) {
  std::error_code error;
  const uintmax_t size = std::filesystem::file_size(path, error);
  if (error) Fail("cannot read " + path + ": " + error.message(), "is the path right?");
  std::vector<char> bytes(size);
  std::ifstream stream(path, std::ios::binary);
  if (!stream.read(bytes.data(), static_cast<std::streamsize>(size)))
    Fail("cannot read " + path + ": " + std::strerror(errno), "may it be read?");
  return bytes;
}

c10::IValue Unpickle(const std::string& path) {
  const std::vector<char> bytes = Bytes(path);
  try {
    return torch::jit::pickle_load(bytes);
  } catch (const std::exception&) {
    // LibTorch's text is about its own insides.
    Fail(path + ": LibTorch cannot read it", kHint);
  }
}

// Adds the dict's tensors and, under longer names, those of the dicts in it. False for what is no
// such dict.
bool Collect(const c10::IValue& value, const std::string& prefix, NamedTensors& tensors) {
  if (!value.isGenericDict()) return false;
  for (const auto& entry : value.toGenericDict()) {
    if (!entry.key().isString()) return false;
    const std::string name = prefix + entry.key().toStringRef();
    if (entry.value().isTensor()) {
      tensors[name] = entry.value().toTensor();
    } else if (!Collect(entry.value(), name + "/", tensors)) {
      return false;
    }
  }
  return true;
}

// As Python calls it.
std::string TypeName(at::ScalarType type) {
  switch (type) {
    case at::kByte:
      return "uint8";
    case at::kLong:
      return "int64";
    case at::kBool:
      return "bool";
    case at::kFloat:
      return "float32";
    case at::kDouble:
      return "float64";
    default:
      return at::toString(type);
  }
}

std::string Describe(at::ScalarType type, at::IntArrayRef shape) {
  std::string text;
  for (const int64_t size : shape)
    text += (text.empty() ? "" : ",") + (size == kAnySize ? "any" : std::to_string(size));
  return TypeName(type) + " [" + text + "]";
}

bool Fits(at::IntArrayRef shape, at::IntArrayRef wanted) {
  if (shape.size() != wanted.size()) return false;
  for (size_t dim = 0; dim < shape.size(); ++dim) {
    if (wanted[dim] != kAnySize && wanted[dim] != shape[dim]) return false;
  }
  return true;
}

// As torch::pickle_save, but without its notes about a dict's types: torch.load trusts a plain
// dict, and would have to be told to trust those.
std::vector<char> Pickle(const c10::IValue& value) {
  std::vector<char> pickled;
  torch::jit::Pickler pickler(
      [&](const char* data, size_t size) { pickled.insert(pickled.end(), data, data + size); },
      /*tensor_table=*/nullptr, /*type_renamer=*/nullptr, /*memoized_class_types=*/nullptr,
      /*get_tensor_id=*/nullptr, /*tag_aggregates=*/false);
  pickler.protocol();
  pickler.pushIValue(value);
  pickler.stop();

  std::vector<char> archive;
  caffe2::serialize::PyTorchStreamWriter writer([&](const void* data, size_t size) {
    const auto* bytes = static_cast<const char*>(data);
    archive.insert(archive.end(), bytes, bytes + size);
    return size;
  });
  int number = 0;
  for (const at::Tensor& tensor : pickler.tensorData()) {
    const auto record = torch::jit::getWriteableTensorData(tensor);
    writer.writeRecord("data/" + std::to_string(number++), record.data(), record.sizeInBytes());
  }
  writer.writeRecord("data.pkl", pickled.data(), pickled.size());
  writer.writeEndOfFile();
  return archive;
}

void Write(const std::string& path, const c10::IValue& value) {
  const std::vector<char> bytes = Pickle(value);
  std::ofstream stream(path, std::ios::binary);
  stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size())).flush();
  if (!stream)
    Fail("cannot write " + path + ": " + std::strerror(errno), "does its directory exist?");
}

}  // namespace

TensorFile TensorFile::Read(const std::string& path) {
  TensorFile file(path);
  if (!Collect(Unpickle(path), "", file.tensors_)) Fail(path + " holds no dict of tensors", kHint);
  return file;
}

at::Tensor TensorFile::Get(const std::string& name, at::ScalarType type,
                           at::IntArrayRef shape) const {
  const at::Tensor& tensor = Find(name);
  if (tensor.scalar_type() != type || !Fits(tensor.sizes(), shape)) {
    Refuse(name + " must be " + Describe(type, shape) + ", but is " +
           Describe(tensor.scalar_type(), tensor.sizes()));
  }
  return tensor.contiguous();
}

at::ScalarType TensorFile::FloatTypeOf(const std::string& name) const {
  const at::ScalarType type = Find(name).scalar_type();
  if (type != at::kFloat && type != at::kDouble)
    Refuse(name + " must be float32 or float64, but is " + TypeName(type));
  return type;
}

std::vector<std::string> TensorFile::NamesUnder(const std::string& prefix) const {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors_) {
    if (name.starts_with(prefix)) names.push_back(name.substr(prefix.size()));
  }
  return names;
}

void TensorFile::Refuse(const std::string& why) const {
  Fail(path_ + ": " + why, "tests/parity/README.md tells what each command reads");
}

const at::Tensor& TensorFile::Find(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) Refuse(name + " is missing");
  return found->second;
}

void WriteTensor(const std::string& path, const at::Tensor& tensor) { Write(path, tensor); }

void WriteTensors(const std::string& path, const NamedTensors& tensors) {
  c10::Dict<std::string, at::Tensor> dict;
  for (const auto& [name, tensor] : tensors) dict.insert(name, tensor);
  Write(path, dict);
}

}  // namespace laptime::trainer
