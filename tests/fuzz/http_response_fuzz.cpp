// Any answer to an HTTP probe: a Reading that is ok only for the status that was asked for, with
// a detail that is short. The input is one byte for the status, one for what is asked for, a line
// for the JSON path, and the body.

#include "base/url.hpp"
#include "drivers/probe/judge.hpp"

#include <algorithm>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2)
    return 0;
  const std::string_view text{reinterpret_cast<const char*>(data + 2), size - 2};
  const auto line = std::min(text.find('\n'), text.size());
  const std::string path{text.substr(0, line)};
  world::HttpResponse response;
  response.status = 100 + (data[0] & 0x7F) * 4;
  response.is_truncated = (data[0] & 0x80) != 0;
  response.body = text.substr(std::min(line + 1, text.size()));
  domain::ProbeSpec spec;
  spec.name = "p";
  spec.kind = domain::ProbeKind::http;
  spec.url = "http://127.0.0.1/" + path;
  if ((data[1] & 1U) != 0)
    spec.json.push_back({path, "\"ok\""});
  if ((data[1] & 2U) != 0)
    spec.value = path;
  if ((data[1] & 4U) != 0)
    spec.contains = "k";
  domain::Reading reading;
  drivers::probe::judge_answer(spec, response, reading);
  CHECK(reading.verdict != domain::Verdict::ok || response.status == 200);
  if (reading.verdict == domain::Verdict::ok) {
    CHECK(spec.contains.empty() || response.body.contains('k'));
    CHECK(spec.value.empty() || reading.number);
  }
  CHECK(reading.detail.size() < path.size() * 4 + 4096);
  const auto endpoint = base::parse_url(path);
  CHECK(!endpoint || (endpoint->port >= 1 && endpoint->port <= 65535));
  return 0;
}
