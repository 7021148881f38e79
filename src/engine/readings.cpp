#include "engine/readings.hpp"

#include <array>

#include <nlohmann/json.hpp>

namespace engine {

namespace {

using base::Error;
using base::ErrorKind;
using base::ok;
using base::Result;
using nlohmann::json;

constexpr int readings_version = 1;
constexpr std::array answer_names{"ok", "failed", "unknown"};

std::string line_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// All readings of a round have its time.
std::vector<judge::Reading> round_from(const json& from) {
  std::vector<judge::Reading> round;
  for (const json& each : from.at("readings")) {
    judge::Reading reading;
    reading.at_ms = from.at("at_ms");
    reading.request = each.at(0);
    const std::string answer = each.at(1);
    reading.answer = answer == "ok"       ? judge::Answer::ok
                     : answer == "failed" ? judge::Answer::failed
                                          : judge::Answer::unknown;
    reading.latency_ms = each.at(2);
    if (each.size() > 3)
      reading.number = each.at(3).get<double>();
    round.push_back(std::move(reading));
  }
  return round;
}

judge::Policy policy_from(const json& from) {
  judge::Policy policy;
  policy.watch_ms = from.at("watch_ms");
  policy.warm_up_ms = from.at("warm_up_ms");
  policy.baseline_ms = from.at("baseline_ms");
  policy.history_min_ms = from.at("history_min_ms");
  policy.ratio_min = from.at("ratio_min");
  policy.numbers = from.at("numbers").get<std::vector<std::string>>();
  return policy;
}

judge::Placebo placebo_from(const json& from) {
  judge::Placebo placebo;
  placebo.measure =
      from.at("measure") == "number" ? judge::Measure::number : judge::Measure::latency;
  placebo.request = from.at("request");
  placebo.span_ms = from.at("span_ms");
  placebo.shifts = from.at("shifts").get<std::vector<double>>();
  return placebo;
}

Result<> take(JudgedCase& all, const std::string& payload) {
  const json from = json::parse(payload);
  const std::string kind = from.at("kind");
  if (kind == "policy") {
    if (from.at("version").get<int>() > readings_version)
      return Error{ErrorKind::too_new, "the readings are from a newer belay",
                   "Use the belay that wrote them, or a newer one."};
    all = JudgedCase{};
    all.policy = policy_from(from);
    all.has_policy = true;
  } else if (kind == "watch") {
    all.has_watch = true;
    all.readings.watch_begun_ms = from.at("at_ms");
    all.readings.after.clear();
    all.readings.placebos.clear();
    all.verdicts.clear();
  } else if (kind == "round") {
    auto& side = from.at("side") == "before" ? all.readings.before : all.readings.after;
    for (judge::Reading& reading : round_from(from))
      side.push_back(std::move(reading));
  } else if (kind == "placebo") {
    all.readings.placebos.push_back(placebo_from(from));
  } else if (kind == "verdict") {
    const int look = from.at("look");
    if (look < 0 || look > judge::looks)
      return Error{ErrorKind::corrupt, "a verdict is of look " + std::to_string(look), ""};
    all.verdicts.push_back({look, payload});
  }
  return ok();
}

json json_of(const judge::Finding& finding) {
  json object{{"measure", judge::name_of(finding.measure)},
              {"request", finding.request},
              {"verdict", judge::name_of(finding.verdict)},
              {"count_before", finding.count_before},
              {"count_after", finding.count_after},
              {"before", finding.before},
              {"after", finding.after},
              {"placebos", finding.placebos},
              {"why", finding.why}};
  const auto put = [&](const char* key, const std::optional<double>& value) {
    if (value)
      object[key] = *value;
  };
  put("limit", finding.limit);
  put("p", finding.p);
  put("p_max", finding.p_max);
  put("quieter", finding.quieter);
  return object;
}

} // namespace

judge::Policy policy_of(const domain::Stack& stack) {
  const domain::JudgePolicy& from = stack.upgrade.judge;
  judge::Policy policy;
  policy.watch_ms = stack.upgrade.watch.count();
  policy.warm_up_ms = from.warm_up.count();
  policy.baseline_ms = from.baseline.count();
  policy.history_min_ms = from.history.count();
  policy.ratio_min = from.ratio;
  policy.numbers = from.numbers;
  return policy;
}

std::string encode_policy(const judge::Policy& policy) {
  return line_of({{"kind", "policy"},
                  {"version", readings_version},
                  {"watch_ms", policy.watch_ms},
                  {"warm_up_ms", policy.warm_up_ms},
                  {"baseline_ms", policy.baseline_ms},
                  {"history_min_ms", policy.history_min_ms},
                  {"ratio_min", policy.ratio_min},
                  {"numbers", policy.numbers}});
}

std::string encode_round(const std::string& side, int generation,
                         const std::vector<judge::Reading>& round) {
  json readings = json::array();
  for (const judge::Reading& reading : round) {
    json each{reading.request, answer_names.at(static_cast<std::size_t>(reading.answer)),
              reading.latency_ms};
    if (reading.number)
      each.push_back(*reading.number);
    readings.push_back(std::move(each));
  }
  return line_of({{"kind", "round"},
                  {"side", side},
                  {"generation", generation},
                  {"at_ms", round.empty() ? 0 : round.front().at_ms},
                  {"readings", readings}});
}

std::string encode_watch(std::int64_t begun_ms) {
  return line_of({{"kind", "watch"}, {"at_ms", begun_ms}});
}

std::string encode_placebo(const judge::Placebo& placebo) {
  return line_of({{"kind", "placebo"},
                  {"measure", judge::name_of(placebo.measure)},
                  {"request", placebo.request},
                  {"span_ms", placebo.span_ms},
                  {"shifts", placebo.shifts}});
}

std::string encode_judgement(const judge::Judgement& judgement) {
  json findings = json::array();
  for (const judge::Finding& finding : judgement.findings)
    findings.push_back(json_of(finding));
  return line_of({{"kind", "verdict"},
                  {"verdict", judge::name_of(judgement.verdict)},
                  {"look", judgement.look},
                  {"looks", judge::looks},
                  {"elapsed_ms", judgement.elapsed_ms},
                  {"findings", findings}});
}

Result<JudgedCase> load_case(world::Files& files, const std::string& path) {
  const auto log = TRY(journal::Journal::look(files, path));
  JudgedCase all;
  try {
    for (const std::string& payload : log.records())
      TRY(take(all, payload));
  } catch (const json::exception& exception) {
    return Error{ErrorKind::corrupt, "'" + path + "' is damaged: " + exception.what(), ""};
  }
  return all;
}

Result<std::vector<QuietRound>> load_history(world::Files& files, const std::string& path) {
  const auto log = TRY(journal::Journal::look(files, path));
  std::vector<QuietRound> rounds;
  try {
    for (const std::string& payload : log.records()) {
      const json from = json::parse(payload);
      if (from.at("kind") == "round")
        rounds.push_back({from.at("generation").get<int>(), round_from(from)});
    }
  } catch (const json::exception& exception) {
    return Error{ErrorKind::corrupt, "'" + path + "' is damaged: " + exception.what(), ""};
  }
  return rounds;
}

} // namespace engine
