#include "engine/hooks.hpp"

#include "base/text.hpp"

namespace engine {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using domain::HookPoint;

namespace {

constexpr std::size_t said_bytes_max = 400; // of what a failed command has said: its end

std::string end_of(const std::string& said) {
  return said.substr(said.size() > said_bytes_max ? said.size() - said_bytes_max : 0);
}

} // namespace

std::string_view name_of(HookPoint point) {
  switch (point) {
  case HookPoint::pre_check: return "pre_check";
  case HookPoint::pre_quiesce: return "pre_quiesce";
  case HookPoint::post_secure: return "post_secure";
  case HookPoint::post_start: return "post_start";
  case HookPoint::post_ready: return "post_ready";
  case HookPoint::pre_rollback: return "pre_rollback";
  case HookPoint::post_rollback: return "post_rollback";
  }
  return "?";
}

world::Environment command_environment(const Context& context) {
  return {
      {"BELAY_STACK", context.plan.stack},
      {"BELAY_OPERATION", context.plan.operation},
      {"BELAY_KIND", context.plan.kind == state::OperationKind::upgrade ? "upgrade" : "rollback"},
      {"BELAY_TO", context.plan.to},
      {"BELAY_POINT", context.plan.point},
      {"BELAY_WHY", context.why}};
}

Result<> run_command(Context& context, const domain::CommandSpec& spec, world::Environment more,
                     Record& out) {
  world::Command command;
  command.argv = spec.argv;
  command.working_folder = context.settings.stack.project_folder;
  command.environment = command_environment(context);
  command.environment.insert(command.environment.end(), more.begin(), more.end());
  command.timeout = spec.timeout;
  auto run = context.world.processes.run(command);
  if (!run && run.error().kind == ErrorKind::unknown_outcome)
    return Error{ErrorKind::failed, "its outcome is unknown: " + run.error().message,
                 run.error().hint};
  const world::Output output = TRY(std::move(run));
  const std::string said = end_of(base::printable(output.err.empty() ? output.out : output.err));
  out.detail.push_back(spec.argv[0] + ": exit status " + std::to_string(output.exit_code));
  if (output.exit_code == 0)
    return ok();
  return Error{output.exit_code == exit_not_now ? ErrorKind::not_now : ErrorKind::failed,
               "it ended with exit status " + std::to_string(output.exit_code) +
                   (said.empty() ? "" : ": " + said),
               ""};
}

Result<> run_hooks(Context& context, HookPoint point, Record& out) {
  for (const domain::Hook& hook : context.settings.stack.hooks)
    if (hook.at == point)
      TRY_CONTEXT(
          run_command(context, hook.command, {{"BELAY_HOOK", std::string{name_of(point)}}}, out),
          "hook " + std::string{name_of(point)} + " '" + hook.command.argv[0] + "'");
  return ok();
}

void run_hooks_of_way_back(Context& context, HookPoint point, Record& out) {
  if (auto run = run_hooks(context, point, out); !run) {
    out.detail.push_back("passed over: " + run.error().message);
    context.say(world::EventKind::warning, "passed over: " + run.error().message);
  }
}

} // namespace engine
