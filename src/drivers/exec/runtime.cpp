#include "drivers/exec/runtime.hpp"

namespace drivers::exec {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;

namespace {

Subject subject_of_service(const domain::ServiceSpec& service) {
  return {.kind = "runtime", .name = service.name, .driver = service.driver};
}

Request about_release(const char* name, Nature nature, const domain::Release& release) {
  return {.name = name,
          .nature = nature,
          .texts = {{"label", release.label}, {"id", release.folder}, {"digest", release.digest}}};
}

} // namespace

Result<domain::Release> Runtime::prepare(const domain::ServiceSpec& service,
                                         const std::string& label) {
  const Answer answer =
      TRY(caller_.ask(subject_of_service(service),
                      {.name = "prepare", .nature = Nature::change, .texts = {{"label", label}}}));
  domain::Release release{service.name, label, TRY(answer.identity("id")),
                          TRY(answer.identity("digest"))};
  TRY_CONTEXT(verify(service, release), "what was just prepared");
  return release;
}

Result<> Runtime::can_prepare(const domain::ServiceSpec& service, const std::string& label) {
  TRY(caller_.check_kind(subject_of_service(service)));
  TRY(caller_.ask(subject_of_service(service),
                  {.name = "can_prepare", .texts = {{"label", label}}}));
  return ok();
}

Result<> Runtime::verify(const domain::ServiceSpec& service, const domain::Release& release) {
  TRY(caller_.ask(subject_of_service(service), about_release("verify", Nature::look, release)));
  return ok();
}

Result<domain::Observed> Runtime::observe(const domain::ServiceSpec& service) {
  const Answer answer =
      TRY(caller_.ask(subject_of_service(service), {.name = "observe", .nature = Nature::glance}));
  domain::Observed observed;
  observed.is_running = TRY(answer.truth("running"));
  observed.detail = TRY(answer.text_or_empty("detail"));
  observed.strays = static_cast<int>(TRY(answer.number_or_0("strays")) & 0xffffU);
  if (!observed.is_running) {
    if (observed.detail.empty())
      observed.detail = "its driver says that it does not run";
    return observed;
  }
  observed.release_folder = TRY(answer.identity("id"));
  observed.start_id = TRY(answer.identity("start"));
  if (const auto pid = TRY(answer.number_or_0("pid")); pid > 0 && pid < 1U << 30U)
    observed.process = world::ProcessId{static_cast<int>(pid), 0, ""};
  return observed;
}

Result<std::optional<std::string>> Runtime::current_folder(const domain::ServiceSpec& service) {
  const Answer answer =
      TRY(caller_.ask(subject_of_service(service), {.name = "current", .nature = Nature::glance}));
  return answer.identity_or_null("id");
}

Result<> Runtime::switch_to(const domain::ServiceSpec& service, const domain::Release& release) {
  TRY(caller_.ask(subject_of_service(service), about_release("switch", Nature::change, release)));
  const auto current = TRY(current_folder(service));
  if (current != release.folder)
    return Error{ErrorKind::failed,
                 subject_of_service(service).words() +
                     " answered 'switch', but its current release is '" + current.value_or("none") +
                     "', not '" + release.folder + "'",
                 "Correct the driver: 'belay driver test' shows where it is wrong."};
  return ok();
}

Result<> Runtime::start(const domain::ServiceSpec& service) {
  TRY(caller_.ask(
      subject_of_service(service),
      {.name = "start", .nature = Nature::change, .texts = {{"start", world_.random.hex(16)}}}));
  return ok();
}

Result<> Runtime::stop(const domain::ServiceSpec& service) {
  TRY(caller_.ask(subject_of_service(service), {.name = "stop", .nature = Nature::change}));
  const domain::Observed observed = TRY(observe(service));
  if (observed.is_running || observed.strays > 0)
    return Error{ErrorKind::failed,
                 subject_of_service(service).words() +
                     " answered 'stop', but something of it still runs",
                 "Correct the driver: 'stop' answers when nothing is left."};
  return ok();
}

Result<> Runtime::hold(const domain::ServiceSpec& service) {
  TRY(caller_.ask(subject_of_service(service), {.name = "hold", .nature = Nature::change}));
  return ok();
}

Result<> Runtime::let_go(const domain::ServiceSpec& service) {
  TRY(caller_.ask(subject_of_service(service), {.name = "let_go", .nature = Nature::change}));
  return ok();
}

Result<std::string> Runtime::log_tail(const domain::ServiceSpec& service, int lines) {
  const Answer answer = TRY(caller_.ask(
      subject_of_service(service), {.name = "log",
                                    .nature = Nature::glance,
                                    .numbers = {{"lines", static_cast<std::uint64_t>(lines)}}}));
  std::string text = TRY(answer.text("text"));
  constexpr std::size_t shown = 8192;
  return text.size() > shown ? text.substr(text.size() - shown) : text;
}

Result<> Runtime::discard(const domain::ServiceSpec& service, const domain::Release& release) {
  TRY(caller_.ask(subject_of_service(service), about_release("discard", Nature::change, release)));
  return ok();
}

} // namespace drivers::exec
