#include "agent/data_fetch.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "agent/dataset_files.h"
#include "agent/unique_fd.h"
#include "proto/support/sha256.h"
#include "proto/support/status.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::agent {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;
using testing::TempDir;

// Serves one content at every path on loopback, a byte range if asked for one. `cut_after` ends the
// first answers early, as a bad line does.
class HttpServer {
 public:
  explicit HttpServer(std::string content)
      : content_(std::move(content)), listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size);
    listen(listener_.get(), 8);
    getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this] { Serve(); });
  }
  ~HttpServer() { shutdown(listener_.get(), SHUT_RDWR); }

  std::string Url() const {
    return "http://127.0.0.1:" + std::to_string(port_) + "/archive.tar.gz";
  }
  void CutFirstAnswerAfter(size_t bytes) { cut_after_ = bytes; }
  void AnswerWith(const std::string& status) { status_ = status; }
  std::vector<std::string> requests() {
    std::lock_guard lock(mu_);
    return requests_;
  }

 private:
  void Serve() {
    for (int fd = accept(listener_.get(), nullptr, nullptr); fd >= 0;
         fd = accept(listener_.get(), nullptr, nullptr)) {
      const UniqueFd connection(fd);
      Answer(fd);
    }
  }
  void Answer(int fd) {
    std::string request;
    char bytes[4096];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const ssize_t count = recv(fd, bytes, sizeof bytes, 0);
      if (count <= 0) return;
      request.append(bytes, static_cast<size_t>(count));
    }
    {
      std::lock_guard lock(mu_);
      requests_.push_back(request);
    }
    size_t from = 0;
    if (const size_t at = request.find("Range: bytes="); at != std::string::npos)
      from = std::stoul(request.substr(at + 13));
    std::string status = from > 0 ? "206 Partial Content" : "200 OK";
    if (from >= content_.size()) status = "416 Range Not Satisfiable";
    if (!status_.empty()) status = status_;
    const std::string body = status[0] == '2' ? content_.substr(from) : "";
    std::string answer = "HTTP/1.1 " + status +
                         "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size());
    if (from > 0 && status[0] == '2') {
      answer += "\r\nContent-Range: bytes " + std::to_string(from) + "-" +
                std::to_string(content_.size() - 1) + "/" + std::to_string(content_.size());
    }
    answer += "\r\n\r\n" + body.substr(0, std::exchange(cut_after_, std::string::npos));
    for (size_t sent = 0; sent < answer.size();) {
      const ssize_t count = send(fd, answer.data() + sent, answer.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) return;
      sent += static_cast<size_t>(count);
    }
  }

  const std::string content_;
  const UniqueFd listener_;
  int port_ = 0;
  size_t cut_after_ = std::string::npos;
  std::string status_;
  std::mutex mu_;
  std::vector<std::string> requests_;
  std::jthread thread_;
};

// The archive's layout with made-up content: holes, which compress to almost nothing.
class DataFetchTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    setenv("no_proxy", "127.0.0.1", /*overwrite=*/1);
    const TempDir dir;
    std::filesystem::create_directories(dir.path() / kFolder);
    for (const std::string& name : DatasetFileNames()) {
      std::ofstream((dir.path() / kFolder / name).string()).flush();
      std::filesystem::resize_file(dir.path() / kFolder / name,
                                   uintmax_t{kRecordBytes} * kRecordsPerFile);
    }
    const std::string pack =
        "tar -czf " + dir.File("a.tgz") + " -C " + dir.path().string() + " " + kFolder;
    ASSERT_EQ(std::system(pack.c_str()), 0);
    std::ifstream in(dir.File("a.tgz"), std::ios::binary);
    archive = std::string(std::istreambuf_iterator<char>(in), {});
    archive_sha256 = Sha256Hex(archive);
  }

  FetchOptions Options(const HttpServer& server) {
    FetchOptions options;
    options.data_dir = dir_.path() / "data";
    options.url = server.Url();
    options.sha256 = archive_sha256;
    return options;
  }
  bool AnythingLeft() {
    for (const char* name : {"data/cifar-10-binary.tar.gz.part", "data/.unpacking"}) {
      if (std::filesystem::exists(dir_.path() / name)) return true;
    }
    return false;
  }

  static std::string archive, archive_sha256;
  TempDir dir_;
};

