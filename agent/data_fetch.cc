#include "agent/data_fetch.h"

#include <curl/curl.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "agent/child_process.h"
#include "agent/dataset_files.h"
#include "agent/digest.h"
#include "agent/state_dir.h"
#include "agent/wake_pipe.h"
#include "proto/support/log.h"
#include "proto/support/status.h"

namespace laptime::agent {
namespace {

namespace fs = std::filesystem;

struct Transfer {
  std::FILE* file = nullptr;
  int64_t begun_at = 0;  // bytes that were there before
  int write_error = 0;
  const FetchOptions* options = nullptr;
};

size_t OnBytes(char* bytes, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const size_t written = std::fwrite(bytes, size, count, transfer.file);
  if (written != count) transfer.write_error = errno;
  return written * size;
}

int OnProgress(void* user, curl_off_t total, curl_off_t now, curl_off_t, curl_off_t) {
  const auto& transfer = *static_cast<const Transfer*>(user);
  transfer.options->progress(transfer.begun_at + now, total > 0 ? transfer.begun_at + total : 0);
  return transfer.begun_at + now > transfer.options->max_bytes ? 1 : 0;
}

absl::Status Full(const fs::path& path, int error) {
  return WithHint(absl::StatusCode::kResourceExhausted,
                  "cannot write " + path.string() + ": " + std::strerror(error),
                  "cifar10 needs 350 MB; --data DIR names another place");
}

void SetUp(CURL* curl, Transfer& transfer, char* error) {
  curl_easy_setopt(curl, CURLOPT_URL, transfer.options->url.c_str());
  curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 20L);
  // A stalled download ends: less than 1 kB/s for half a minute.
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1000L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, 30L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(transfer.begun_at));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, OnBytes);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, OnProgress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
}

// Brings `part` to the full length. kOutOfRange: the server cannot go on from here (it is complete,
// or it changed).
absl::Status Download(const FetchOptions& options, const fs::path& part) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(part.c_str(), "ab"),
                                                             std::fclose);
  if (file == nullptr) return Full(part, errno);
  std::error_code unknown;
  Transfer transfer{file.get(), static_cast<int64_t>(fs::file_size(part, unknown)), 0, &options};
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  if (curl == nullptr) return absl::InternalError("cannot start libcurl");
  char text[CURL_ERROR_SIZE] = {};
  SetUp(curl.get(), transfer, text);
  const CURLcode result = curl_easy_perform(curl.get());
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  if (transfer.write_error != 0 || std::fflush(file.get()) != 0) {
    return Full(part, transfer.write_error != 0 ? transfer.write_error : errno);
  }
  if (result == CURLE_OK) return absl::OkStatus();
  if (result == CURLE_RANGE_ERROR || status == 416) return absl::OutOfRangeError("cannot go on");
  if (result == CURLE_ABORTED_BY_CALLBACK) {
    std::error_code ignored;
    fs::remove(part, ignored);  // or it would be too large for ever
    return WithHint(absl::StatusCode::kDataLoss,
                    options.url + " is larger than the official archive can be",
                    "it was removed; run it again, and mistrust a proxy that changes what it "
                    "carries");
  }
  return WithHint(
      absl::StatusCode::kUnavailable,
      "cannot download " + options.url + ": " + (*text != '\0' ? text : curl_easy_strerror(result)),
      "check the network; run it again to go on where it stopped, or copy the files by hand");
}

// The part file's digest after a download; what is not the official archive does not stay.
absl::StatusOr<std::string> DownloadAndHash(const FetchOptions& options, const fs::path& part) {
  const absl::Status downloaded = Download(options, part);
  // Nothing to go on with: it is complete, or of no use; the digest tells.
  if (!downloaded.ok() && downloaded.code() != absl::StatusCode::kOutOfRange) return downloaded;
  auto sha256 = Sha256OfFile(part);
  std::error_code ignored;
  if (sha256.ok() && *sha256 != options.sha256) fs::remove(part, ignored);
  return sha256;
}

absl::Status DownloadAndVerify(const FetchOptions& options, const fs::path& part) {
  std::error_code ignored;
  const bool resumed = fs::exists(part, ignored);
  auto sha256 = DownloadAndHash(options, part);
  // The beginning may have been of another file.
  if (resumed && sha256.ok() && *sha256 != options.sha256) sha256 = DownloadAndHash(options, part);
  if (!sha256.ok()) return sha256.status();
  if (*sha256 == options.sha256) return absl::OkStatus();
  return WithHint(
      absl::StatusCode::kDataLoss,
      options.url + " is not the official archive: its SHA-256 is " + *sha256 + ", expected " +
          options.sha256,
      "it was removed; run it again, and mistrust a proxy that changes what it carries");
}

// Unpacks with the system's tar, which is trusted with the verified archive only.
absl::Status Unpack(const fs::path& archive, const fs::path& into) {
  auto wake = WakePipe::Open();
  if (!wake.ok()) return wake.status();
  for (const char* program : {"/usr/bin/tar", "/bin/tar"}) {
    auto child =
        ChildProcess::Spawn({program,
                             {"-xzf", archive.string(), "-C", into.string(), "--no-same-owner"},
                             {},
                             std::nullopt});
    if (child.status().code() == absl::StatusCode::kNotFound) continue;
    if (!child.ok()) return child.status();
    std::string error;
    for (bool ended = false; !ended;) {
      const auto output = (*child)->Wait(wake->fd(), std::chrono::seconds(60));
      error += output.err;
      ended = output.ended;
    }
    if ((*child)->Reap().code == 0) return absl::OkStatus();
    return absl::DataLossError("unpacking " + archive.string() +
                               " failed: " + Printable(error.substr(0, error.find('\n'))));
  }
  return WithHint(absl::StatusCode::kFailedPrecondition,
                  "cannot unpack " + archive.string() + ": there is no tar", "install tar");
}

absl::Status NoteOfficial(const FetchOptions& options, const fs::path& dir) {
  auto files = CheckDataset(dir, dir.parent_path() / "hash.json");
  if (!files.ok()) return files.status();
  const nlohmann::json note = {
      {"source", options.url}, {"archive_sha256", options.sha256}, {"files_sha256", files->sha256}};
  return WriteFileAtomically(dir / kOfficialNote, note.dump(2) + "\n");
}

}  // namespace

absl::Status FetchCifar10(const FetchOptions& options) {
  std::error_code error;
  fs::create_directories(options.data_dir, error);
  if (error) {
    return WithHint(
        absl::StatusCode::kFailedPrecondition,
        "cannot make the directory " + options.data_dir.string() + ": " + error.message(),
        "--data DIR names another place");
  }
  const fs::path part = options.data_dir / "cifar-10-binary.tar.gz.part";
  const fs::path unpacked = options.data_dir / ".unpacking";
  LAPTIME_RETURN_IF_ERROR(DownloadAndVerify(options, part));
  fs::remove_all(unpacked, error);
  fs::create_directories(unpacked, error);
  LAPTIME_RETURN_IF_ERROR(Unpack(part, unpacked));
  LAPTIME_RETURN_IF_ERROR(NoteOfficial(options, unpacked / kFolder));
  // Only complete files come under the name that is looked for.
  fs::remove_all(options.data_dir / kFolder, error);
  fs::rename(unpacked / kFolder, options.data_dir / kFolder, error);
  if (error) return absl::UnavailableError("cannot move the files into place: " + error.message());
  fs::remove_all(unpacked, error);
  fs::remove(part, error);
  return absl::OkStatus();
}

}  // namespace laptime::agent
