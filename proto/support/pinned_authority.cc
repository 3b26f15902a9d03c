#include "proto/support/pinned_authority.h"

#include <fcntl.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <memory>

#include "proto/support/pem.h"
#include "proto/support/status.h"

namespace laptime {
namespace {

using Context = std::unique_ptr<SSL_CTX, FreeWith<SSL_CTX_free>>;
using Connection = std::unique_ptr<SSL, FreeWith<SSL_free>>;
using Deadline = std::chrono::steady_clock::time_point;

// A descriptor that closes itself.
class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

absl::Status NobodyThere(const std::string& address, const std::string& why) {
  return WithHint(absl::StatusCode::kUnavailable,
                  "no coordinator with certificates answers at " + address + ": " + why,
                  "is laptime-server running there, after `laptime-server init`?");
}

bool WaitFor(int fd, short events, Deadline deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      deadline - std::chrono::steady_clock::now());
  pollfd waiting{fd, events, 0};
  return left.count() > 0 && poll(&waiting, 1, static_cast<int>(left.count())) == 1;
}

// The first of the name's addresses where somebody takes a connection.
absl::StatusOr<std::unique_ptr<Socket>> Connect(const std::string& address, Deadline deadline) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0) {
    return WithHint(absl::StatusCode::kInvalidArgument, "'" + address + "' is no address",
                    "HOST:PORT, like box.example.org:7440");
  }
  std::string host = address.substr(0, colon);
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), address.substr(colon + 1).c_str(), &wanted, &found);
  const std::unique_ptr<addrinfo, FreeWith<freeaddrinfo>> list(found);
  if (error != 0) return NobodyThere(address, gai_strerror(error));
  std::string why = "no address";
  for (const addrinfo* one = list.get(); one != nullptr; one = one->ai_next) {
    auto made = std::make_unique<Socket>(socket(one->ai_family, one->ai_socktype, 0));
    if (made->fd() < 0) continue;
    fcntl(made->fd(), F_SETFD, FD_CLOEXEC);
    fcntl(made->fd(), F_SETFL, O_NONBLOCK);
    if (connect(made->fd(), one->ai_addr, one->ai_addrlen) == 0) return made;
    int failure = errno;
    if (failure == EINPROGRESS && WaitFor(made->fd(), POLLOUT, deadline)) {
      socklen_t size = sizeof(failure);
      getsockopt(made->fd(), SOL_SOCKET, SO_ERROR, &failure, &size);
      // A reset: somebody took the connection and has ended it already.
      if (failure == 0 || failure == ECONNRESET) return made;
    }
    why = failure == EINPROGRESS ? "no answer" : std::generic_category().message(failure);
  }
  return NobodyThere(address, why);
}

// SSL_connect without the SIGPIPE that OpenSSL's write to an ended connection raises: it would end
// a program that has not ignored it, like the client, without a word.
int Connect(SSL* ssl) {
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  const int done = SSL_connect(ssl);
  sigset_t pending;
  sigpending(&pending);
  int taken = 0;
  if (sigismember(&before, SIGPIPE) == 0 && sigismember(&pending, SIGPIPE) == 1)
    sigwait(&pipe, &taken);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return done;
}

// A handshake that looks at no certificate: the pin is what counts.
absl::Status ShakeHands(SSL* ssl, int fd, const std::string& address, Deadline deadline) {
  while (true) {
    const int done = Connect(ssl);
    if (done == 1) return absl::OkStatus();
    const int wants = SSL_get_error(ssl, done);
    const bool again = wants == SSL_ERROR_WANT_READ || wants == SSL_ERROR_WANT_WRITE;
    const short events = wants == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN;
    if (!again || !WaitFor(fd, events, deadline))
      return NobodyThere(address, again ? "no answer" : "it does not speak TLS");
  }
}

struct Tls {
  std::unique_ptr<Socket> socket;
  Context context;
  Connection ssl;
};

// A connection before its handshake.
absl::StatusOr<Tls> WithTls(std::unique_ptr<Socket> socket) {
  Tls tls;
  tls.socket = std::move(socket);
  tls.context.reset(SSL_CTX_new(TLS_client_method()));
  if (tls.context != nullptr) tls.ssl.reset(SSL_new(tls.context.get()));
  SSL* ssl = tls.ssl.get();
  constexpr unsigned char kHttp2[] = {2, 'h', '2'};
  if (ssl == nullptr || SSL_set_min_proto_version(ssl, TLS1_2_VERSION) != 1 ||
      SSL_set_alpn_protos(ssl, kHttp2, sizeof(kHttp2)) != 0 ||
      SSL_set_fd(ssl, tls.socket->fd()) != 1) {
    return absl::InternalError("OpenSSL refused to begin a connection");
  }
  return tls;
}

// A connection after its handshake.
absl::StatusOr<Tls> ConnectTls(const std::string& address, Deadline deadline) {
  absl::StatusOr<std::unique_ptr<Socket>> socket = Connect(address, deadline);
  if (!socket.ok()) return socket.status();
  absl::StatusOr<Tls> tls = WithTls(*std::move(socket));
  if (!tls.ok()) return tls.status();
  LAPTIME_RETURN_IF_ERROR(ShakeHands(tls->ssl.get(), tls->socket->fd(), address, deadline));
  return tls;
}

}  // namespace

absl::StatusOr<std::string> FetchPinnedAuthority(const std::string& address,
                                                 const std::string& sha256) {
  const absl::StatusOr<Tls> tls =
      ConnectTls(address, std::chrono::steady_clock::now() + kPinnedConnectTimeout);
  if (!tls.ok()) return tls.status();
  STACK_OF(X509)* chain = SSL_get_peer_cert_chain(tls->ssl.get());  // owned by the connection
  for (int i = 0; chain != nullptr && i < sk_X509_num(chain); ++i) {
    const X509& certificate = *sk_X509_value(chain, i);
    if (Sha256Of(certificate) == sha256) return PemOf(certificate);
  }
  return WithHint(absl::StatusCode::kUnauthenticated,
                  "the coordinator at " + address + " is not the one that made this token",
                  "is the address right? If it is, somebody stands in between; the token's secret "
                  "was not sent");
}

// Who ends the connection has accepted it, too: a server that is crowded is not deaf.
absl::Status CheckAnswers(const std::string& address, bool tls, std::chrono::milliseconds limit) {
  const Deadline deadline = std::chrono::steady_clock::now() + limit;
  absl::StatusOr<std::unique_ptr<Socket>> socket = Connect(address, deadline);
  if (!socket.ok()) return socket.status();
  const int fd = (*socket)->fd();
  absl::StatusOr<Tls> secured;  // owns the socket then
  if (tls) {
    secured = WithTls(*std::move(socket));
    if (!secured.ok()) return secured.status();
    SSL* const ssl = secured->ssl.get();
    const int done = Connect(ssl);  // here the client speaks first
    if (done == 1 || SSL_get_error(ssl, done) != SSL_ERROR_WANT_READ) return absl::OkStatus();
  }
  if (WaitFor(fd, POLLIN, deadline)) return absl::OkStatus();
  return absl::UnavailableError("no answer from " + address);
}

}  // namespace laptime
