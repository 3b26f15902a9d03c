#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace laptime {

// What a coordinator hands to a machine or a person, as one line of text:
//
//   laptime1_ID_SECRET_CA
//
// ID (public, 12 hex digits) finds the token, SECRET (128 random bits, 32 hex digits) proves it, CA
// is the SHA-256 of the coordinator's own CA certificate (DER, 64 hex digits): whoever carries the
// token can make sure of the coordinator before telling it the secret.
struct AccessToken {
  std::string id;
  std::string secret;
  std::string ca_sha256;

  std::string text() const;
  // What people's calls carry after "authorization: Bearer ": "ID.SECRET".
  std::string bearer() const;
};

// Blanks and line breaks around the text do not count. kInvalidArgument, which never repeats the
// text.
absl::StatusOr<AccessToken> ParseAccessToken(const std::string& text);

}  // namespace laptime
