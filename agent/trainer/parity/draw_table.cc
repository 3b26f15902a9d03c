#include "agent/trainer/parity/draw_table.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "agent/trainer/dataset.h"
#include "agent/trainer/tensor_data.h"

namespace laptime::trainer {
namespace {

constexpr int64_t kColumns = 4;
constexpr double kMaxHue = 0.5;

bool Inside(int64_t start, int64_t size) {
  return start >= 0 && size >= 1 && start < kImageSide && size <= kImageSide - start;
}

// What is wrong with the row, or nullptr. Looks at the numbers before they are narrowed.
const char* Fault(const int64_t* crop, const int64_t* order, const double* factors) {
  if (!Inside(crop[0], crop[2]) || !Inside(crop[1], crop[3])) return "crop leaves the image";
  if (!std::is_permutation(order, order + kColumns, std::array<int64_t, 4>{0, 1, 2, 3}.begin()))
    return "order is no permutation of 0, 1, 2, 3";
  for (int op = 0; op < 3; ++op) {
    if (!std::isfinite(factors[op]) || factors[op] < 0) return "a factor is negative or no number";
  }
  return std::abs(factors[3]) <= kMaxHue ? nullptr : "the hue's factor is not within -0.5 … 0.5";
}

}  // namespace

DrawTable::DrawTable(int64_t rows)
    : crop_(at::empty({rows, kColumns}, at::kLong)),
      flip_(at::empty({rows}, at::kBool)),
      jitter_(at::empty({rows}, at::kBool)),
      order_(at::empty({rows, kColumns}, at::kLong)),
      factors_(at::empty({rows, kColumns}, at::kDouble)),
      grayscale_(at::empty({rows}, at::kBool)) {}

DrawTable DrawTable::Of(const TensorFile& file, int64_t rows) {
  DrawTable table(0);
  table.crop_ = file.Get("crop", at::kLong, {rows, kColumns});
  table.flip_ = file.Get("flip", at::kBool, {rows});
  table.jitter_ = file.Get("jitter", at::kBool, {rows});
  table.order_ = file.Get("order", at::kLong, {rows, kColumns});
  table.factors_ = file.Get("factors", at::kDouble, {rows, kColumns});
  table.grayscale_ = file.Get("grayscale", at::kBool, {rows});
  for (int64_t row = 0; row < rows; ++row) {
    const char* fault = Fault(DataOf<int64_t>(table.crop_) + row * kColumns,
                              DataOf<int64_t>(table.order_) + row * kColumns,
                              DataOf<double>(table.factors_) + row * kColumns);
    if (fault != nullptr) file.Refuse("row " + std::to_string(row) + ": " + fault);
  }
  return table;
}

ViewDraw DrawTable::Row(int64_t row) const {
  const int64_t* crop = DataOf<int64_t>(crop_) + row * kColumns;
  ViewDraw draw;
  draw.crop = {static_cast<int>(crop[0]), static_cast<int>(crop[1]), static_cast<int>(crop[2]),
               static_cast<int>(crop[3])};
  draw.flip = DataOf<bool>(flip_)[row];
  draw.jitter = DataOf<bool>(jitter_)[row];
  for (int64_t i = 0; i < kColumns; ++i) {
    const auto column = static_cast<size_t>(i);
    draw.order[column] = static_cast<int>(DataOf<int64_t>(order_)[row * kColumns + i]);
    draw.factors[column] = DataOf<double>(factors_)[row * kColumns + i];
  }
  draw.grayscale = DataOf<bool>(grayscale_)[row];
  return draw;
}

void DrawTable::SetRow(int64_t row, const ViewDraw& draw) {
  int64_t* crop = crop_.mutable_data_ptr<int64_t>() + row * kColumns;
  crop[0] = draw.crop.top;
  crop[1] = draw.crop.left;
  crop[2] = draw.crop.height;
  crop[3] = draw.crop.width;
  flip_.mutable_data_ptr<bool>()[row] = draw.flip;
  jitter_.mutable_data_ptr<bool>()[row] = draw.jitter;
  std::ranges::copy(draw.order, order_.mutable_data_ptr<int64_t>() + row * kColumns);
  std::ranges::copy(draw.factors, factors_.mutable_data_ptr<double>() + row * kColumns);
  grayscale_.mutable_data_ptr<bool>()[row] = draw.grayscale;
}

NamedTensors DrawTable::Tensors() const {
  return {{"crop", crop_},   {"flip", flip_},       {"jitter", jitter_},
          {"order", order_}, {"factors", factors_}, {"grayscale", grayscale_}};
}

}  // namespace laptime::trainer
