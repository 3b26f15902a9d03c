#include "storage/log_text.h"

#include <algorithm>

namespace laptime::storage {
namespace {

bool Continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

}  // namespace

size_t CharacterAt(const std::string& text, size_t position) {
  position = std::min(position, text.size());
  while (position < text.size() && Continues(text[position])) ++position;
  return position;
}

size_t PieceEnd(const std::string& text, size_t begin) {
  if (text.size() - begin <= kLogPieceBytes) return text.size();
  size_t end = begin + kLogPieceBytes;
  while (end > begin + 1 && Continues(text[end])) --end;
  return end;
}

}  // namespace laptime::storage