std::string DataFetchTest::archive, DataFetchTest::archive_sha256;

TEST_F(DataFetchTest, DownloadsVerifiesUnpacksAndNotesThatItIsOfficial) {
  HttpServer server(archive);
  ASSERT_OK(FetchCifar10(Options(server)));
  ASSERT_OK_AND_ASSIGN(const DatasetFiles files,
                       CheckDataset(dir_.path() / "data", dir_.path() / "cache.json"));
  EXPECT_TRUE(files.official);
  EXPECT_FALSE(AnythingLeft());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(files.dir), {}), 7);
}

TEST_F(DataFetchTest, GoesOnWhereItStopped) {
  HttpServer server(archive);
  server.CutFirstAnswerAfter(archive.size() / 2);
  const absl::Status cut = FetchCifar10(Options(server));
  EXPECT_THAT(
      cut, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("cannot download http://127.0.0.1")));
  EXPECT_THAT(HintOf(cut), HasSubstr("go on where it stopped"));
  ASSERT_OK(FetchCifar10(Options(server)));
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_THAT(requests[1], HasSubstr("Range: bytes=" + std::to_string(archive.size() / 2) + "-"));
}

TEST_F(DataFetchTest, RefusesAnotherContentAndRemovesIt) {
  HttpServer server(archive);
  FetchOptions options = Options(server);
  options.sha256 = kOfficialSha256;
  const absl::Status status = FetchCifar10(options);
  EXPECT_THAT(status,
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("its SHA-256 is " + archive_sha256)));
  EXPECT_FALSE(AnythingLeft());
  EXPECT_FALSE(std::filesystem::exists(dir_.path() / "data" / kFolder));
}

TEST_F(DataFetchTest, BreaksOffADownloadThatIsTooLargeAndKeepsNothing) {
  HttpServer server(archive);
  FetchOptions options = Options(server);
  options.max_bytes = static_cast<int64_t>(archive.size()) - 1;
  EXPECT_THAT(FetchCifar10(options),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("larger than the official")));
  EXPECT_FALSE(AnythingLeft());
  EXPECT_OK(FetchCifar10(Options(server)));
}

TEST_F(DataFetchTest, TakesACompleteDownloadThatWasNotUnpacked) {
  HttpServer server(archive);
  std::filesystem::create_directories(dir_.path() / "data");
  std::ofstream(dir_.path() / "data" / "cifar-10-binary.tar.gz.part", std::ios::binary) << archive;
  EXPECT_OK(FetchCifar10(Options(server)));
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST_F(DataFetchTest, BeginsAnewWhenTheRestIsOfNoUse) {
  HttpServer server(archive);
  std::filesystem::create_directories(dir_.path() / "data");
  std::ofstream(dir_.path() / "data" / "cifar-10-binary.tar.gz.part")
      << std::string(archive.size() + 5, 'x');
  EXPECT_OK(FetchCifar10(Options(server)));
}

TEST_F(DataFetchTest, SaysThatThereIsNoSuchFile) {
  HttpServer server(archive);
  server.AnswerWith("404 Not Found");
  EXPECT_THAT(FetchCifar10(Options(server)),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("404")));
}

TEST_F(DataFetchTest, SaysThatNobodyAnswers) {
  FetchOptions options;
  options.data_dir = dir_.path();
  options.url = "http://127.0.0.1:1/archive";
  const absl::Status status = FetchCifar10(options);
  EXPECT_THAT(status,
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("http://127.0.0.1:1/archive")));
  EXPECT_THAT(HintOf(status), HasSubstr("check the network"));
}

TEST_F(DataFetchTest, SaysThatTheDirectoryCannotBeUsed) {
  std::ofstream(dir_.File("file")) << "x";
  FetchOptions options;
  options.data_dir = dir_.path() / "file" / "data";
  EXPECT_THAT(FetchCifar10(options),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("file/data")));
}

}  // namespace
}  // namespace laptime::agent
