#include "server/security/initialise.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "proto/support/durable_file.h"
#include "proto/support/status.h"
#include "server/security/access_desk.h"
#include "server/security/certificate_authority.h"
#include "server/security/tls_files.h"
#include "storage/store.h"

namespace laptime {
namespace {

absl::Status Write(const std::filesystem::path& path, const std::string& text) {
  const std::error_code error = WriteStateFile(path, text);
  if (!error) return absl::OkStatus();
  return WithHint(absl::StatusCode::kFailedPrecondition,
                  "cannot write " + path.string() + ": " + error.message(),
                  "is the disk full, or the directory somebody else's?");
}

std::vector<std::string> AllNames(const InitOptions& options) {
  std::vector<std::string> names = options.names;
  for (const std::string& name : DefaultNames()) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  return names;
}

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

absl::Status WriteServerPair(const TlsPaths& paths, const CertificateAuthority& authority,
                             const std::vector<std::string>& names, int64_t now) {
  absl::StatusOr<CertificateAuthority::ServerIdentity> made = authority.IssueServer(names, now);
  if (!made.ok()) return made.status();
  LAPTIME_RETURN_IF_ERROR(Write(paths.key(), made->key));
  return Write(paths.chain(), made->chain);
}

absl::Status MakeAdministrator(const TlsPaths& paths, storage::Store& store,
                               const CertificateAuthority& authority, int64_t now) {
  v1::Token description;
  description.set_role(v1::ROLE_ADMIN);
  description.set_label("init");
  description.set_created_by("laptime-server init");
  description.set_created_unix_ms(now);
  const NewToken token = MakeToken(std::move(description), authority.sha256());
  LAPTIME_RETURN_IF_ERROR(
      store.Write([&](storage::Transaction& tx) { return tx.InsertToken(token.row); }));
  return Write(paths.admin_token(), token.text + "\n");
}

std::string NextSteps(const TlsPaths& paths, const std::vector<std::string>& names) {
  return "this coordinator answers as " + Joined(names) +
         "\n"
         "next, here:            laptime-server serve --listen 0.0.0.0:7440 --state " +
         paths.state.string() +
         "\n"
         "                       laptime login localhost:7440 --token-file " +
         paths.admin_token().string() +
         "\n"
         "                       laptime token create --role agent > box.token\n"
         "on each other machine: laptime-agent join --server " +
         names.front() + ":7440 --token-file box.token\n" +
         "                       laptime-agent run\n";
}

}  // namespace

std::vector<std::string> DefaultNames() {
  std::vector<std::string> names;
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) == 0 && host[0] != '\0') {
    names.emplace_back(host.data());
  }
  for (const char* name : {"localhost", "127.0.0.1", "::1"}) names.emplace_back(name);
  return names;
}

absl::StatusOr<std::string> Initialise(const InitOptions& options, const Clock& clock) {
  const TlsPaths paths{options.state_dir};
  const std::vector<std::string> names = AllNames(options);
  const int64_t now = UnixMs(clock.WallNow());
  storage::StoreOptions store_options;
  store_options.path = (paths.state / "laptime.db").string();
  // Also keeps a running coordinator and a second init away.
  absl::StatusOr<std::unique_ptr<storage::Store>> store = storage::Store::Open(store_options);
  if (!store.ok()) return store.status();
  if (IsInitialised(options.state_dir)) {
    const absl::StatusOr<CertificateAuthority> authority = ReadAuthority(paths);
    if (!authority.ok()) return authority.status();
    LAPTIME_RETURN_IF_ERROR(WriteServerPair(paths, *authority, names, now));
    return "the authority stays; this coordinator answers as " + Joined(names) + " now\n";
  }
  absl::StatusOr<CertificateAuthority> authority = CertificateAuthority::Create(now);
  if (!authority.ok()) return authority.status();
  LAPTIME_RETURN_IF_ERROR(WriteServerPair(paths, *authority, names, now));
  LAPTIME_RETURN_IF_ERROR(MakeAdministrator(paths, **store, *authority, now));
  LAPTIME_RETURN_IF_ERROR(Write(paths.ca_key(), authority->key_pem()));
  // Last: it is what makes the directory an initialised one.
  LAPTIME_RETURN_IF_ERROR(Write(paths.ca_certificate(), authority->certificate_pem()));
  std::error_code ignored;
  std::filesystem::permissions(
      paths.ca_certificate(),
      std::filesystem::perms::group_read | std::filesystem::perms::others_read,
      std::filesystem::perm_options::add, ignored);
  return NextSteps(paths, names);
}

}  // namespace laptime
