#pragma once
// Result<T>: a value or an Error. The only error channel between our modules.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace base {

// What the caller can do about a failure. A kind exists only if some caller branches on it.
enum class ErrorKind {
  invalid_input,   // the user's command line, config or request is wrong
  not_found,       // the named thing does not exist
  conflict,        // the world is not what we were told it is, or it changed under us
  locked,          // another belay is at work on this stack
  unavailable,     // the other side may work later: retry
  unknown_outcome, // the effect may or may not have happened: probe before acting
  corrupt,         // stored bytes fail their checksum or schema
  failed,          // the effect ran and reported failure: do not retry blindly
  no_space,        // the disk or the quota is full: nothing was half-changed
  not_now,         // asked to wait: nothing was decided, the same may be tried again later
  interrupted,     // the operator asked us to stop; what was begun can be resumed
  too_new,         // written by a newer belay: upgrade belay, never guess
};

struct [[nodiscard]] Error {
  ErrorKind kind;
  std::string message; // lower case, no final stop: "unable to open '/x'"
  std::string hint;    // what the operator can do; a full sentence, or empty

  // Prefix the message with what we were doing: "upgrade gitea: pull image: ...".
  Error context(std::string_view doing) && {
    message = std::string{doing} + ": " + message;
    return std::move(*this);
  }
};

[[noreturn]] inline void panic(const char* what, const char* file, int line) {
  std::fprintf(stderr, "bug: %s at %s:%d\n", what, file, line);
  std::abort();
}

template <class T = void>
class [[nodiscard]] Result {
public:
  Result(T value) : state_{std::in_place_index<0>, std::move(value)} {}
  Result(Error error) : state_{std::in_place_index<1>, std::move(error)} {}

  explicit operator bool() const noexcept { return state_.index() == 0; }
  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }

private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
public:
  Result() = default;
  Result(Error error) : state_{std::in_place_index<1>, std::move(error)} {}

  explicit operator bool() const noexcept { return state_.index() == 0; }
  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }
  void value() const {}

private:
  std::variant<std::monostate, Error> state_;
};

inline Result<> ok() {
  return {};
}

} // namespace base

// Unwrap a Result, or return its Error to our caller. The name is unique, so that one may stand
// inside another.
#define TRY(expr) TRY_NAMED(expr, BELAY_JOIN(try_result_, __COUNTER__))
#define TRY_NAMED(expr, name)                                                                      \
  __extension__({                                                                                  \
    auto name = (expr);                                                                            \
    if (!name) [[unlikely]]                                                                        \
      return std::move(name).error();                                                              \
    std::move(name).value();                                                                       \
  })

// The same, adding what we were doing to the Error.
#define TRY_CONTEXT(expr, doing)                                                                   \
  TRY_CONTEXT_NAMED(expr, doing, BELAY_JOIN(try_result_, __COUNTER__))
#define TRY_CONTEXT_NAMED(expr, doing, name)                                                       \
  __extension__({                                                                                  \
    auto name = (expr);                                                                            \
    if (!name) [[unlikely]]                                                                        \
      return std::move(name).error().context(doing);                                               \
    std::move(name).value();                                                                       \
  })
#define BELAY_JOIN(a, b) BELAY_JOIN_AGAIN(a, b)
#define BELAY_JOIN_AGAIN(a, b) a##b

// A programmer error. Always on, also in release builds: a wrong orchestrator must stop.
#define CHECK(cond) ((cond) ? void(0) : ::base::panic(#cond, __FILE__, __LINE__))
