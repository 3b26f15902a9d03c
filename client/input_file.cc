#include "client/input_file.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <istream>

#include "proto/support/status.h"

namespace laptime::client {
namespace {

constexpr size_t kPieceBytes = size_t{1} << 20;

std::string ReadAtMost(std::istream& in, size_t most) {
  std::string text;
  while (in.good() && text.size() < most) {
    const size_t before = text.size();
    text.resize(before + std::min(kPieceBytes, most - before));
    in.read(text.data() + before, static_cast<std::streamsize>(text.size() - before));
    text.resize(before + static_cast<size_t>(in.gcount()));
  }
  return text;
}

}  // namespace

absl::StatusOr<std::string> ReadInput(std::istream& standard_input, const std::string& file,
                                      size_t most, const std::string& too_long) {
  const absl::Status refused = WithHint(absl::StatusCode::kInvalidArgument,
                                        (file == "-" ? "standard input" : file) +
                                            ": has more than " + std::to_string(most) + " bytes",
                                        too_long);
  // Told before it is read: a file may be all holes.
  std::error_code unknown;
  const auto size = std::filesystem::file_size(file, unknown);
  if (file != "-" && !unknown && size > most) return refused;
  std::ifstream opened;
  if (file != "-") opened.open(file, std::ios::binary);
  std::istream& in = file == "-" ? standard_input : opened;
  const std::string name = file == "-" ? "standard input" : file;
  std::string text = ReadAtMost(in, most);
  const bool more = in.good() && in.peek() != std::istream::traits_type::eof();
  // A folder can be opened, but not read.
  if (in.bad() || (file != "-" && !opened.is_open())) {
    return WithHint(absl::StatusCode::kInvalidArgument, name + ": cannot be read",
                    "name a file that is there, or - for standard input");
  }
  if (!more) return text;
  return refused;
}

}  // namespace laptime::client
