#include "drivers/probe/judge.hpp"

#include "base/text.hpp"
#include "drivers/probe/numbers.hpp"

namespace drivers::probe {

using domain::Verdict;

namespace {

std::string shortened(const std::string& text) {
  std::string line = base::printable(text.substr(0, 160));
  for (char& c : line)
    if (c == '\n')
      c = ' ';
  return line;
}

// Empty when the assertion holds.
std::string broken(const domain::JsonAssertion& assertion, const std::string& body) {
  const auto found = find_json(body, assertion.path);
  if (!found)
    return found.error().message;
  if (is_same_json(found.value().text, assertion.equals))
    return "";
  return assertion.path + " is " + shortened(found.value().text) + ", wanted " + assertion.equals;
}

std::string what_is_wrong(const domain::ProbeSpec& spec, const world::HttpResponse& response) {
  const bool is_redirect = response.status >= 300 && response.status < 400;
  if (response.status != spec.status)
    return std::string{is_redirect ? "a redirect" : "status " + std::to_string(response.status)} +
           ", wanted " + std::to_string(spec.status) +
           (response.body.empty() ? "" : ": " + shortened(response.body));
  const bool reads_body = !spec.json.empty() || !spec.contains.empty() || !spec.value.empty();
  if (reads_body && response.is_truncated)
    return "the answer is too long to be judged";
  for (const auto& assertion : spec.json)
    if (std::string wrong = broken(assertion, response.body); !wrong.empty())
      return wrong;
  if (!spec.contains.empty() && !response.body.contains(spec.contains))
    return "the answer does not contain '" + spec.contains + "'";
  return "";
}

} // namespace

std::optional<double> number_of(const domain::ProbeSpec& spec, const JsonValue& found) {
  if (!spec.is_age)
    return found.number;
  std::string_view text = found.text;
  if (text.size() >= 2 && text.starts_with('"')) {
    text.remove_prefix(1);
    text.remove_suffix(1);
  }
  const auto time = time_of(text);
  return time ? std::optional{time.value()} : std::nullopt;
}

void judge_answer(const domain::ProbeSpec& spec, const world::HttpResponse& response,
                  domain::Reading& reading) {
  const std::string in = " in " + base::format_duration(response.elapsed);
  reading.elapsed = response.elapsed;
  std::string wrong = what_is_wrong(spec, response);
  if (wrong.empty() && !spec.value.empty()) {
    const auto found = find_json(response.body, spec.value);
    if (!found)
      wrong = found.error().message;
    else if (reading.number = number_of(spec, found.value()); !reading.number)
      wrong = spec.value + " is " + shortened(found.value().text) +
              (spec.is_age ? ", not a time with its zone" : ", not a number");
  }
  reading.verdict = wrong.empty() ? Verdict::ok : Verdict::bad;
  if (!wrong.empty())
    reading.detail = wrong + in;
  else if (reading.number)
    reading.detail =
        spec.value + " is " + shortened(find_json(response.body, spec.value).value().text) + in;
  else
    reading.detail = "status " + std::to_string(response.status) + in;
}

} // namespace drivers::probe
