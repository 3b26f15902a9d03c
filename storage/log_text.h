#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace laptime::storage {

// What is kept of one attempt's log: its beginning, which says what ran, and its end, which says
// how it ended.
constexpr int64_t kLogHeadBytes = 64 * 1024;
constexpr int64_t kLogTailBytes = 256 * 1024;
// A longer chunk is stored in pieces of at most so many bytes: a log is trimmed by whole pieces.
constexpr size_t kLogPieceBytes = 16 * 1024;

// The first position in UTF-8 `text`, from `position` on, where a character begins; text.size() at
// most.
size_t CharacterAt(const std::string& text, size_t position);

// Where the piece that begins at `begin` ends: at most kLogPieceBytes further, not within a
// character.
size_t PieceEnd(const std::string& text, size_t begin);

}  // namespace laptime::storage
