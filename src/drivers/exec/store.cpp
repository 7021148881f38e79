#include "drivers/exec/store.hpp"

#include "base/text.hpp"

namespace drivers::exec {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using domain::Movement;

namespace {

Subject subject_of_store(const domain::StoreSpec& spec) {
  return {.kind = "store", .name = spec.name, .driver = spec.driver};
}

Request about_snapshot(const char* name, Nature nature, const domain::Snapshot& snapshot) {
  return {.name = name,
          .nature = nature,
          .texts = {{"kept", snapshot.kept}, {"digest", snapshot.digest}},
          .numbers = {{"files", snapshot.files}, {"bytes", snapshot.bytes}}};
}

Request about_snapshot(const char* name, Nature nature, const domain::Abandoned& abandoned) {
  return {.name = name,
          .nature = nature,
          .texts = {{"kept", abandoned.kept}},
          .numbers = {{"files", abandoned.files}, {"bytes", abandoned.bytes}}};
}

Result<domain::Snapshot> snapshot_of(const domain::StoreSpec& spec, const Answer& answer) {
  domain::Snapshot snapshot;
  snapshot.store = spec.name;
  snapshot.kept = TRY(answer.identity("kept"));
  snapshot.digest = TRY(answer.identity("digest"));
  snapshot.files = TRY(answer.number("files"));
  snapshot.bytes = TRY(answer.number("bytes"));
  return snapshot;
}

Result<Movement> movement_of(const Subject& subject, const std::string& word) {
  if (word == "none")
    return Movement::none;
  if (word == "data_only")
    return Movement::data_only;
  if (word == "layout")
    return Movement::layout;
  if (word == "unreadable")
    return Movement::unreadable;
  return Error{ErrorKind::invalid_input,
               subject.words() + " answered 'evidence' with the movement '" +
                   base::printable(word) + "'",
               "Use none, data_only, layout or unreadable."};
}

} // namespace

Result<domain::StoreState> Store::inspect(const domain::StoreSpec& spec) {
  TRY(caller_.check_kind(subject_of_store(spec)));
  const Answer answer = TRY(caller_.ask(subject_of_store(spec), {.name = "inspect"}));
  domain::StoreState state;
  state.size = {TRY(answer.number_or_0("files")), TRY(answer.number("bytes"))};
  state.free_bytes = TRY(answer.number("free_bytes"));
  state.kept_folder = TRY(answer.text_or_empty("kept_folder"));
  state.problems = TRY(answer.texts_or_none("problems"));
  return state;
}

Result<domain::CaptureReport> Store::capture(const domain::StoreSpec& spec, const char* request,
                                             const std::string& point,
                                             const world::Progress& progress) {
  const Answer answer =
      TRY(caller_.ask(subject_of_store(spec),
                      {.name = request, .nature = Nature::change, .texts = {{"point", point}}}));
  domain::CaptureReport report;
  report.snapshot = TRY(snapshot_of(spec, answer));
  report.copied = {TRY(answer.number_or_0("copied_files")),
                   TRY(answer.number_or_0("copied_bytes"))};
  if (progress)
    progress(report.snapshot.bytes, report.snapshot.bytes);
  return report;
}

Result<domain::CaptureReport> Store::protect(const domain::StoreSpec& spec,
                                             const std::string& point,
                                             const world::Progress& progress) {
  return capture(spec, "protect", point, progress);
}

// A copy is none until it was read back, whatever was answered.
Result<domain::CaptureReport> Store::secure(const domain::StoreSpec& spec, const std::string& point,
                                            const world::Progress& progress) {
  auto report = TRY(capture(spec, "secure", point, progress));
  TRY_CONTEXT(verify(spec, report.snapshot, world::Depth::full), "what was just secured");
  report.snapshot.is_secured = true;
  return report;
}

Result<> Store::verify(const domain::StoreSpec& spec, const domain::Snapshot& snapshot,
                       world::Depth depth) {
  Request request = about_snapshot("verify", Nature::look, snapshot);
  request.texts.emplace_back("depth", depth == world::Depth::full ? "full" : "quick");
  TRY(caller_.ask(subject_of_store(spec), request));
  return ok();
}

Result<domain::Evidence> Store::evidence(const domain::StoreSpec& spec,
                                         const domain::Snapshot& snapshot) {
  const Answer answer =
      TRY(caller_.ask(subject_of_store(spec), about_snapshot("evidence", Nature::look, snapshot)));
  const Movement movement = TRY(movement_of(subject_of_store(spec), TRY(answer.text("movement"))));
  return domain::Evidence{spec.name, movement, TRY(answer.text("detail"))};
}

Result<domain::Abandoned> Store::restore(const domain::StoreSpec& spec,
                                         const domain::Snapshot& snapshot,
                                         const std::string& abandoned_id) {
  Request request = about_snapshot("restore", Nature::change, snapshot);
  request.texts.emplace_back("abandoned", abandoned_id);
  const Answer answer = TRY(caller_.ask(subject_of_store(spec), request));
  domain::Abandoned abandoned;
  abandoned.store = spec.name;
  abandoned.kept = TRY(answer.identity("kept"));
  abandoned.files = TRY(answer.number("files"));
  abandoned.bytes = TRY(answer.number("bytes"));
  abandoned.differences = TRY(answer.number("differences"));
  return abandoned;
}

Result<domain::Snapshot> Store::adopt(const domain::StoreSpec& spec,
                                      const domain::Abandoned& abandoned) {
  const Answer answer =
      TRY(caller_.ask(subject_of_store(spec), about_snapshot("adopt", Nature::look, abandoned)));
  domain::Snapshot snapshot = TRY(snapshot_of(spec, answer));
  snapshot.is_secured = true;
  return snapshot;
}

Result<> Store::export_written(const domain::StoreSpec& spec, const domain::Abandoned& abandoned,
                               const std::string& into) {
  Request request = about_snapshot("export", Nature::change, abandoned);
  request.texts.emplace_back("into", into);
  TRY(caller_.ask(subject_of_store(spec), request));
  return ok();
}

Result<> Store::discard(const domain::StoreSpec& spec, const std::string& id) {
  CHECK(!id.empty() && !id.contains('/') && id.front() != '.');
  TRY(caller_.ask(subject_of_store(spec),
                  {.name = "discard", .nature = Nature::change, .texts = {{"id", id}}}));
  return ok();
}

} // namespace drivers::exec
