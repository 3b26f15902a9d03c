#include "server/security/access_list.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <cctype>

#include "proto/support/sha256.h"

namespace laptime {
namespace {

bool IsGood(const storage::CertificateRow& certificate, int64_t now_unix_ms) {
  return !certificate.revoked && certificate.expires_unix_ms > now_unix_ms;
}

}  // namespace

bool IsGood(const v1::Token& token, int64_t now_unix_ms) {
  return !token.has_revoked_unix_ms() &&
         (!token.has_expires_unix_ms() || token.expires_unix_ms() > now_unix_ms);
}

bool HasAdministrator(const std::vector<storage::TokenRow>& tokens, int64_t now_unix_ms) {
  return std::ranges::any_of(tokens, [&](const storage::TokenRow& row) {
    return row.token.role() == v1::ROLE_ADMIN && IsGood(row.token, now_unix_ms);
  });
}

std::string RoleName(v1::Role role) {
  constexpr size_t kPrefix = std::char_traits<char>::length("ROLE_");
  std::string name = v1::Role_Name(role);
  if (name.size() > kPrefix) name = name.substr(kPrefix);
  std::ranges::transform(name, name.begin(),
                         [](unsigned char letter) { return std::tolower(letter); });
  return name;
}

AccessList::AccessList(std::vector<storage::TokenRow> tokens,
                       std::vector<storage::CertificateRow> certificates) {
  for (storage::TokenRow& row : tokens) tokens_[row.token.id()] = std::move(row);
  for (storage::CertificateRow& row : certificates) certificates_[row.serial] = std::move(row);
}

void AccessList::Put(const storage::TokenRow& token) {
  MutexLock lock(mu_);
  tokens_[token.token.id()] = token;
}

void AccessList::Put(const storage::CertificateRow& certificate) {
  MutexLock lock(mu_);
  certificates_[certificate.serial] = certificate;
}

void AccessList::RevokeToken(const std::string& id, int64_t now_unix_ms) {
  MutexLock lock(mu_);
  const auto found = tokens_.find(id);
  if (found == tokens_.end() || found->second.token.has_revoked_unix_ms()) return;
  found->second.token.set_revoked_unix_ms(now_unix_ms);
}

void AccessList::ForgetToken(const std::string& id) {
  MutexLock lock(mu_);
  tokens_.erase(id);
}

void AccessList::RevokeHost(const std::string& host_id) {
  MutexLock lock(mu_);
  for (auto& [serial, row] : certificates_) row.revoked = row.revoked || row.host_id == host_id;
}

std::optional<storage::TokenRow> AccessList::Find(const std::string& id, const std::string& secret,
                                                  int64_t now_unix_ms) const {
  const std::string hash = Sha256Hex(secret);
  MutexLock lock(mu_);
  const auto found = tokens_.find(id);
  if (found == tokens_.end()) return std::nullopt;
  const std::string& stored = found->second.secret_sha256;
  const bool same =
      stored.size() == hash.size() && CRYPTO_memcmp(stored.data(), hash.data(), hash.size()) == 0;
  if (!same || !IsGood(found->second.token, now_unix_ms)) return std::nullopt;
  return found->second;
}

std::optional<Caller> AccessList::Person(const std::string& id, const std::string& secret,
                                         int64_t now_unix_ms) const {
  const std::optional<storage::TokenRow> row = Find(id, secret, now_unix_ms);
  if (!row || row->token.role() == v1::ROLE_AGENT) return std::nullopt;
  const v1::Token& token = row->token;
  return Caller{.role = token.role(),
                .name = RoleName(token.role()) + " " + token.label() + " (" + token.id() + ")",
                .token_id = token.id()};
}

std::optional<Caller> AccessList::Machine(const std::string& serial, const std::string& host_id,
                                          int64_t now_unix_ms) const {
  MutexLock lock(mu_);
  const auto found = certificates_.find(serial);
  if (found == certificates_.end() || found->second.host_id != host_id ||
      !IsGood(found->second, now_unix_ms)) {
    return std::nullopt;
  }
  return Caller{.role = v1::ROLE_AGENT,
                .name = RoleName(v1::ROLE_AGENT) + " " + host_id,
                .host_id = host_id,
                .serial = serial};
}

bool AccessList::StillGood(const Caller& caller, int64_t now_unix_ms) const {
  MutexLock lock(mu_);
  if (!caller.token_id.empty()) {
    const auto found = tokens_.find(caller.token_id);
    return found != tokens_.end() && IsGood(found->second.token, now_unix_ms);
  }
  const auto found = certificates_.find(caller.serial);
  return found != certificates_.end() && IsGood(found->second, now_unix_ms);
}

int AccessList::InForce(const std::string& host_id, int64_t now_unix_ms) const {
  MutexLock lock(mu_);
  return static_cast<int>(std::ranges::count_if(certificates_, [&](const auto& entry) {
    return entry.second.host_id == host_id && IsGood(entry.second, now_unix_ms);
  }));
}

}  // namespace laptime
