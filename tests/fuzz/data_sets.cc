// A data set's directory: files of strange sizes, labels that cannot be, the agent's cache and the
// note of `data fetch` beside them.

#include <functional>

#include "agent/dataset_files.h"
#include "tests/fuzz/harness.h"

namespace {

namespace fs = std::filesystem;
using laptime::agent::kRecordBytes;
using laptime::agent::kRecordsPerFile;

constexpr size_t kFileBytes = size_t{kRecordBytes} * kRecordsPerFile;

const fs::path& Directory() {
  static const fs::path* const made = [] {
    auto* dir = new fs::path(laptime::fuzz::Scratch().path() / laptime::agent::kFolder);
    fs::create_directories(*dir);
    for (const std::string& name : laptime::agent::DatasetFileNames()) {
      // Holes: all labels are 0, and no memory is taken.
      std::ofstream(*dir / name).close();
      fs::resize_file(*dir / name, kFileBytes);
    }
    return dir;
  }();
  return *made;
}

// Changes a file so that its time does not tell.
void Change(const fs::path& file, const std::function<void()>& change) {
  const auto time = fs::last_write_time(file);
  change();
  fs::last_write_time(file, time);
}

// The cache as the agent wrote it for files that were fine. Then the first label is made
// impossible, so that whoever does not take the cache's word is told at once, instead of reading
// all the files.
const std::string& GoodCache() {
  static const std::string text = [] {
    const std::string cache = laptime::fuzz::Scratch().File("cache.json");
    laptime::fuzz::Must(laptime::agent::CheckDataset(Directory(), cache).ok(), "zeros are a set");
    const fs::path first = Directory() / laptime::agent::DatasetFileNames()[0];
    Change(first, [&] { std::fstream(first, std::ios::in | std::ios::out).put('c'); });
    std::ifstream in(cache);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }();
  return text;
}

// The texts beside the files; "$" stands for what a good cache holds.
void Texts(laptime::fuzz::Input& input, const std::string& good) {
  std::string text = input.Piece();
  if (const size_t at = text.find('$'); at != std::string::npos) text.replace(at, 1, good);
  const auto cache = laptime::fuzz::FileWith("cache.json", text);
  std::ofstream(Directory() / laptime::agent::kOfficialNote, std::ios::trunc) << input.Rest();
  const auto files = laptime::agent::CheckDataset(Directory(), cache);
  if (text == good + "\n" || text == good)
    laptime::fuzz::Must(files.ok(), "a cache that holds is believed");
}

// A file of another size, which is noticed before anything is read.
void Size(const fs::path& file, laptime::fuzz::Input& input) {
  uint64_t bytes = 0;
  for (int i = 0; i < 4; ++i) bytes = bytes << 8 | input.Byte();
  Change(file, [&] {
    fs::resize_file(file, bytes);
    const auto files = laptime::agent::CheckDataset(Directory(), "/dev/null");
    laptime::fuzz::Must(!files.ok(), "another size, or a label that cannot be, is noticed");
    fs::resize_file(file, kFileBytes);
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  laptime::fuzz::Input input(data, size);
  const std::string& good = GoodCache();
  const uint8_t what = input.Byte();
  // Not the first, whose label must stay.
  if (what >= 128)
    Size(Directory() / laptime::agent::DatasetFileNames()[1 + what % 5], input);
  else
    Texts(input, good);
  return 0;
}
