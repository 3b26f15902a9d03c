#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/ScalarType.h>

namespace laptime::trainer {

// The tensor's elements, to be read. It must be in host memory, of type T (else c10::Error), and
// outlive the pointer. Tensor::const_data_ptr<T> is the same, but newer versions of clang look for
// it under another name than that which LibTorch's macOS wheel has.
template <typename T>
const T* DataOf(const at::Tensor& tensor) {
  TORCH_CHECK(tensor.scalar_type() == c10::CppTypeToScalarType<T>::value, "elements of ",
              tensor.scalar_type(), " read as ", c10::CppTypeToScalarType<T>::value);
  return static_cast<const T*>(tensor.const_data_ptr());
}

}  // namespace laptime::trainer
