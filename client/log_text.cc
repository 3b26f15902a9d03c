#include "client/log_text.h"

#include "client/text.h"

namespace laptime::client {

std::string LogText::Append(const google::protobuf::RepeatedPtrField<v1::LogPiece>& pieces) {
  std::string text;
  for (const v1::LogPiece& piece : pieces) {
    const auto size = static_cast<int64_t>(piece.text().size());
    if (piece.offset() + size <= next_offset_) continue;
    if (piece.offset() > next_offset_) {
      if (!text.empty() && text.back() != '\n') text += '\n';
      text += "… " + std::to_string(piece.offset() - next_offset_) + " bytes left out …\n";
    }
    const int64_t seen = next_offset_ > piece.offset() ? next_offset_ - piece.offset() : 0;
    text += piece.text().substr(static_cast<size_t>(seen));
    next_offset_ = piece.offset() + size;
  }
  return SafeText(text, /*keep_lines=*/true);
}

}  // namespace laptime::client
