// Build, the part for probes, gates and checks.
#include "base/pattern.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "config/build.hpp"
#include "config/scalars.hpp"

#include <algorithm>
#include <array>

namespace config {
namespace {

using domain::ProbeKind;
using domain::ProbeSpec;

// Where an http or tcp probe asks; nullopt for the other kinds.
std::optional<base::Endpoint> endpoint_of(const Value& section) {
  if (const Value* page = section.find("at"); page != nullptr && section.find("metric") != nullptr)
    return base::parse_url(page->text);
  if (const Value* url = section.find("http"))
    return base::parse_url(url->text);
  if (const Value* tcp = section.find("tcp"))
    return base::parse_endpoint(tcp->text);
  return std::nullopt;
}

void fill_headers(const Building& building, const Value& section, ProbeSpec& probe) {
  for (const auto& [name, value] : section.at("headers").members) {
    probe.headers.emplace_back(name, value.text);
    std::string lower = name;
    std::ranges::transform(lower, lower.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    if (lower == "authorization" || lower == "cookie" || lower == "x-api-key")
      building.warn(value.mark, "probe " + quoted(probe.name) + " has a header " + quoted(name) +
                                    " in clear text; 'bearer: file:PATH' keeps a token out of "
                                    "this file");
  }
  if (const Value* bearer = section.find("bearer"))
    probe.bearer = secret_of(bearer->text);
}

void fill_http(const Building& building, const Value& section, ProbeSpec& probe) {
  probe.kind = ProbeKind::http;
  probe.url = section.at("http").text;
  probe.method = section.at("method").text;
  fill_headers(building, section, probe);
  probe.body = section.text_or_empty("body");
  probe.status = static_cast<int>(section.at("status").number);
  probe.follow_redirects = section.at("follow_redirects").truth;
  for (const auto& [path, value] : section.at("json").members)
    probe.json.push_back({path, value.json});
}

void check_service(const Building& building, const Value& service) {
  std::vector<std::string> known;
  for (const auto& [name, value] : building.root.at("services").members)
    known.push_back(name);
  if (std::ranges::find(known, service.text) != known.end())
    return;
  const auto near = base::nearest(service.text, known);
  building.problems.add(service.mark, "there is no service " + quoted(service.text),
                        near ? "Did you mean '" + *near + "'?"
                             : "The services are " + base::join(known, ", ") + ".");
}

// `service` of a check or smoke: whose process must answer.
void fill_service(const Building& building, const Value& section, const std::string& path,
                  ProbeSpec& probe) {
  const Value* service = section.find("service");
  if (service == nullptr) {
    if (probe.kind == ProbeKind::process)
      building.problems.add(section.at("process").mark,
                            quoted(path + ".process") + " needs 'service'",
                            "Name the service whose process must live.");
    return;
  }
  probe.service = service->text;
  check_service(building, *service);
  const auto endpoint = endpoint_of(section);
  const bool is_looked_at = probe.kind == ProbeKind::process || endpoint.has_value();
  if (!is_looked_at || (endpoint && !base::is_loopback(endpoint->host)))
    building.problems.add(service->mark,
                          quoted(path + ".service") + " cannot be looked at by this probe",
                          "Only with process, or http, tcp or metric on a loopback address.");
}

void check_order(const Building& building, const Value& section, const std::string& path,
                 const char* low, const char* high) {
  const Value* from = section.find(low);
  const Value* to = section.find(high);
  if (from != nullptr && to != nullptr && from->number > to->number)
    building.problems.add(from->mark, quoted(path + "." + low) + " is above " + quoted(high), "");
}

void check_pattern(const Building& building, const Value& value, std::string_view text) {
  if (const auto pattern = base::Pattern::compile(std::string{text}); !pattern)
    building.problems.add(value.mark, pattern.error().message, pattern.error().hint);
}

domain::MetricSelector selector_of(const Building& building, const std::string& name,
                                   const Value& labels) {
  domain::MetricSelector selector{name, {}};
  for (const auto& [label, value] : labels.members) {
    selector.labels.emplace_back(label, value.text);
    if (value.text.starts_with('~'))
      check_pattern(building, value, std::string_view{value.text}.substr(1));
  }
  return selector;
}

void fill_metric(const Building& building, const Value& section, const std::string& path,
                 ProbeSpec& probe) {
  const Value* metric = section.find("metric");
  const Value& own = metric == nullptr ? section.at("promql") : *metric;
  probe.kind = metric == nullptr ? ProbeKind::promql : ProbeKind::metric;
  if (const Value* at = section.find("at"))
    probe.url = at->text;
  else
    building.problems.add(own.mark, quoted(path) + " needs 'at'",
                          "Give the URL of the page, or of the Prometheus server.");
  fill_headers(building, section, probe);
  const std::string& take = section.at("take").text;
  probe.take = take == "sum"   ? domain::Take::sum
               : take == "min" ? domain::Take::min
               : take == "max" ? domain::Take::max
                               : domain::Take::one;
  if (metric == nullptr) {
    probe.promql = own.text;
    return;
  }
  probe.metric = selector_of(building, own.text, section.at("labels"));
  probe.waits_while_absent = section.text_or_empty("absent") == "wait";
  if (const Value* over = section.find("over"))
    probe.over = over->duration;
  const Value* at_least = section.find("at_least");
  if (const Value* whole = section.find("share_of")) {
    probe.whole = selector_of(building, whole->text, section.at("share_of_labels"));
    probe.whole_min = at_least == nullptr ? 20 : at_least->number;
  } else if (at_least != nullptr || !section.at("share_of_labels").members.empty()) {
    building.problems.add(own.mark, quoted(path) + " needs 'share_of'",
                          "'at_least' and 'share_of_labels' have no meaning without it.");
  }
  const Value& policy = building.root.at("upgrade").at("watch");
  if (policy.duration.count() > 0 && probe.over >= policy.duration)
    building.problems.add(section.at("over").mark,
                          quoted(path + ".over") + " is not shorter than the watch",
                          "The window would never be full: shorten it, or watch for longer.");
}

void fill_mounted(const Building& building, const Value& mounted, ProbeSpec& probe) {
  probe.kind = ProbeKind::mounted;
  const Value& service = mounted.at("service");
  probe.service = service.text;
  check_service(building, service);
  for (const auto& [name, value] : building.root.at("services").members)
    if (name == service.text && value.find("container") == nullptr &&
        value.find("compose") == nullptr)
      building.problems.add(service.mark, quoted(service.text) + " is no container",
                            "Only of services with container or compose it can be told.");
  const Value& volumes = mounted.at("volumes");
  for (const std::string& word : volumes.words) {
    const auto colon = word.find(':');
    const std::string source = word.substr(0, colon);
    const std::string at = colon == std::string::npos ? "" : word.substr(colon + 1);
    if (source.empty() || !at.starts_with('/') || at.contains(':'))
      building.problems.add(volumes.mark, quoted(word) + " is not SOURCE:PATH",
                            "Name a volume, and where it must be seen: shop_data:/data.");
    const bool is_folder = source.starts_with('/') || source.starts_with("./");
    probe.mounts.emplace_back(
        at, is_folder ? base::absolute_path(source, building.stack.project_folder) : source);
  }
}

// Those kinds that only a check has. False: it is another.
bool fill_number(const Building& building, const Value& section, const std::string& path,
                 ProbeSpec& probe) {
  if (section.find("metric") != nullptr || section.find("promql") != nullptr) {
    fill_metric(building, section, path, probe);
  } else if (const Value* log = section.find("log")) {
    probe.kind = ProbeKind::log;
    probe.service = log->at("service").text;
    check_service(building, log->at("service"));
    probe.pattern = log->at("pattern").text;
    check_pattern(building, log->at("pattern"), probe.pattern);
    probe.except = log->text_or_empty("except");
    if (const Value* except = log->find("except"))
      check_pattern(building, *except, probe.except);
  } else if (const Value* mounted = section.find("mounted")) {
    fill_mounted(building, *mounted, probe);
  } else if (const Value* disk = section.find("disk")) {
    probe.kind = ProbeKind::disk;
    probe.path = disk->text;
  } else if (const Value* memory = section.find("memory")) {
    probe.kind = ProbeKind::memory;
    probe.service = memory->text;
    check_service(building, *memory);
  } else {
    return false;
  }
  if (const Value* unit = section.find("unit"); unit != nullptr && unit->text == "mebibytes")
    probe.unit = domain::Unit::mebibytes;
  if (const Value* service = section.find("service");
      service != nullptr && probe.kind != ProbeKind::metric)
    building.problems.add(service->mark,
                          quoted(path + ".service") + " cannot be looked at by this probe",
                          "Only with process, or http, tcp or metric on a loopback address.");
  return true;
}

} // namespace

ProbeSpec build_probe(const Building& building, const Value& section, const std::string& name) {
  ProbeSpec probe;
  probe.name = name;
  probe.timeout = section.at("timeout").duration;
  probe.contains = section.text_or_empty("contains");
  probe.value = section.text_or_empty("value");
  if (section.find("http") != nullptr) {
    fill_http(building, section, probe);
  } else if (const Value* tcp = section.find("tcp")) {
    const auto endpoint = base::parse_endpoint(tcp->text);
    CHECK(endpoint.has_value()); // it was read as one
    probe.kind = ProbeKind::tcp;
    probe.host = endpoint->host;
    probe.port = endpoint->port;
  } else if (const Value* run = section.find("run")) {
    probe.kind = ProbeKind::command;
    probe.argv = project_command(run->words, building.stack.project_folder);
  } else {
    const Value& process = section.at("process");
    if (!process.truth)
      building.problems.add(process.mark,
                            "'process' of probe " + quoted(name) + " can only be true",
                            "Remove it and give http, tcp or run instead.");
  }
  return probe;
}

domain::GateSpec build_ready(const Building& building, const Value& section,
                             const std::string& service) {
  domain::GateSpec gate;
  gate.probe = build_probe(building, section, service + ".ready");
  gate.within = section.at("within").duration;
  gate.every = section.at("every").duration;
  gate.stable = section.at("stable").duration;
  gate.consecutive = static_cast<int>(section.at("consecutive").number);
  const std::string path = "services." + service + ".ready";
  const auto shortest = std::max(gate.stable, gate.every * (gate.consecutive - 1));
  if (shortest > gate.within)
    building.problems.add(section.at("within").mark,
                          quoted(path) + " can never pass: its readings take " +
                              duration_text(shortest) + ", 'within' is " +
                              duration_text(gate.within),
                          "Raise within, or lower consecutive, every or stable.");
  const auto endpoint = endpoint_of(section);
  const Value* foreign = section.find("foreign");
  const bool is_foreign = foreign != nullptr && foreign->truth;
  if (gate.probe.kind == ProbeKind::process) {
    gate.probe.service = service;
    building.warn(section.mark, quoted(path) + " only sees that the process lives; give 'http', "
                                               "'tcp' or 'run' to see that it works");
  } else if (endpoint && !is_foreign) {
    if (base::is_loopback(endpoint->host))
      gate.probe.service = service;
    else
      building.warn(section.mark, quoted(path) + " asks " + quoted(endpoint->host) +
                                      ", so nobody sees whose process answers; 'foreign: true' "
                                      "says that this is meant");
  }
  return gate;
}

domain::CheckSpec build_check(const Building& building, const Value& section,
                              const std::string& path) {
  domain::CheckSpec check;
  check.probe.name = section.at("name").text;
  check.probe.timeout = section.at("timeout").duration;
  if (!fill_number(building, section, path, check.probe))
    check.probe = build_probe(building, section, check.probe.name);
  if (check.probe.kind <= ProbeKind::metric && check.probe.kind != ProbeKind::mounted)
    fill_service(building, section, path, check.probe);
  check.probe.is_age = section.find("as") != nullptr && section.at("as").text == "age";
  if (check.probe.is_age && (check.probe.over.count() > 0 || check.probe.whole))
    building.problems.add(section.at("as").mark, quoted(path + ".as") + " is not for a rate", "");
  if (check.probe.is_age && !domain::gives_number(check.probe))
    building.problems.add(section.at("as").mark, quoted(path + ".as") + " needs 'value'",
                          "Name the time in the JSON answer: value: backup.last_success.");
  const auto bound = [&](const char* key, std::optional<double>& number) {
    const Value* value = section.find(key);
    if (value == nullptr)
      return;
    number = value->number;
    if (!domain::gives_number(check.probe))
      building.problems.add(value->mark, quoted(path + "." + key) + " needs 'value'",
                            "Name the number in the JSON answer: value: orders.count.");
    if (std::string_view{key}.ends_with("_of_baseline") && value->number < 0)
      building.problems.add(value->mark, quoted(path + "." + key) + " must not be negative",
                            "It is a ratio: 1.0 is the number before the change.");
  };
  bound("min", check.min);
  bound("max", check.max);
  bound("min_of_baseline", check.min_of_baseline);
  bound("max_of_baseline", check.max_of_baseline);
  check_order(building, section, path, "min", "max");
  check_order(building, section, path, "min_of_baseline", "max_of_baseline");
  return check;
}

ProbeSpec build_smoke(const Building& building, const Value& section, const std::string& path) {
  ProbeSpec probe = build_probe(building, section, section.at("name").text);
  fill_service(building, section, path, probe);
  return probe;
}

} // namespace config
